"""What can be asked of a payment, what a provider can say of it, and what can have happened to it.

Amounts are minor units of ``currency``. A ``revision`` counts a charge's changes at its provider; 0 where the provider
does not count. Operations, where one is named: ``authorise``, ``capture``, ``void``, ``refund:<refund_id>``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from soko_contracts.sealed import Sealed

CARD = "card"
CASH_ON_DELIVERY = "cash_on_delivery"
METHODS = frozenset({CARD, CASH_ON_DELIVERY})


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
class ChargeRefund:
    """One refund as the provider has it."""

    refund_id: str
    amount: int
    status: Literal["pending", "succeeded", "failed"]
    reason: str | None = None


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
    """Give ``amount`` back. One ``refund_id``, one refund."""

    payment_id: str
    order_id: str | None
    refund_id: str
    amount: int


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


Command = Authorise | Capture | Void | Refund | Report | Deny | GiveUp | Ask


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
    """``amount`` is to go back."""

    refund_id: str
    amount: int


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

COMMANDS: dict[str, type] = {"ask.v1": Ask}
