"""The notification service, composed."""

from chassis.service import Service
from chassis.together import Together
from chassis.world import World

from notification.api import routers
from notification.api.exporting import LISTS
from notification.calls import WAITING, calls_by
from notification.erasure import FORGET_ERASED
from notification.feed import number_once
from notification.settings import Settings
from notification.subscriptions import subscribe
from notification.tables import metadata
from notification.tail import Tail


def build(settings: Settings, world: World) -> Service:
    """Everything wired, nothing started."""
    service = Service(
        "notification",
        settings,
        world,
        tables=metadata,
        migrations="notification.migrations",
        routers=routers,
        exports=LISTS,
        subscriptions=subscribe(settings),
        calls=calls_by(settings),
        jobs=(FORGET_ERASED,),
        extra=(number_once,),
    )
    service.app.state.tail, service.app.state.waits = Tail(), Together(service, WAITING)
    return service
