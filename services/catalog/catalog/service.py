"""The catalog, composed."""

from chassis.service import Service
from chassis.world import World

from catalog.api import ROUTERS
from catalog.cache import Answers, ChangeWatch
from catalog.fast import FastReads
from catalog.prices import keep_current
from catalog.settings import Settings
from catalog.subscriptions import subscriptions
from catalog.tables import metadata
from catalog.telling import FORGET_PAST_PRICES, tell
from catalog.vocabulary import Vocabulary


def build(settings: Settings, world: World) -> Service:
    """The service, not yet started."""
    answers = Answers(world.clock)
    service = Service(
        "catalog",
        settings,
        world,
        tables=metadata,
        migrations="catalog.migrations",
        routers=ROUTERS,
        subscriptions=subscriptions,
        jobs=(FORGET_PAST_PRICES,),
        extra=(ChangeWatch(answers).look, keep_current, tell),
    )
    service.app.state.answers = answers
    service.app.state.vocabulary = Vocabulary()
    service.app.add_middleware(FastReads, answers=answers)
    return service
