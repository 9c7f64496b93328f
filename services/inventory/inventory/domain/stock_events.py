"""What can have happened to a SKU's stock.

``location`` is where; what happened before there were several happened at ``main``. ``cost`` is what the units that
moved are worth, in minor units, negative where they left: the costs of a SKU's movements sum up to its value.
"""

from dataclasses import dataclass

from inventory.domain.shelves import MAIN
from inventory.domain.stock_commands import Reason


@dataclass(frozen=True, slots=True)
class Listed:
    """The SKU is known, with nothing of it in stock."""

    sku: str
    threshold: int


@dataclass(frozen=True, slots=True)
class Received:
    """Units came in. ``initial``: they were the ones to begin with."""

    quantity: int
    reference: str | None = None
    initial: bool = False
    location: str = MAIN
    unit_cost: int | None = None
    supplier: str | None = None
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """``quantity`` units are on hand, ``delta`` more than thought; ``shortage`` of the reserved ones are missing."""

    quantity: int
    delta: int
    shortage: int
    reference: str | None = None
    location: str = MAIN
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Units more or fewer than thought, for a reason."""

    delta: int
    reason: Reason
    note: str | None = None
    location: str = MAIN
    cost: int = 0


@dataclass(frozen=True, slots=True)
class ThresholdSet:
    """From now on the SKU is low at this many free units."""

    threshold: int


@dataclass(frozen=True, slots=True)
class BackorderLimitSet:
    """From now on so many units can be promised beyond those that are there."""

    limit: int


@dataclass(frozen=True, slots=True)
class Dispatched:
    """Units left ``origin``. Until they arrive they are nowhere on hand, and still the shop's."""

    transfer_id: str
    quantity: int
    origin: str
    destination: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """The units of a transfer are on hand at ``destination``."""

    transfer_id: str
    quantity: int
    origin: str
    destination: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Reserved:
    """Free units are promised to an order. ``waits``: units that are still to come, at no location yet."""

    order_id: str
    quantity: int
    location: str = MAIN
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """Units have come for an order that waited for them: they are set aside for it at ``location``."""

    sku: str
    order_id: str
    quantity: int
    location: str


@dataclass(frozen=True, slots=True)
class Released:
    """An order's reserved units are free again. ``waits``: units that had not come."""

    order_id: str
    quantity: int
    location: str = MAIN
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Sold:
    """An order's reserved units are gone."""

    order_id: str
    quantity: int
    location: str = MAIN
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Returned:
    """An order's sold units are free again."""

    order_id: str
    quantity: int
    location: str = MAIN
    cost: int = 0


@dataclass(frozen=True, slots=True)
class LevelCrossed:
    """Free units crossed zero or the threshold, or what can be ordered besides crossed zero: up or down."""

    sku: str
    on_hand: int
    reserved: int
    available: int
    backorderable: int = 0


@dataclass(frozen=True, slots=True)
class FellLow:
    """Free units fell to the threshold or below it: told once, until they have been above it again."""

    sku: str
    available: int
    threshold: int


Event = (
    Listed
    | Received
    | Counted
    | Adjusted
    | ThresholdSet
    | BackorderLimitSet
    | Dispatched
    | Arrived
    | Reserved
    | Filled
    | Released
    | Sold
    | Returned
    | LevelCrossed
    | FellLow
)

EVENTS: dict[str, type] = {
    "listed.v1": Listed,
    "received.v1": Received,
    "counted.v1": Counted,
    "adjusted.v1": Adjusted,
    "threshold_set.v1": ThresholdSet,
    "backorder_limit_set.v1": BackorderLimitSet,
    "dispatched.v1": Dispatched,
    "arrived.v1": Arrived,
    "reserved.v1": Reserved,
    "filled.v1": Filled,
    "released.v1": Released,
    "sold.v1": Sold,
    "returned.v1": Returned,
    "level_crossed.v1": LevelCrossed,
    "fell_low.v1": FellLow,
}
