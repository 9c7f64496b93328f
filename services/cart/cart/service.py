"""The cart service, composed."""

from chassis.aggregate import Aggregate
from chassis.service import Service
from chassis.world import World

from cart import tables
from cart.api import coupons as coupons_api
from cart.api import internal, public
from cart.api.exporting import lists
from cart.calls import calls
from cart.coupons import coupon_view, redemption_view
from cart.domain import EVENTS, cart, coupons, redemptions
from cart.idle import JOBS
from cart.settings import Settings
from cart.subscriptions import subscriptions
from cart.views import cart_view

CART = Aggregate(cart, EVENTS, view=cart_view, tables=(tables.carts,), snapshot_every=100, fold_version=3)
COUPON = Aggregate(
    coupons.coupon, coupons.EVENTS, view=coupon_view, tables=(tables.coupons,), snapshot_every=100, fold_version=1
)
REDEMPTION = Aggregate(redemptions.redemption, redemptions.EVENTS, view=redemption_view, tables=(tables.redemptions,))
CUSTOMER_USES = Aggregate(redemptions.customer_uses, redemptions.CUSTOMER_EVENTS, snapshot_every=100, fold_version=1)


def build(settings: Settings, world: World) -> Service:
    """Everything wired, nothing started."""
    return Service(
        "cart",
        settings,
        world,
        tables=tables.metadata,
        migrations="cart.migrations",
        routers=(public.router, coupons_api.router, internal.router),
        exports=lists(settings.shop_currency),
        aggregates=(CART, COUPON, REDEMPTION, CUSTOMER_USES),
        subscriptions=subscriptions,
        calls=calls,
        jobs=JOBS,
    )
