"""What a line costs now, and what to say about it: the one place where a kept price meets today's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cart.domain import Line, held
from cart.variants import Variant


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as it would be ordered now.

    ``price_changed``: its own price's time is over and today's is another. ``available``: sold, and in stock as far as
    is known; only the order finds out for certain.
    """

    line: Line
    name: str
    options: Mapping[str, str]
    unit_price: int
    priced_at: datetime
    price_changed: bool
    available: bool

    @property
    def total(self) -> int:
        """In minor units."""
        return self.unit_price * self.line.quantity


def shown(lines: Iterable[Line], variants: Mapping[str, Variant], now: datetime, hold: timedelta) -> list[Shown]:
    """Each line keeps the price it was added at for ``hold``, then costs what it costs today."""
    return [_shown(line, variants.get(line.variant_id), now, hold) for line in lines]


def _shown(line: Line, variant: Variant | None, now: datetime, hold: timedelta) -> Shown:
    if variant is None:  # the copy was lost; the line's own facts stand
        return Shown(line, line.sku, {}, line.unit_price, line.priced_at, price_changed=False, available=False)
    available = variant.active and variant.in_stock
    if held(line, now, hold):
        return Shown(line, variant.name, variant.options, line.unit_price, line.priced_at, False, available)
    price = variant.price_at(now)
    changed = price != line.unit_price
    return Shown(line, variant.name, variant.options, price, now, changed, available)
