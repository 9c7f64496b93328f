"""The notification service, composed."""

from chassis.service import Service
from chassis.world import World

from notification.api import routers
from notification.calls import calls_by
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
        subscriptions=subscribe(settings),
        calls=calls_by(settings),
        extra=(number_once,),
    )
    service.app.state.tail = Tail()
    return service
