"""What can be asked of a payment, and what a provider can say of it.

Amounts are minor units of ``currency``. A ``revision`` counts a charge's changes at its provider; 0 where the provider
does not count. Operations, where one is named: ``authorise``, ``capture``, ``void``, ``refund:<refund_id>``, and for a
refund's second try ``refund:<refund_id>:2``, and so on.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from soko_contracts.sealed import Sealed

CARD = "card"
CASH_ON_DELIVERY = "cash_on_delivery"
METHODS = frozenset({CARD, CASH_ON_DELIVERY})


@dataclass(frozen=True, slots=True)
class ChargeRefund:
    """One refund as the provider has it; ``tries`` is which of our tries it is."""

    refund_id: str
    amount: int
    status: Literal["pending", "succeeded", "failed"]
    reason: str | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Charge:
    """How a charge stands at its provider, at one moment. ``missing``: the provider has none.

    ``captured`` is what was taken, ``action`` and ``next_action`` what the payer has to do.
    """

    status: Literal["missing", "pending", "requires_action", "authorised", "captured", "voided", "failed"]
    charge_id: str | None = None
    revision: int = 0
    captured: int = 0
    refunds: tuple[ChargeRefund, ...] = ()
    reason: str | None = None
    action: str | None = None
    next_action: Sealed | None = None


@dataclass(frozen=True, slots=True)
class Authorise:
    """Ask the provider for ``amount``. ``reference`` is what staff wrote on a payment without an order."""

    payment_id: str
    order_id: str | None
    number: str | None
    customer_id: str | None
    method: str
    amount: int
    currency: str
    now: datetime
    token: Sealed | None = None
    phone: Sealed | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """Take what was authorised. ``receipt`` proves cash. ``strict``: a person asks, so a no is a refusal."""

    payment_id: str
    order_id: str | None
    amount: int
    receipt: str | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Void:
    """End the attempt without money. ``strict`` as for Capture."""

    payment_id: str
    order_id: str | None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Refund:
    """Give ``amount`` back. One ``refund_id``, one refund; after it failed, a higher ``tries`` asks for it again."""

    payment_id: str
    order_id: str | None
    refund_id: str
    amount: int
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """The provider says how the charge stands; ``operation`` is the call that it answers, if it answers one.

    Where that leaves something open, the provider is asked ``ask_after`` seconds from ``now``.
    """

    charge: Charge
    now: datetime
    ask_after: int
    operation: str | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """The provider will not do ``operation``. ``charge`` is how it stands, where the provider said that too."""

    operation: str
    reason: str
    now: datetime
    ask_after: int
    charge: Charge | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No try of the call got an answer: whether ``operation`` happened is unknown."""

    operation: str
    now: datetime
    ask_after: int


@dataclass(frozen=True, slots=True)
class Ask:
    """The timer: ``at`` has come, ``delay`` seconds after the last time the provider was heard or asked."""

    at: datetime
    delay: int


def refund_operation(refund_id: str, tries: int) -> str:
    """What the call for this try of the refund is named by."""
    return f"refund:{refund_id}" if tries == 1 else f"refund:{refund_id}:{tries}"


Command = Authorise | Capture | Void | Refund | Report | Deny | GiveUp | Ask

COMMANDS: dict[str, type] = {"ask.v1": Ask}
"""The command that timers carry."""
