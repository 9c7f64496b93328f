"""Identity, composed."""

from chassis.world import World

from identity.api import ROUTERS
from identity.app import Identity
from identity.jobs import TIDY
from identity.settings import IdentitySettings


def build(settings: IdentitySettings, world: World) -> Identity:
    """The service, not started yet."""
    return Identity(settings, world, routers=ROUTERS, jobs=(TIDY,))
