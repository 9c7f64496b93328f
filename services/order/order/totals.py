"""What an order costs: one pure function for the quote and the checkout, so that the two cannot differ.

All amounts are integer minor units of one currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many units of a SKU at the price the cart showed; ``priced_at`` is when that price was taken.

    ``discount`` and ``tax`` are the line's own shares of the order's, to the last minor unit.
    """

    sku: str
    variant_id: str
    name: str
    quantity: int
    unit_price: int
    priced_at: datetime
    discount: int = 0
    tax: int = 0
    location_id: str | None = None

    @property
    def total(self) -> int:
        """What the units cost before discount and tax."""
        return self.quantity * self.unit_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """subtotal - discount + shipping + tax + rounding = total."""

    subtotal: int
    discount: int
    shipping: int
    tax: int
    rounding: int
    total: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Lines with their shares, and what they come to."""

    lines: tuple[Line, ...]
    totals: Totals


def quote(lines: Sequence[Line], shipping: int, currency: str) -> Quote:
    """What ``lines`` cost, sent for ``shipping``.

    No discount, tax or rounding applies yet: they are zero, and the sum already counts them.
    """
    subtotal = sum(line.total for line in lines)
    discount = sum(line.discount for line in lines)
    tax = sum(line.tax for line in lines)
    rounding = 0
    return Quote(
        lines=tuple(lines),
        totals=Totals(
            subtotal=subtotal,
            discount=discount,
            shipping=shipping,
            tax=tax,
            rounding=rounding,
            total=subtotal - discount + shipping + tax + rounding,
            currency=currency,
        ),
    )
