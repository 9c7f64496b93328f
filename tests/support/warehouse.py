"""A model of the inventory that a child could follow: how many units, where, whose, who waits, and what they cost."""

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

LOCATIONS = ("main", "x", "y")
PRIORITIES = {"y": 0, "main": 5, "x": 9}
GIVING = sorted(LOCATIONS, key=lambda place: PRIORITIES[place])

Spot = tuple[str, str]
"""A SKU at a location."""


@dataclass
class Model:
    """``shelf`` counts units; ``holds`` says what an order holds where, ``has`` what was sold to it.

    ``queue``: who waits for what, the first one first. ``paid``: what the units of a SKU cost whose cost is known.
    """

    shelf: Counter[Spot] = field(default_factory=Counter)
    holds: dict[str, Counter[Spot]] = field(default_factory=dict)
    has: dict[str, Counter[Spot]] = field(default_factory=dict)
    queue: list[tuple[str, str, int]] = field(default_factory=list)
    limit: Counter[str] = field(default_factory=Counter)
    travelling: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    costed: Counter[str] = field(default_factory=Counter)
    paid: dict[str, Fraction] = field(default_factory=dict)

    def on_hand(self, sku: str) -> int:
        return sum(self.shelf[sku, place] for place in LOCATIONS)

    def reserved_at(self, sku: str, place: str) -> int:
        return sum(hold[sku, place] for hold in self.holds.values())

    def reserved(self, sku: str) -> int:
        return sum(self.reserved_at(sku, place) for place in LOCATIONS) + self.awaited(sku)

    def awaited(self, sku: str) -> int:
        return sum(units for _, of, units in self.queue if of == sku)

    def awaits(self, order: str) -> bool:
        return any(who == order for who, _, _ in self.queue)

    def free_at(self, sku: str, place: str) -> int:
        return max(0, self.shelf[sku, place] - self.reserved_at(sku, place))

    def free(self, sku: str) -> int:
        return sum(self.free_at(sku, place) for place in LOCATIONS)

    def room(self, sku: str) -> int:
        return max(0, self.limit[sku] - self.awaited(sku))

    def short_at(self, sku: str, place: str) -> int:
        return max(0, self.reserved_at(sku, place) - self.shelf[sku, place])

    def hold(self, order: str, wanted: dict[str, int]) -> None:
        """From the first place that has all of a SKU, else from each what it has; the rest waits."""
        self.holds[order] = Counter()
        for sku, units in wanted.items():
            whole = [place for place in GIVING if self.free_at(sku, place) >= units]
            for place in whole[:1] or GIVING:
                taken = min(units, self.free_at(sku, place))
                self.holds[order][sku, place] += taken
                units -= taken
            if units:
                self.queue.append((order, sku, units))

    def fill(self) -> None:
        """Whatever is free goes to who waits, the oldest first."""
        waiting, self.queue = self.queue, []
        for order, sku, units in waiting:
            for place in LOCATIONS:
                taken = min(units, self.free_at(sku, place))
                self.holds[order][sku, place] += taken
                units -= taken
            if units:
                self.queue.append((order, sku, units))

    def release(self, order: str) -> None:
        self.holds.pop(order, None)
        self.queue = [each for each in self.queue if each[0] != order]
        for (sku, place), units in sorted(self.has.pop(order, Counter[Spot]()).items()):
            self.move(sku, place, units)

    def can_sell(self, order: str) -> bool:
        return not self.awaits(order) and all(
            units <= self.shelf[spot] for spot, units in self.holds[order].items() if units
        )

    def sell(self, order: str) -> None:
        self.has[order] = self.holds.pop(order)
        for (sku, place), units in self.has[order].items():
            self.move(sku, place, -units)

    def move(self, sku: str, place: str, units: int, unit_cost: int | None = None) -> None:
        """Units come or go, with their share of what all of them cost."""
        known, paid = self.costed[sku], self.paid.get(sku, Fraction(0))
        if units < 0:
            unknown = self.on_hand(sku) + self.away(sku) - known
            leaving = max(0, -units - unknown)
            self.costed[sku] -= leaving
            self.paid[sku] = paid - (paid / known * leaving if known else 0)
        elif unit_cost is not None or known:
            self.costed[sku] += units
            self.paid[sku] = paid + (unit_cost * units if unit_cost is not None else paid / known * units)
        self.shelf[sku, place] += units

    def away(self, sku: str) -> int:
        return sum(units for of, _, units in self.travelling.values() if of == sku)

    def send(self, transfer: str, sku: str, origin: str, destination: str, units: int) -> None:
        self.shelf[sku, origin] -= units
        self.travelling[transfer] = (sku, destination, units)

    def arrive(self, transfer: str) -> None:
        sku, place, units = self.travelling.pop(transfer)
        self.shelf[sku, place] += units
