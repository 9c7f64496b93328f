"""What can be asked of a SKU's stock."""

from dataclasses import dataclass
from typing import Literal

from inventory.domain.shelves import MAIN, Part


@dataclass(frozen=True, slots=True)
class ListSku:
    """The catalog sells this SKU. ``initial`` units are received with it, once a SKU, whoever says so first."""

    sku: str
    threshold: int
    initial: int = 0


@dataclass(frozen=True, slots=True)
class Receive:
    """``quantity`` units came in from ``supplier``; ``reference`` says with what (a delivery note).

    ``unit_cost`` is what each cost, in minor units; null where nobody said.
    """

    quantity: int
    reference: str | None = None
    location: str = MAIN
    unit_cost: int | None = None
    supplier: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Somebody counted: there are ``quantity`` units at the location, whatever was thought."""

    quantity: int
    reference: str | None = None
    location: str = MAIN


Reason = Literal["adjusted", "damaged", "returned"]


@dataclass(frozen=True, slots=True)
class Adjust:
    """``delta`` units more or fewer, for ``reason``; never into what is reserved."""

    delta: int
    reason: Reason = "adjusted"
    note: str | None = None
    location: str = MAIN


@dataclass(frozen=True, slots=True)
class Configure:
    """The SKU is low at ``threshold`` free units and below, and takes orders for up to ``backorder_limit`` units more
    than there are. None: as before.
    """

    threshold: int | None = None
    backorder_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """``quantity`` free units leave ``origin`` for ``destination``; ``transfer_id`` names that journey."""

    transfer_id: str
    quantity: int
    origin: str
    destination: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class TakeIn:
    """The units of this transfer have come to where they were sent."""

    transfer_id: str


@dataclass(frozen=True, slots=True)
class Reserve:
    """Promise ``quantity`` units to the order. ``preferred``: locations, the first one gives first."""

    order_id: str
    quantity: int
    preferred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """The order no longer wants the units it reserved."""

    order_id: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Sell:
    """The units that the order reserved leave the stock."""

    order_id: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Units sold to the order are back: it was cancelled before they left the house."""

    order_id: str
    parts: tuple[Part, ...]


Command = ListSku | Receive | Count | Adjust | Configure | Dispatch | TakeIn | Reserve | Release | Sell | TakeBack
