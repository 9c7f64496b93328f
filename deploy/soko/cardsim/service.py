"""The gateway, composed: its database, its app, the bank that answers late, and the sender of webhooks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from chassis.database import AWAY
from chassis.http import Peers
from chassis.world import World
from starlette.types import ASGIApp

from soko.cardsim import rules
from soko.cardsim.app import Api
from soko.cardsim.book import NEXT, Book
from soko.cardsim.rules import Change, Charge
from soko.cardsim.settings import Settings
from soko.cardsim.webhooks import Sender

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between looks where nothing woke a loop."""
UNHURRIED = 0.1
"""Seconds between two rounds of webhooks that nobody waits for: so they go together."""


class CardSim:
    """``start`` and ``stop`` run it; ``bank_once`` and ``send_once`` are its steps, for tests and the simulation."""

    name = "cardsim"

    def __init__(self, settings: Settings, world: World) -> None:
        self.settings, self.world = settings, world
        self.database = world.database(settings.database_url, self.name, settings.database_pool)
        self._urgent, self._waiting = asyncio.Event(), asyncio.Event()
        self.book = Book(self.database, world.clock, settings.page, self._urgent.set, self._waiting.set)
        self._sender = Sender(
            self.database,
            Peers(world.peers.apps, within=10.0),  # without anybody's service token: the gateway is an outsider
            settings.secret("webhooks"),
            world.clock,
            world.ids,
        )
        self.app: ASGIApp = Api(self.book, settings, world.ids).app()
        self._stopping = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def migrate(self) -> bool:
        """Bring the database to this code's tables; true when there was something to do."""
        return await self.book.migrate()

    async def open_database(self) -> None:
        """Connect, and own the book: enough for steps to be driven by hand."""
        await self.database.start()
        await self.book.own()

    async def start(self) -> None:
        """Open the database and run until ``stop``."""
        await self.open_database()
        self._loops = [
            asyncio.create_task(self._loop(self._bank_step), name="cardsim.bank"),
            asyncio.create_task(self._loop(self._send_step), name="cardsim.webhooks"),
        ]

    async def stop(self) -> None:
        """Finish what has begun, then close. Webhooks that are not taken yet stay in their queue."""
        self._stopping.set()
        self._urgent.set()
        self._waiting.set()
        if self._loops:
            _, late = await asyncio.wait(self._loops, timeout=10)
            for task in late:
                task.cancel()
        await self.book.close()
        await self.database.stop()

    async def bank_once(self) -> int:
        """The bank answers what it is due to answer; how many charges."""
        due = await self.book.answering()

        def decide(charge: Charge | None) -> Change | None:
            return None if charge is None else rules.bank_answers(charge, self.world.clock())

        await asyncio.gather(*(self.book.change(decide, charge_id=charge_id) for charge_id in due))
        return len(due)

    async def send_once(self) -> int:
        """Send the webhooks that are due; how many."""
        return await self._sender.once()

    async def _bank_step(self) -> None:
        self._waiting.clear()
        await self.bank_once()
        await self._pause(self._waiting, self._until(await self.database.pool.fetchval(NEXT), 0.0))

    async def _send_step(self) -> None:
        self._urgent.clear()
        await self.send_once()
        await self._pause(self._urgent, self._until(await self._sender.next_at(), UNHURRIED))

    def _until(self, at: datetime | None, least: float) -> float:
        seconds = LOOK_EVERY if at is None else (at - self.world.clock()).total_seconds()
        return min(max(seconds, least), LOOK_EVERY)

    async def _loop(self, step: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                await step()
                failures = 0
            except Exception as error:
                failures += 1
                if isinstance(error, AWAY):
                    log.warning("cardsim waits: %r", error)
                else:
                    log.exception("cardsim failed")
                await self._pause(self._stopping, min(5.0, 0.1 * 2 ** min(failures, 6)))

    async def _pause(self, event: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass


def build(settings: Settings, world: World) -> CardSim:
    """The simulated card gateway. ``world.peers`` knows the one that hears its webhooks as ``payment``."""
    return CardSim(settings, world)
