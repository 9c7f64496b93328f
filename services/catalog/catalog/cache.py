"""Ready answers, kept in memory until something that is shown changes, and shared by replicas where there is a shelf.

``catalog.watching`` says when that is; a process's own writes drop its answers at once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zlib import crc32

from chassis.world import utc_now

MOST_BYTES = 64 * 1024 * 1024
OVERHEAD = 500
"""Bytes an answer costs besides its body and query: clients can ask for as many empty lists as they like."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)
Key = tuple[str, bytes]
"""Path and query string."""


@dataclass(frozen=True, slots=True)
class Ready:
    """One answer as it goes out: the body and its entity tag, both bytes."""

    body: bytes
    etag: bytes

    @classmethod
    def of(cls, body: bytes, sequence: int | None = None) -> "Ready":
        """A body with its tag. ``sequence`` stands first in it, so that If-Match can be told from the rest."""
        check = f"{crc32(body):08x}"
        return cls(body, f'"{check}"'.encode() if sequence is None else f'"{sequence}-{check}"'.encode())


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which what is shown does not change. All replicas call it the same: ``mark`` is the counter's."""

    mark: str
    until: datetime


class Shelf(Protocol):
    """Where replicas share answers. What it gives was put there for this very period."""

    async def get(self, period: Period, key: Key) -> Ready | None:
        """The answer, if it is there."""

    async def put(self, period: Period, key: Key, made: Ready, lasts: timedelta) -> None:
        """Keep it for so long."""


class Answers:
    """The newest answers, up to so many bytes.

    What was read before a change must not be kept after it: an answer is kept only if nothing was dropped since its
    reading began. Several requests for one missing answer wait for the first. All stand for the time of one ``Period``
    and for as long as the last look at it is good; for whoever comes later than that, one is made first.

    On the shelf an answer stands under the period that was known before its reading began, so it is at least as new as
    that. Whoever knows a later period does not find it, however late it is put there, and nobody has to delete it: no
    race of a slow reader with a writer is left, and a writer that dies after its commit leaves nothing undone. After a
    write of its own a process knows no period until the next look, and leaves the shelf alone.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        most_bytes: int = MOST_BYTES,
        shelf: Shelf | None = None,
    ) -> None:
        self._clock, self._shelf = clock, shelf
        self._until = self._ends = LONG_AGO
        self._period: Period | None = None
        self._look: Callable[[], Awaitable[object]] | None = None
        self._looking: asyncio.Task[object] | None = None
        self._kept: OrderedDict[Key, Ready] = OrderedDict()
        self._making: dict[Key, asyncio.Future[Ready]] = {}
        self._bytes, self._most_bytes = 0, most_bytes
        self.drops = 0

    def get(self, key: Key) -> Ready | None:
        """The answer, if it is known to be true still."""
        return self._kept.get(key) if self._clock() < self._until else None

    async def current(self, key: Key) -> Ready | None:
        """The same after a look, where the last one is too long ago."""
        if self._clock() >= self._until and self._look is not None:
            await self._look_now(self._look)
            return self._kept.get(key)
        return self.get(key)

    def stand(self, period: Period, until: datetime) -> None:
        """What is read from now on shows ``period``, and nothing is shown from ``until`` on without another look."""
        if period != self._period:
            self.drop()
            self._period = period
        self._until, self._ends = until, period.until

    def doubt(self) -> None:
        """Something shown has changed, and from when on it changes again is not known yet."""
        self.drop()
        self._until = self._ends = LONG_AGO

    def follow(self, look: Callable[[], Awaitable[object]]) -> None:
        """``look`` says ``stand``."""
        self._look = look

    async def make(self, key: Key, read: Callable[[], Awaitable[Ready]], *, shared: bool = True) -> Ready:
        """The answer kept for ``key``, else what ``read`` answers now. What is not ``shared`` stays in this process."""
        while True:
            if found := await self.current(key):
                return found
            if (others := self._making.get(key)) is None:
                break
            try:
                return await asyncio.shield(others)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not others.cancelled() or (task and task.cancelling()):
                    raise
        return await self._read(key, read, self._shelf if shared else None)

    async def _look_now(self, look: Callable[[], Awaitable[object]]) -> None:
        """A look that is good, be it because it begins from now on: one for all who wait for one."""
        under_way = self._looking
        if under_way is not None and not under_way.done():
            await asyncio.wait([under_way])
            if self._clock() < self._until:
                return
        if self._looking is under_way:
            self._looking = asyncio.ensure_future(look())
        assert self._looking is not None
        await asyncio.shield(self._looking)

    async def _read(self, key: Key, read: Callable[[], Awaitable[Ready]], shelf: Shelf | None) -> Ready:
        drops, period = self.drops, self._period if self._clock() < self._until else None
        mine = self._making[key] = asyncio.get_running_loop().create_future()
        try:
            found = await shelf.get(period, key) if shelf and period else None
            made = found or await read()
        except BaseException as error:
            if isinstance(error, Exception) and not mine.cancelled():
                mine.set_exception(error)
                mine.exception()  # nobody may be waiting for it
            else:
                mine.cancel()
            raise
        else:
            mine.set_result(made)
        finally:
            if self._making.get(key) is mine:
                del self._making[key]
        now = self._clock()
        if drops == self.drops and now < self._ends:
            self._keep(key, made)
            if shelf and period and not found:
                await shelf.put(period, key, made, period.until - now)
        return made

    def drop(self) -> None:
        """Something shown has changed."""
        self.drops += 1
        self._period = None
        self._bytes = 0
        self._kept.clear()
        # A reading under way may have begun before the change: whoever comes now reads anew.
        self._making.clear()

    def _keep(self, key: Key, made: Ready) -> None:
        if (before := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(key, before)
        self._kept[key] = made
        self._bytes += _size(key, made)
        while self._bytes > self._most_bytes:
            self._bytes -= _size(*self._kept.popitem(last=False))


def _size(key: Key, made: Ready) -> int:
    return len(key[1]) + len(made.body) + OVERHEAD
