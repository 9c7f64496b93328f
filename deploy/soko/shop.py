"""The whole shop in one process: every service, the simulated card gateway and the HTTP gateway, wired to each other.

Messages go by function call, requests from service to service by a call of the other's ASGI app.
"""

import asyncio
from collections.abc import Callable, Sequence

from chassis.courier import LocalCourier
from chassis.faults import Faults
from chassis.http import Peers
from chassis.service import Service
from chassis.world import World
from starlette.types import ASGIApp

from soko import databases, parts
from soko.services import CARDSIM, SERVICES, load
from soko.settings import ShopSettings

QUIET = "select (select count(*) from outbox) + (select count(*) from inbox where parked_at is null)"


class Shop:
    """Built and not started. The environment says where each service's database is."""

    def __init__(self, settings: ShopSettings) -> None:
        apps: dict[str, ASGIApp] = {}
        world = World(courier=LocalCourier(), peers=Peers(apps), faults=Faults.from_switch(settings.soko_faults))
        self.services: dict[str, Service] = {}
        for name in SERVICES:
            kind = load(name)
            self.services[name] = kind.build(kind.settings(), world)
            apps[name] = self.services[name].app
        self.cardsim = parts.cardsim(world) if not settings.strict else None
        if self.cardsim:
            apps[CARDSIM] = self.cardsim.app
        self.gateway = parts.gateway(apps)

    @property
    def app(self) -> ASGIApp:
        """The gateway: the one door."""
        return self.gateway.app

    @property
    def stateful(self) -> Sequence[parts.Stateful]:
        """Those with a database."""
        return [*self.services.values(), *([self.cardsim] if self.cardsim else [])]

    async def migrate(self, tell: Callable[[int, int], None]) -> None:
        """Bring every database to this code's tables; ``tell`` hears how many are done, of how many."""
        for number, part in enumerate(self.stateful, 1):
            await databases.migrate(part)
            tell(number, len(self.stateful))

    async def start(self) -> None:
        """Open every database first, so that no message leaves before all who want it have subscribed; then run."""
        for service in self.services.values():
            await service.open_database()
        for part in self.stateful:
            await part.start()
        await self.gateway.start()

    async def stop(self) -> None:
        """Finish what has begun, everywhere."""
        await self.gateway.stop()
        await asyncio.gather(*(part.stop() for part in self.stateful))

    async def waiting(self) -> int:
        """How many messages are still on their way between services."""
        counts = [await service.database.pool.fetchval(QUIET) for service in self.services.values()]
        return sum(counts)
