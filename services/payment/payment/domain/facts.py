"""What can have happened to a payment. Past tense, never changed, stored under the names in ``EVENTS``.

Amounts are minor units of the payment's currency; ``revision`` and operations are as in ``commands``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from soko_contracts.sealed import Sealed


class Status(StrEnum):
    """``failed`` and ``voided`` are over without money, ``captured`` is over with it."""

    NEW = "new"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Requested:
    """The provider is asked for the money."""

    payment_id: str
    order_id: str | None
    number: str | None
    customer_id: str | None
    method: str
    amount: int
    currency: str
    at: datetime
    token: Sealed | None
    phone: Sealed | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The provider was never asked: the attempt had ended before it began (``voided``), or there is no such method."""

    payment_id: str
    order_id: str | None
    number: str | None
    customer_id: str | None
    method: str
    amount: int
    currency: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """The call for ``operation`` came back, and what became of it is not known yet: ask at ``ask_at``."""

    operation: str
    charge_id: str | None
    ask_at: datetime
    delay: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The provider is asked how the charge stands, and again at ``ask_at`` if that settles nothing."""

    ask_at: datetime
    delay: int


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The payer has to act, as ``next_action`` says; the provider is asked at ``ask_at`` whether they did."""

    charge_id: str | None
    revision: int
    action: str
    next_action: Sealed | None
    ask_at: datetime
    delay: int


@dataclass(frozen=True, slots=True)
class Authorised:
    """The money is promised."""

    charge_id: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class CaptureAsked:
    """The money is to be taken: now if it is authorised, else when it is."""

    amount: int
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Captured:
    """The provider took ``amount``."""

    charge_id: str | None
    revision: int
    amount: int


@dataclass(frozen=True, slots=True)
class VoidAsked:
    """The promise is to be given back, as soon as no other call can still change what there is to void."""


@dataclass(frozen=True, slots=True)
class Voided:
    """Over without money. ``at_provider``: the provider voided a charge; else it never had one."""

    payment_id: str
    order_id: str | None
    charge_id: str | None
    revision: int
    at_provider: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """Over without money, for ``reason``. ``at_provider_voided``: because the provider voided the charge by itself."""

    payment_id: str
    order_id: str | None
    charge_id: str | None
    revision: int
    reason: str
    at_provider_voided: bool = False


@dataclass(frozen=True, slots=True)
class PromiseLeft:
    """The attempt is over here, and the provider still holds the payer's promise: it has to be voided."""

    charge_id: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class PromiseGone:
    """The provider holds nothing any more of an attempt that was over. ``voided``: it voided the charge."""

    charge_id: str | None
    revision: int
    voided: bool


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """``amount`` is to go back; the provider is asked for the ``tries``-th time."""

    refund_id: str
    amount: int
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Refunded:
    """``amount`` went back."""

    refund_id: str
    amount: int
    revision: int


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """``amount`` stays owed: ``reason``."""

    payment_id: str
    order_id: str | None
    refund_id: str
    amount: int
    reason: str
    tries: int = 1


@dataclass(frozen=True, slots=True)
class AnsweredAgain:
    """A command came for something that is over: its outcome is told once more. ``refund_id``: that refund's."""

    refund_id: str | None = None


Event = (
    Requested
    | TurnedAway
    | LeftOpen
    | Asked
    | ActionRequired
    | Authorised
    | CaptureAsked
    | Captured
    | VoidAsked
    | Voided
    | Failed
    | PromiseLeft
    | PromiseGone
    | RefundAsked
    | Refunded
    | RefundFailed
    | AnsweredAgain
)

EVENTS: dict[str, type] = {
    "requested.v1": Requested,
    "turned_away.v1": TurnedAway,
    "left_open.v1": LeftOpen,
    "asked.v1": Asked,
    "action_required.v1": ActionRequired,
    "authorised.v1": Authorised,
    "capture_asked.v1": CaptureAsked,
    "captured.v1": Captured,
    "void_asked.v1": VoidAsked,
    "voided.v1": Voided,
    "failed.v1": Failed,
    "promise_left.v1": PromiseLeft,
    "promise_gone.v1": PromiseGone,
    "refund_asked.v1": RefundAsked,
    "refunded.v1": Refunded,
    "refund_failed.v1": RefundFailed,
    "answered_again.v1": AnsweredAgain,
}
