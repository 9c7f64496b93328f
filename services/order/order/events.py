"""What can have happened to an order. Past tense, never changed, stored under the names in ``EVENTS``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from soko_contracts.sealed import Sealed

from order.shipments import Parcel, ShipmentStatus
from order.totals import Line, Totals
from order.values import Address, Chosen, Claim, Reason, Shortage, Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The order exists; its coupon is asked for, and else stock."""

    order_id: str
    number: str
    customer_id: str | None
    owner: str
    cart_id: str
    cart_version: int
    lines: tuple[Line, ...]
    totals: Totals
    shipping_method: str
    address: Address
    contact: Sealed
    payment: Chosen | None
    waits: Waits
    placed_at: datetime
    coupon: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponRedeemed:
    """The order has its use of the coupon; stock is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponRejected:
    """The order cannot have its coupon."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedWithoutCoupon:
    """It goes on at its full price; stock is asked for."""

    lines: tuple[Line, ...]
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingPayment:
    """Stock is held; no try to pay moves ``expires_at``."""

    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStarted:
    """An attempt to be paid began."""

    payment: Chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentActionRequired:
    """The payer has to act."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorised:
    """The money is promised. Unless the promise is all that is wanted, its capture is asked for."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured:
    """Money came: for the order, or late, for an attempt that had ended."""

    payment_id: str
    method: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed:
    """An attempt ended without paying the order."""

    payment_id: str
    reason: str
    voided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LatePromiseDeclined:
    """An attempt that had ended was promised after all: the promise goes back."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureAsked:
    """Staff want the money taken now; ``reference`` is the receipt of money collected by hand."""

    payment_id: str
    reference: str | None
    next_ask: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidAsked:
    """Staff want the attempt ended."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The pivot: paid or promised. The shop owes the goods, and from here a cancel refunds.

    ``payment_id`` is None for an order that costs nothing. ``shipment_id`` names the parcel that is made now.
    """

    payment_id: str | None
    method: str
    shipment_id: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """The order is called off, but money may be on its way: payment's answer decides if some goes back."""

    reason: Reason
    note: Sealed | None
    since: datetime
    next_ask: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """It is over, and nothing is kept."""

    reason: Reason
    note: Sealed | None
    shortages: tuple[Shortage, ...]
    cancelled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationAnswered:
    """Inventory was told what becomes of the units; with ``extend``, until when to hold them."""

    answer: Literal["extend", "commit", "release"]
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """Payment was reminded of an attempt or a refund, for the ``tries``-th time."""

    id: str
    tries: int
    next_ask: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressChanged:
    """It goes elsewhere."""

    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundStarted:
    """Money goes back: decided here, carried out by payment. ``lines``: it is what was paid for these units."""

    refund_id: str
    payment_id: str
    amount: int
    reason: str
    started_at: datetime
    next_ask: datetime
    lines: tuple[Parcel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSucceeded:
    """The payer has the money again."""

    refund_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed:
    """The payer is owed the money: the provider refused the ``tries``-th try."""

    refund_id: str
    reason: str
    tries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRetried:
    """Staff have it tried again, for the ``tries``-th time."""

    refund_id: str
    tries: int
    next_ask: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentSplit:
    """Some of the order goes in a parcel of its own. ``emptied``: pending parcels that it left nothing in."""

    shipment_id: str
    lines: tuple[Parcel, ...]
    emptied: tuple[str, ...]
    carrier: str | None
    tracking_number: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentUpdated:
    """How the parcel stands now; ``before`` is where it was."""

    shipment_id: str
    before: ShipmentStatus
    status: ShipmentStatus
    carrier: str | None
    tracking_number: str | None


Event = (
    Placed
    | CouponRedeemed
    | CouponRejected
    | PlacedWithoutCoupon
    | AwaitingPayment
    | PaymentStarted
    | PaymentActionRequired
    | PaymentAuthorised
    | PaymentCaptured
    | PaymentFailed
    | LatePromiseDeclined
    | CaptureAsked
    | VoidAsked
    | Confirmed
    | Cancelling
    | Cancelled
    | ReservationAnswered
    | AskedAgain
    | AddressChanged
    | RefundStarted
    | RefundSucceeded
    | RefundFailed
    | RefundRetried
    | ShipmentSplit
    | ShipmentUpdated
)

EVENTS: dict[str, type] = {
    "placed.v1": Placed,
    "coupon_redeemed.v1": CouponRedeemed,
    "coupon_rejected.v1": CouponRejected,
    "placed_without_coupon.v1": PlacedWithoutCoupon,
    "awaiting_payment.v1": AwaitingPayment,
    "payment_started.v1": PaymentStarted,
    "payment_action_required.v1": PaymentActionRequired,
    "payment_authorised.v1": PaymentAuthorised,
    "payment_captured.v1": PaymentCaptured,
    "payment_failed.v1": PaymentFailed,
    "late_promise_declined.v1": LatePromiseDeclined,
    "capture_asked.v1": CaptureAsked,
    "void_asked.v1": VoidAsked,
    "confirmed.v1": Confirmed,
    "cancelling.v1": Cancelling,
    "cancelled.v1": Cancelled,
    "reservation_answered.v1": ReservationAnswered,
    "asked_again.v1": AskedAgain,
    "address_changed.v1": AddressChanged,
    "refund_started.v1": RefundStarted,
    "refund_succeeded.v1": RefundSucceeded,
    "refund_failed.v1": RefundFailed,
    "refund_retried.v1": RefundRetried,
    "shipment_split.v1": ShipmentSplit,
    "shipment_updated.v1": ShipmentUpdated,
}
