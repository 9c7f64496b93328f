"""What an order tells. Amounts are minor units of ``currency``; no names, addresses or phones."""

from dataclasses import dataclass
from datetime import datetime

from soko_contracts.registry import event


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """``discount`` and ``tax`` are the line's own shares, to the last minor unit."""

    sku: str
    variant_id: str
    name: str
    quantity: int
    unit_price: int
    discount: int = 0
    tax: int = 0
    location_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What the customer pays: subtotal - discount + shipping + tax + rounding = total."""

    subtotal: int
    discount: int
    shipping: int
    tax: int
    rounding: int
    total: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """What every order event carries."""

    order_id: str
    number: str
    customer_id: str | None
    lines: tuple[OrderLine, ...]
    totals: Totals


@event("order.placed.v1")
class Placed(OrderFacts):
    """An order was made of a cart as it stood at ``cart_version``."""

    cart_id: str
    cart_version: int
    placed_at: datetime


@event("order.awaiting_payment.v1")
class AwaitingPayment(OrderFacts):
    """Stock is held; the order is to be paid until ``expires_at``."""

    expires_at: datetime


@event("order.confirmed.v1")
class Confirmed(OrderFacts):
    """Paid, or promised by cash on delivery: the shop owes the goods."""

    payment_method: str
    confirmed_at: datetime


@event("order.cancelled.v1")
class Cancelled(OrderFacts):
    """``reason``: ``out_of_stock``, ``stock_timeout``, ``coupon_rejected``, ``payment_failed``, ``payment_timeout``,
    ``by_customer`` or ``by_staff``.
    """

    reason: str
    cancelled_at: datetime


@dataclass(frozen=True, kw_only=True)
class ShipmentFacts:
    """One parcel of an order."""

    order_id: str
    number: str
    customer_id: str | None
    shipment_id: str
    carrier: str | None
    tracking_number: str | None


@event("order.shipment_updated.v1")
class ShipmentUpdated(ShipmentFacts):
    """``status``: pending, packed, in_transit, out_for_delivery, failed, returned."""

    status: str


@event("order.shipped.v1")
class Shipped(ShipmentFacts):
    """The last parcel that was still here has left."""


@event("order.delivered.v1")
class Delivered(ShipmentFacts):
    """Every parcel has arrived."""


@event("order.refunded.v1")
class Refunded:
    """Money of an order went back to its payer."""

    order_id: str
    number: str
    customer_id: str | None
    payment_id: str
    refund_id: str
    amount: int
    currency: str
