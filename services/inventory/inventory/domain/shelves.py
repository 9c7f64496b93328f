"""A SKU's units as its events add them up: where they are, who waits for more, what they cost.

The state is counters, and an entry for whatever is out of the ordinary: a location besides the main one, an order that
waits, a transfer under way. So a SKU that sells all day from one place loads as quickly as a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

MAIN: Final = "main"
"""The location that every shop has, and that everything is at where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of an order's units. ``waits``: they were promised before they came, and ``location`` says nothing."""

    quantity: int
    location: str = MAIN
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """Units at one location. ``shortage``: reserved units that a count found missing."""

    location: str
    on_hand: int = 0
    reserved: int = 0
    shortage: int = 0

    @property
    def free(self) -> int:
        """Units on hand that nobody has reserved."""
        return max(0, self.on_hand - self.reserved)

    def moved(self, on_hand: int, reserved: int) -> "Shelf":
        """Both counters changed by so much; a shortage closes as far as there are units for it, and never opens."""
        on_hand, reserved = self.on_hand + on_hand, self.reserved + reserved
        return Shelf(self.location, on_hand, reserved, min(self.shortage, max(0, reserved - on_hand)))


@dataclass(frozen=True, slots=True)
class Backorder:
    """What an order was promised beyond what there was: ``missing`` units are still to come, ``found`` have come."""

    order_id: str
    missing: int
    found: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Units on their way."""

    transfer_id: str
    quantity: int
    origin: str
    destination: str
    reference: str | None = None


class Level(IntEnum):
    """How much there is, as far as others care."""

    NONE = 0
    LOW = 1
    ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Stock:
    """``sku`` is null until the SKU is listed. ``on_hand``, ``reserved`` and ``shortage`` are those of all locations.

    ``elsewhere``: what of it is not at the main location, by location. ``reserved`` holds what ``backorders`` miss.
    ``backorders``: the oldest first. ``cost`` is what ``costed`` of the shop's units cost; of the others nobody knows.
    """

    sku: str | None = None
    threshold: int = 0
    initial_received: bool = False
    on_hand: int = 0
    reserved: int = 0
    shortage: int = 0
    elsewhere: tuple[Shelf, ...] = ()
    backorder_limit: int = 0
    backorders: tuple[Backorder, ...] = ()
    in_transit: tuple[Transfer, ...] = ()
    costed: int = 0
    cost: int = 0

    @property
    def backordered(self) -> int:
        """Promised units that are still to come."""
        return sum(each.missing for each in self.backorders) if self.backorders else 0

    @property
    def travelling(self) -> int:
        """Units between two locations."""
        return sum(each.quantity for each in self.in_transit) if self.in_transit else 0

    @property
    def available(self) -> int:
        """Units that are there and can be promised."""
        if not self.elsewhere:
            return max(0, self.on_hand - self.reserved)
        return max(0, sum(shelf.free for shelf in self.shelves) - self.backordered)

    @property
    def backorderable(self) -> int:
        """Units that can be promised besides, though they are not there."""
        return max(0, self.backorder_limit - self.backordered)

    @property
    def level(self) -> Level:
        """Where the free units stand against zero and the threshold."""
        if self.available == 0:
            return Level.NONE
        return Level.LOW if self.available <= self.threshold else Level.ENOUGH

    @property
    def shelves(self) -> Sequence[Shelf]:
        """Each location that has or had units, the main one first."""
        return (self.at(MAIN), *self.elsewhere)

    def at(self, location: str) -> Shelf:
        """The units there."""
        if location != MAIN:
            return next((shelf for shelf in self.elsewhere if shelf.location == location), Shelf(location))
        on_hand, reserved, shortage = self.on_hand, self.reserved - self.backordered, self.shortage
        for shelf in self.elsewhere:
            on_hand, reserved, shortage = on_hand - shelf.on_hand, reserved - shelf.reserved, shortage - shelf.shortage
        return Shelf(MAIN, on_hand, reserved, shortage)

    def having(self, now: Shelf) -> "Stock":
        """The stock with this at that location."""
        was = self.at(now.location)
        elsewhere = self.elsewhere
        if now.location != MAIN:
            others = [shelf for shelf in elsewhere if shelf.location != now.location]
            elsewhere = tuple(sorted([*others, now], key=lambda shelf: shelf.location))
        return replace(
            self,
            on_hand=self.on_hand + now.on_hand - was.on_hand,
            reserved=self.reserved + now.reserved - was.reserved,
            shortage=self.shortage + now.shortage - was.shortage,
            elsewhere=elsewhere,
        )

    def of(self, order_id: str) -> Backorder:
        """What the order waits for."""
        return next((each for each in self.backorders if each.order_id == order_id), Backorder(order_id, 0))
