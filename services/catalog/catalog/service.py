"""The catalog, composed."""

from functools import partial

from chassis.service import Service
from chassis.world import World

from catalog.api import bulk, categories, discounts, images, internal, lists, products, reviews, variants
from catalog.api.exporting import LISTS
from catalog.bulk.imports import FORGET_IMPORTS, work
from catalog.cache import Answers
from catalog.fast import FastReads
from catalog.keeping import KeptBitmaps, keep_bitmaps
from catalog.picture_files import DELETE_FREE, Pictures
from catalog.prices import keep_current
from catalog.reviews import calls
from catalog.settings import Settings
from catalog.shelf import shelf_of
from catalog.sold_out import LIST_BY_STOCK
from catalog.subscriptions import subscriptions
from catalog.tables import metadata
from catalog.telling import FORGET_PAST_PRICES, tell
from catalog.vocabulary import Vocabulary
from catalog.watching import look

ROUTERS = (
    bulk.router,
    lists.router,
    products.router,
    variants.router,
    categories.router,
    discounts.router,
    reviews.router,
    images.router,
    internal.router,
)


def build(settings: Settings, world: World) -> Service:
    """The service, not yet started."""
    shelf = shelf_of(settings)
    answers = Answers(world.clock, shelf=shelf)
    service = Service(
        "catalog",
        settings,
        world,
        tables=metadata,
        migrations="catalog.migrations",
        routers=ROUTERS,
        exports=LISTS,
        subscriptions=subscriptions,
        calls=calls,
        jobs=(FORGET_PAST_PRICES, FORGET_IMPORTS, LIST_BY_STOCK, DELETE_FREE),
        extra=(partial(look, answers), keep_current, tell, work, keep_bitmaps),
        closes=(shelf.close,) if shelf else (),
    )
    answers.follow(partial(look, answers, service))
    service.app.state.answers = answers
    service.app.state.pictures = Pictures(settings)
    service.app.state.vocabulary = Vocabulary()
    service.app.state.bitmaps = KeptBitmaps()
    service.app.add_middleware(FastReads, answers=answers)
    return service
