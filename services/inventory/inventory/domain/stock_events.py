"""What can be asked of a SKU's stock, and what can have happened to it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ListSku:
    """The catalog sells this SKU. ``initial`` units are received with it, once a SKU, whoever says so first."""

    sku: str
    threshold: int
    initial: int = 0


@dataclass(frozen=True, slots=True)
class Receive:
    """``quantity`` units came in; ``reference`` says with what (a delivery note)."""

    quantity: int
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Somebody counted: there are ``quantity`` units, whatever was thought."""

    quantity: int
    reference: str | None = None


Reason = Literal["adjusted", "damaged", "returned"]


@dataclass(frozen=True, slots=True)
class Adjust:
    """``delta`` units more or fewer, for ``reason``; never into what is reserved."""

    delta: int
    reason: Reason = "adjusted"
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """The SKU is low at ``threshold`` free units and below."""

    threshold: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """Promise ``quantity`` free units to the order."""

    order_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Release:
    """The order no longer wants the ``quantity`` units it reserved."""

    order_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Sell:
    """The ``quantity`` units that the order reserved leave the stock."""

    order_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """``quantity`` units sold to the order are back: it was cancelled before they left the house."""

    order_id: str
    quantity: int


Command = ListSku | Receive | Count | Adjust | SetThreshold | Reserve | Release | Sell | TakeBack


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


@dataclass(frozen=True, slots=True)
class Counted:
    """``quantity`` units are on hand, ``delta`` more than thought; ``shortage`` of the reserved ones are missing."""

    quantity: int
    delta: int
    shortage: int
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Units more or fewer than thought, for a reason."""

    delta: int
    reason: Reason
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ThresholdSet:
    """From now on the SKU is low at this many free units."""

    threshold: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """Free units are promised to an order."""

    order_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Released:
    """An order's reserved units are free again."""

    order_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Sold:
    """An order's reserved units are gone."""

    order_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Returned:
    """An order's sold units are free again."""

    order_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class LevelCrossed:
    """Free units crossed zero or the threshold, upwards or downwards."""

    sku: str
    on_hand: int
    reserved: int
    available: int


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
    | Reserved
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
    "reserved.v1": Reserved,
    "released.v1": Released,
    "sold.v1": Sold,
    "returned.v1": Returned,
    "level_crossed.v1": LevelCrossed,
    "fell_low.v1": FellLow,
}
