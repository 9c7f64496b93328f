"""What an order can be told. Times, ids and prices come in with the command.

``Record…`` is news from elsewhere: it may be late, twice, or out of order. ``new_id`` names what the news leads to,
should it lead to something that needs a name: a refund, or a shipment.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from soko_contracts.sealed import Sealed

from order.shipments import Parcel, ShipmentStatus
from order.totals import Line, Totals
from order.values import Address, Chosen, Claim, Shortage, Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Order what the cart held at ``cart_version``."""

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
    now: datetime
    coupon: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCouponRedeemed:
    """The order has its use of the coupon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCouponRejected:
    """There was none for it; ``reason`` names the problem."""

    reason: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStockReserved:
    """Inventory holds every line. ``new_id`` names the shipment of an order that costs nothing."""

    new_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStockRejected:
    """Inventory holds nothing."""

    shortages: tuple[Shortage, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndStockWait:
    """Timer: inventory has had its time to answer."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReservation:
    """Inventory asks what becomes of the units it holds."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay:
    """Try to be paid, for the first time or again."""

    payment: Chosen
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordActionRequired:
    """The payer has to do something."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAuthorised:
    """The money is promised."""

    payment_id: str
    new_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCaptured:
    """The money is here."""

    payment_id: str
    method: str
    amount: int
    new_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPaymentEnded:
    """The attempt failed, or was voided: nothing came of it."""

    payment_id: str
    reason: str
    voided: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPaymentWindow:
    """Timer: the customer has had the time to pay."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Call it off. ``new_id`` names the refund, should there be one. ``note`` is what the person wrote."""

    by: Literal["customer", "staff"]
    note: Sealed | None
    new_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAgain:
    """Timer: ask payment again about an attempt or a refund, named by ``id``, that it has not answered."""

    id: str
    tries: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAddress:
    """Send it elsewhere."""

    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePayment:
    """Staff: take what was promised."""

    payment_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidPayment:
    """Staff: end the attempt."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPaid:
    """Staff: the money was collected by hand; ``reference`` is the receipt."""

    payment_id: str
    reference: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """Staff: refund ``amount``, or what was paid for the units ``lines``, or with neither all that is left."""

    refund_id: str
    amount: int | None
    reason: str
    now: datetime
    lines: tuple[Parcel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRefund:
    """Staff: have a refund that the provider refused tried again."""

    refund_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefunded:
    """The money went back."""

    refund_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefundFailed:
    """The provider would not return the money, asked for the ``tries``-th time."""

    refund_id: str
    reason: str
    tries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitShipment:
    """Staff: send ``lines`` in a parcel of their own."""

    shipment_id: str
    lines: tuple[Parcel, ...]
    carrier: str | None
    tracking_number: str | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateShipment:
    """Staff: the parcel is somewhere else, or is known by another number. None leaves a part as it is."""

    shipment_id: str
    status: ShipmentStatus | None
    carrier: str | None
    tracking_number: str | None


Command = (
    Place
    | RecordCouponRedeemed
    | RecordCouponRejected
    | RecordStockReserved
    | RecordStockRejected
    | EndStockWait
    | AnswerReservation
    | Pay
    | RecordActionRequired
    | RecordAuthorised
    | RecordCaptured
    | RecordPaymentEnded
    | EndPaymentWindow
    | Cancel
    | AskAgain
    | ChangeAddress
    | CapturePayment
    | VoidPayment
    | MarkPaid
    | GiveBack
    | RetryRefund
    | RecordRefunded
    | RecordRefundFailed
    | SplitShipment
    | UpdateShipment
)

COMMANDS: dict[str, type] = {
    "end_stock_wait.v1": EndStockWait,
    "end_payment_window.v1": EndPaymentWindow,
    "ask_again.v1": AskAgain,
}
"""The commands that timers carry, by the names they are stored under."""
