"""The order, composed."""

from chassis.aggregate import Aggregate
from chassis.service import Service
from chassis.world import World

from order import tables
from order.api import routers
from order.api.exporting import LISTS
from order.domain import COMMANDS, EVENTS, order
from order.erasing import FORGET_ERASED
from order.following import Followers
from order.methods import PaymentMethods
from order.numbers import Numbers
from order.queries import OLDEST_UNSETTLED
from order.settings import Settings
from order.subscriptions import subscriptions
from order.views import order_view

ORDER = Aggregate(
    order,
    events=EVENTS,
    commands=COMMANDS,
    view=order_view,
    tables=(tables.orders, tables.shipments, tables.refunds),
    snapshot_every=100,
    fold_version=3,
)


def build(settings: Settings, world: World) -> Service:
    """The service that sells: the checkout, and the order's life after."""
    service = Service(
        name="order",
        settings=settings,
        world=world,
        aggregates=(ORDER,),
        subscriptions=subscriptions,
        jobs=(FORGET_ERASED,),
        tables=tables.metadata,
        migrations="order.migrations",
        routers=routers,
        exports=LISTS,
        settled=tables.orders.c.settled,
        sagas={"checkout": OLDEST_UNSETTLED},
    )
    service.app.state.methods = PaymentMethods(service.world)
    service.app.state.numbers = Numbers()
    service.app.state.followers = Followers()
    return service
