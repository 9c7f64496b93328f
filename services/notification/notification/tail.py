"""The newest part of the feed in memory, for all who follow it: one query a process and look, however many they are.

Whoever is behind it, new or slow, reads pages from the database until it has caught up. What it holds is bounded, and
each event stands there as it goes out.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter

import asyncpg
from chassis.database import AWAY
from chassis.http import event
from chassis.http.streams import LAST
from chassis.service import Service

from notification.feed import NEWEST, READ, shown

LOOK_SECONDS = 0.25
AT_ONCE = 500
HELD_BYTES = 4 * 1024 * 1024
TOLD_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it stands in a stream."""

    position: int
    type: str
    text: bytes


def told(row: asyncpg.Record) -> Told:
    """A row of the feed, made ready to go out."""
    return Told(row["position"], row["type"], event(row["position"], row["type"], shown(row)))


class Tail:
    """Every event from ``first`` (not among them) to ``newest``; it looks for more while somebody asks for them."""

    def __init__(self) -> None:
        self._held: list[Told] = []
        self._bytes = 0
        self._first = self.newest = 0
        self._waiting: dict[asyncio.Future[None], int] = {}
        self._asked = False
        self._task: asyncio.Task[None] | None = None

    def since(self, after: int, types: Collection[str]) -> tuple[Sequence[bytes], int] | None:
        """Some of what is behind a position, and how far that goes; None: it is not here, or may be old."""
        if self._task is None or self._task.done() or after < self._first:
            return None
        self._asked = True
        begin = bisect_right(self._held, after, key=attrgetter("position"))
        some = self._held[begin : begin + TOLD_AT_ONCE]
        if not some:
            return (), after
        return [one.text for one in some if not types or one.type in types], some[-1].position

    async def grown(self, service: Service, after: int, seconds: float) -> None:
        """Return when there is an event behind ``after``, or when so much time has passed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = after
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(service))
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            pass
        finally:
            del self._waiting[future]

    async def _look(self, service: Service) -> None:
        begun = False
        while (self._waiting or self._asked) and service.database.started:
            self._asked, rows = False, list[asyncpg.Record]()
            try:
                if not begun:
                    await self._begin(service)
                    begun = True
                rows = await service.database.pool.fetch(READ, self.newest, LAST, AT_ONCE)
            except AWAY:
                pass  # whoever waits goes on waiting
            self._hold(rows)
            for future, after in self._waiting.items():
                if self.newest > after and not future.done():
                    future.set_result(None)
            if len(rows) < AT_ONCE:
                await asyncio.sleep(LOOK_SECONDS)

    async def _begin(self, service: Service) -> None:
        """Where nobody has followed for long, all in between is left to the pages."""
        newest = await service.database.pool.fetchval(NEWEST)
        if newest > self.newest + AT_ONCE:
            self._held, self._bytes = [], 0
            self._first = self.newest = newest

    def _hold(self, rows: Sequence[asyncpg.Record]) -> None:
        if not rows:
            return
        fresh = [told(row) for row in rows]
        self._held += fresh
        self.newest = fresh[-1].position
        self._bytes += sum(len(one.text) for one in fresh)
        old = 0
        while self._bytes > HELD_BYTES:
            self._bytes -= len(self._held[old].text)
            self._first = self._held[old].position
            old += 1
        del self._held[:old]
