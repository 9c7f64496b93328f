"""The cart service, composed."""

from chassis.aggregate import Aggregate
from chassis.service import Service
from chassis.world import World

from cart.api import internal, public
from cart.calls import calls
from cart.domain import EVENTS, cart
from cart.settings import Settings
from cart.subscriptions import subscriptions
from cart.tables import carts, metadata
from cart.views import cart_view

CART = Aggregate(cart, EVENTS, view=cart_view, tables=(carts,), snapshot_every=100, fold_version=1)


def build(settings: Settings, world: World) -> Service:
    """Everything wired, nothing started."""
    return Service(
        "cart",
        settings,
        world,
        tables=metadata,
        migrations="cart.migrations",
        routers=(public.router, internal.router),
        aggregates=(CART,),
        subscriptions=subscriptions,
        calls=calls,
    )
