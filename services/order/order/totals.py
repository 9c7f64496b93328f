"""What an order costs: one pure function for the quote and the checkout, so that the two cannot differ.

All amounts are integer minor units of one currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What a coupon takes off: ``percent`` or ``amount`` of the lines ``skus`` (None: of all), or the shipping."""

    percent: int | None = None
    amount: int | None = None
    free_shipping: bool = False
    skus: frozenset[str] | None = None

    def of(self, line: Line) -> int:
        """How much of the line's price it is taken from."""
        return line.total if self.skus is None or line.sku in self.skus else 0


def quote(lines: Sequence[Line], shipping: int, currency: str, reduction: Reduction | None = None) -> Quote:
    """What ``lines`` cost, sent for ``shipping``, and less ``reduction``. The lines come without any discount.

    No tax or rounding applies yet: they are zero, and the sum already counts them.
    """
    if reduction is not None:
        lines = reduced(lines, reduction)
        shipping = 0 if reduction.free_shipping else shipping
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


def reduced(lines: Sequence[Line], reduction: Reduction) -> tuple[Line, ...]:
    """The lines, each with its share of the discount: in proportion to its price, and together exactly all of it.

    Each share is rounded down; the minor units left over go one each to the largest remainders, the first line first.
    A percentage is rounded down too. No share is more than the line costs.
    """
    weights = [reduction.of(line) for line in lines]
    base = sum(weights)
    discount = base * (reduction.percent or 0) // 100 + min(reduction.amount or 0, base)
    if discount == 0:
        return tuple(lines)
    shares = [discount * weight // base for weight in weights]
    largest = sorted(range(len(lines)), key=lambda n: (-(discount * weights[n] % base), n))
    for n in largest[: discount - sum(shares)]:
        shares[n] += 1
    return tuple(replace(line, discount=share) for line, share in zip(lines, shares, strict=True))


def paid_for(line: Line, quantity: int, *, after: int = 0) -> int:
    """What was paid for ``quantity`` of the line's units, when ``after`` units were given back before.

    Whatever the steps, a line's units together bring exactly what was paid for it, and no more at any time.
    """
    paid = line.total - line.discount + line.tax
    return paid * (after + quantity) // line.quantity - paid * after // line.quantity
