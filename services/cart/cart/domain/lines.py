"""Lines of a cart: one a SKU, each at the price it was promised."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from soko_contracts.cart import CartLine


@dataclass(frozen=True, slots=True)
class Line:
    """``quantity`` units of a SKU at ``unit_price``, in minor units, promised at ``priced_at``."""

    item_id: str
    sku: str
    variant_id: str
    quantity: int
    unit_price: int
    priced_at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """How many lines a cart may have, and how many units a line; ``available`` of a SKU, where that is known."""

    lines: int
    quantity: int
    available: Mapping[str, int] = field(default_factory=dict)

    def most(self, sku: str) -> int:
        """Units that a line may have when carts come together. What is sold out comes along as it is, to be seen."""
        return min(self.quantity, self.available.get(sku) or self.quantity)


def held(line: Line, now: datetime, hold: timedelta) -> bool:
    """The price that the line was added at still counts."""
    return now - line.priced_at < hold


def line_of(lines: Iterable[Line], sku: str) -> Line | None:
    """The line of this SKU: there is one at most."""
    return next((line for line in lines if line.sku == sku), None)


def poured(lines: Iterable[Line], into: Iterable[Line], limits: Limits) -> list[tuple[Line, int]]:
    """Which lines of ``into`` change when ``lines`` come to them, as they are then, with the units each gained.

    Quantities add up as far as the limits go; a line that is there keeps its id, its price and its time.
    """
    there = {line.sku: line for line in into}
    changed = list[tuple[Line, int]]()
    for line in lines:
        old = there.get(line.sku)
        if old is None and len(there) >= limits.lines:
            continue
        before = old.quantity if old else 0
        quantity = min(before + line.quantity, limits.most(line.sku))
        if quantity > before:
            there[line.sku] = replace(old or line, quantity=quantity)
            changed.append((there[line.sku], quantity - before))
    return changed


def public(lines: Iterable[Line]) -> tuple[CartLine, ...]:
    """Lines as others see them."""
    return tuple(
        CartLine(
            sku=line.sku,
            variant_id=line.variant_id,
            quantity=line.quantity,
            unit_price=line.unit_price,
            priced_at=line.priced_at,
        )
        for line in lines
    )
