"""What the cart tells, and what it obeys."""

from dataclasses import dataclass
from datetime import datetime

from soko_contracts.registry import command, event


@dataclass(frozen=True, kw_only=True)
class CartLine:
    """``unit_price`` in minor units of the shop's currency; ``priced_at`` is when the price was taken."""

    sku: str
    variant_id: str
    quantity: int
    unit_price: int
    priced_at: datetime


@event("cart.opened.v1")
class Opened:
    """A cart was opened for ``customer_id``, or for a guest when that is null."""

    cart_id: str
    customer_id: str | None
    lines: tuple[CartLine, ...] = ()


@event("cart.abandoned.v1")
class Abandoned:
    """A customer left these lines in their cart for a day; said once a cart."""

    cart_id: str
    customer_id: str
    lines: tuple[CartLine, ...]


@dataclass(frozen=True, kw_only=True)
class Redemption:
    """The use of a coupon by one order; ``customer_id`` is null for a guest."""

    order_id: str
    cart_id: str
    customer_id: str | None
    coupon_id: str
    code: str


@event("cart.coupon_redeemed.v1")
class CouponRedeemed(Redemption):
    """The order has the coupon's use, until it is cancelled."""


@event("cart.coupon_rejected.v1")
class CouponRejected(Redemption):
    """The order goes without. ``reason`` names the problem: ``coupon-used-up``, ``coupon-already-used``, ..."""

    reason: str


@command("cart.redeem_coupon.v1")
class RedeemCoupon(Redemption):
    """Count one use of the coupon for this order, if it has one left."""


@command("cart.return_coupon.v1")
class ReturnCoupon:
    """The order is over before it was a sale, or its sale was undone: its use of a coupon, if it has one, is free."""

    order_id: str


@command("cart.put_back.v1")
class PutBack:
    """Give the lines of an order that was never confirmed back to the owner of its cart.

    ``customer_id`` is null for a guest: their cart token is known to the closed cart. ``coupon`` is the code that the
    cart they come to shall have, where it has none; whether it is still good is seen when somebody looks.
    """

    order_id: str
    cart_id: str
    customer_id: str | None
    lines: tuple[CartLine, ...]
    coupon: str | None = None
