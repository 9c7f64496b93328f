"""The catalog, composed."""

from chassis.service import Service
from chassis.world import World

from catalog.api import ROUTERS
from catalog.cache import Answers, ChangeWatch
from catalog.fast import FastReads
from catalog.settings import Settings
from catalog.subscriptions import subscriptions
from catalog.tables import metadata


def build(settings: Settings, world: World) -> Service:
    """The service, not yet started."""
    answers = Answers()
    service = Service(
        "catalog",
        settings,
        world,
        tables=metadata,
        migrations="catalog.migrations",
        routers=ROUTERS,
        subscriptions=subscriptions,
        extra=(ChangeWatch(answers).look,),
    )
    service.app.state.answers = answers
    service.app.add_middleware(FastReads, answers=answers)
    return service
