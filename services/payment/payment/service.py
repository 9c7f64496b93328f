"""Payment, composed."""

from chassis.aggregate import Aggregate
from chassis.service import Service
from chassis.world import World

from payment import tables
from payment.api import routers
from payment.api.exporting import LISTS
from payment.calls import calls_to
from payment.domain import rules
from payment.domain.commands import METHODS
from payment.providers.offered import offered
from payment.providers.port import Provider
from payment.providers.unavailable import Unavailable
from payment.settings import Settings
from payment.subscriptions import subscriptions
from payment.views import payment_view

PAYMENT = Aggregate(
    rules.payment,
    events=rules.EVENTS,
    commands=rules.COMMANDS,
    view=payment_view,
    tables=(tables.payments, tables.refunds, tables.movements, tables.next_actions),
    snapshot_every=50,
    fold_version=2,
)


def build(settings: Settings, world: World) -> Service:
    """The service that asks providers for money, and gives it back."""
    providers = offered(settings, world.peers)
    everyone: dict[str, Provider] = {method: providers.get(method, Unavailable()) for method in METHODS}
    service = Service(
        name="payment",
        settings=settings,
        world=world,
        aggregates=(PAYMENT,),
        subscriptions=subscriptions,
        calls=calls_to(everyone, settings.ask_after),
        tables=tables.metadata,
        migrations="payment.migrations",
        routers=routers,
        exports=LISTS,
    )
    service.app.state.providers = providers
    return service
