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


@command("cart.put_back.v1")
class PutBack:
    """Give the lines of an order that was never confirmed back to the owner of its cart.

    ``customer_id`` is null for a guest: their cart token is known to the closed cart.
    """

    order_id: str
    cart_id: str
    customer_id: str | None
    lines: tuple[CartLine, ...]
