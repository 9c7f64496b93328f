"""What the inventory tells, and what it obeys."""

from dataclasses import dataclass
from datetime import datetime

from soko_contracts.registry import command, event


@dataclass(frozen=True, kw_only=True)
class StockLine:
    """So many units of a SKU, at a location: null is the main one, which is all that a shop has to begin with.

    ``backordered``: they were promised before they came, and are at no location yet. In a reserve inventory chooses
    the location, whatever stands there.
    """

    sku: str
    quantity: int
    location_id: str | None = None
    backordered: bool = False


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """A SKU of which less was ``available`` than was ``requested``."""

    sku: str
    requested: int
    available: int


@event("inventory.stock_reserved.v1")
class StockReserved:
    """All lines of the order are held until released or committed; ``expires_at`` is when inventory asks."""

    order_id: str
    lines: tuple[StockLine, ...]
    expires_at: datetime


@event("inventory.stock_rejected.v1")
class StockRejected:
    """Nothing is held for the order: at least one line could not be."""

    order_id: str
    shortages: tuple[Shortage, ...]


@event("inventory.stock_released.v1")
class StockReleased:
    """The order's units are for sale again. ``lines`` is empty when the release came before any reserve."""

    order_id: str
    lines: tuple[StockLine, ...]


@event("inventory.stock_committed.v1")
class StockCommitted:
    """The order's units have left the stock: sold."""

    order_id: str
    lines: tuple[StockLine, ...]


@event("inventory.reservation_expiring.v1")
class ReservationExpiring:
    """The reservation has outlived its time: the order says extend, commit or release."""

    order_id: str
    expires_at: datetime


@event("inventory.stock_level.v1")
class StockLevel:
    """How much of a SKU there is over all locations, when that crosses zero or its threshold, either way.

    ``backorderable`` units can be ordered besides those ``available``, though they have not come yet: it is told too
    when that crosses zero, because somebody allows it or no longer, or its limit is used up or free again.
    """

    sku: str
    on_hand: int
    reserved: int
    available: int
    backorderable: int = 0


@event("inventory.stock_low.v1")
class StockLow:
    """Available units fell to the threshold or below; told once a crossing."""

    sku: str
    available: int
    threshold: int


@event("inventory.backorder_filled.v1")
class BackorderFilled:
    """``quantity`` units have come that the order had been promised before; they are set aside for it."""

    order_id: str
    sku: str
    quantity: int
    location_id: str | None = None


@command("inventory.reserve_stock.v1")
class ReserveStock:
    """Hold all lines or none for the order. Answered by stock_reserved or stock_rejected."""

    order_id: str
    lines: tuple[StockLine, ...]
    expires_at: datetime


@command("inventory.release_stock.v1")
class ReleaseStock:
    """Give the order's units back. Before any reserve it leaves a tombstone. Answered by stock_released."""

    order_id: str


@command("inventory.commit_stock.v1")
class CommitStock:
    """The order's units are sold. Answered by stock_committed."""

    order_id: str


@command("inventory.extend_reservation.v1")
class ExtendReservation:
    """Ask again only at ``expires_at``."""

    order_id: str
    expires_at: datetime
