"""An order's money: what was tried, taken and given back. Pure; amounts are minor units of the order's currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from order.shipments import Parcel

CASH_ON_DELIVERY = "cash_on_delivery"

PROMISED = frozenset({CASH_ON_DELIVERY})
"""Methods where the promise alone confirms the order; the money is collected later."""

PAID_BY_HAND = frozenset({CASH_ON_DELIVERY, "bank_transfer"})
"""Methods whose money arrives outside: staff say when."""

TAKEN_AT_ONCE = frozenset({"mpesa"})
"""Methods that cannot promise without taking: to ask for the promise is to ask for the money."""


ASKED_FOR = frozenset({"mpesa", "bank_transfer"})
"""Methods that the customer pays by somewhere else, not on the shop's own page: they are told of it."""


class AttemptStatus(StrEnum):
    """Where an attempt to be paid is."""

    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"


OPEN = frozenset({AttemptStatus.PROCESSING, AttemptStatus.REQUIRES_ACTION, AttemptStatus.AUTHORISED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to be paid. ``captured`` is what it brought.

    Once ``capture_asked``, the money may be here at any moment: only the provider's answer ends the attempt.
    ``secret`` says that a token or phone was sealed under the attempt's own key.
    """

    payment_id: str
    method: str
    status: AttemptStatus
    captured: int = 0
    capture_asked: bool = False
    secret: bool = False

    @property
    def open(self) -> bool:
        """The provider has not said the last word."""
        return self.status in OPEN


class RefundStatus(StrEnum):
    """Where a refund is. A failed one is still owed."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that was decided to go back. ``reason`` is a code, or what staff wrote.

    ``lines``: the units that it was paid for, where it was decided by them. ``tries`` counts how often it was to be
    made: staff may have a failed one tried again.
    """

    refund_id: str
    payment_id: str
    amount: int
    reason: str
    created_at: datetime
    status: RefundStatus = RefundStatus.PENDING
    lines: tuple[Parcel, ...] = ()
    tries: int = 1


def refundable(attempt: Attempt, refunds: Sequence[Refund]) -> int:
    """What the attempt brought and nobody has decided to give back. A failed refund stays decided: it is owed."""
    return attempt.captured - sum(refund.amount for refund in refunds if refund.payment_id == attempt.payment_id)


def payment_status(attempt: Attempt | None, refunds: Sequence[Refund]) -> str:
    """One word for all of it, by the attempt that counts.

    unpaid, requires_action, processing, authorised, captured, partially_refunded, refunded, refund_failed, failed or
    voided.
    """
    if any(refund.status is RefundStatus.FAILED for refund in refunds):
        return "refund_failed"
    if attempt is None:
        return "unpaid"
    if attempt.captured == 0:
        return attempt.status.value
    returned = sum(
        refund.amount
        for refund in refunds
        if refund.payment_id == attempt.payment_id and refund.status is RefundStatus.SUCCEEDED
    )
    if returned == 0:
        return "captured"
    return "refunded" if returned >= attempt.captured else "partially_refunded"
