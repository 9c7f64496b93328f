"""Ready answers, kept in memory until something that is shown changes.

Each replica polls its own database's change counter every 200 ms, so another replica's write is seen within that; its
own writes drop its answers at once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zlib import crc32

from chassis.service import Service
from chassis.world import utc_now

MOST_BYTES = 64 * 1024 * 1024
OVERHEAD = 500
"""Bytes an answer costs besides its body and query: clients can ask for as many empty lists as they like."""
LONGEST = timedelta(minutes=10)
"""No answer is kept for longer."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)
# The counter, and the next moment at which a sale starts or ends: until then nothing shown changes by itself.
LOOK = """
SELECT (SELECT coalesce(sum(count), 0)::bigint FROM changes) AS count, least(
    (SELECT min(starts_at) FROM discounts WHERE starts_at > $1),
    (SELECT min(ends_at) FROM discounts WHERE ends_at > $1)) AS edge
"""

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


class Answers:
    """The newest answers, up to so many bytes.

    What was read before a change must not be kept after it: an answer is kept only if nothing was dropped since its
    reading began. Several requests for one missing answer wait for the first. Prices change with the clock too: all
    stand until a moment that ``stand_until`` names, and before it has named one nothing is kept.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now, most_bytes: int = MOST_BYTES) -> None:
        self._clock, self._until = clock, LONG_AGO
        self._kept: OrderedDict[Key, Ready] = OrderedDict()
        self._making: dict[Key, asyncio.Future[Ready]] = {}
        self._bytes, self._most_bytes, self._generation = 0, most_bytes, 0

    def get(self, key: Key) -> Ready | None:
        """The answer, if it is still true."""
        if self._kept and self._clock() >= self._until:
            self.drop()
        return self._kept.get(key)

    def stand_until(self, moment: datetime) -> None:
        """Nothing kept is shown from this moment on."""
        self._until = moment

    def doubt(self) -> None:
        """Something shown has changed, and from when on it changes again is not known yet."""
        self.drop()
        self._until = LONG_AGO

    async def make(self, key: Key, read: Callable[[], Awaitable[Ready]]) -> Ready:
        """The answer kept for ``key``, else what ``read`` answers now."""
        while True:
            if found := self.get(key):
                return found
            if (others := self._making.get(key)) is None:
                break
            try:
                return await asyncio.shield(others)
            except asyncio.CancelledError:
                if not others.cancelled():
                    raise
        return await self._read(key, read)

    async def _read(self, key: Key, read: Callable[[], Awaitable[Ready]]) -> Ready:
        generation = self._generation
        mine = self._making[key] = asyncio.get_running_loop().create_future()
        try:
            made = await read()
        except BaseException as error:
            if isinstance(error, Exception) and not mine.cancelled():
                mine.set_exception(error)
                mine.exception()  # nobody may be waiting for it
            else:
                mine.cancel()
            raise
        else:
            mine.set_result(made)
            if generation == self._generation and self._clock() < self._until:
                self._keep(key, made)
            return made
        finally:
            if self._making.get(key) is mine:
                del self._making[key]

    def drop(self) -> None:
        """Something shown has changed."""
        self._generation += 1
        self._bytes = 0
        self._kept.clear()
        # A reading under way may have begun before the change: whoever comes now reads anew.
        self._making.clear()

    def _keep(self, key: Key, made: Ready) -> None:
        self._kept[key] = made
        self._bytes += _size(key, made)
        while self._bytes > self._most_bytes:
            self._bytes -= _size(*self._kept.popitem(last=False))


def _size(key: Key, made: Ready) -> int:
    return len(key[1]) + len(made.body) + OVERHEAD


class ChangeWatch:
    """Drops the answers when the database's change counter has moved, and says until when they stand.

    While the database is away they stand on till then: nobody can change what they say without it.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._count: int | None = None
        self._dropped = LONG_AGO

    async def look(self, service: Service) -> int:
        """One look at the counter: a step of the service's loop, which rests for 200 ms after each."""
        now = service.world.clock()
        row = await service.database.pool.fetchrow(LOOK, now)
        assert row is not None
        if row["count"] != self._count or now >= self._dropped + LONGEST:
            self._answers.drop()
            self._count, self._dropped = row["count"], now
        longest = self._dropped + LONGEST
        self._answers.stand_until(min(longest, row["edge"] or longest))
        return 0
