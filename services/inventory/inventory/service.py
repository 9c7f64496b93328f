"""The inventory, composed."""

from chassis.aggregate import Aggregate
from chassis.service import Service
from chassis.world import World

from inventory import tables
from inventory.api import routers
from inventory.calls import calls
from inventory.domain import location as locations
from inventory.domain import reservation_events, stock_events
from inventory.domain.reservation import reservation
from inventory.domain.stock import stock
from inventory.settings import Settings
from inventory.subscriptions import subscribe
from inventory.views import location_view, stock_view

AGGREGATES = (
    Aggregate(
        stock,
        events=stock_events.EVENTS,
        view=stock_view,
        tables=(tables.stock, tables.movements, tables.shelves, tables.transfers),
        snapshot_every=100,
        fold_version=2,
    ),
    Aggregate(reservation, events=reservation_events.EVENTS, commands=reservation_events.COMMANDS),
    Aggregate(locations.location, events=locations.EVENTS, view=location_view, tables=(tables.locations,)),
)


def build(settings: Settings, world: World) -> Service:
    """The service that counts units and holds them for orders."""
    return Service(
        name="inventory",
        settings=settings,
        world=world,
        aggregates=AGGREGATES,
        subscriptions=subscribe(settings),
        calls=calls,
        tables=tables.metadata,
        migrations="inventory.migrations",
        routers=routers,
    )
