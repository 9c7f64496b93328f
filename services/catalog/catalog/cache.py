"""Ready answers, kept in memory until something that is shown changes.

Each replica polls its own database's change counter, so another replica's write is seen within the pause; a replica's
own writes drop its answers at once.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from zlib import crc32

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from catalog.tables import changes

POLL = timedelta(milliseconds=300)
MOST_BYTES = 64 * 1024 * 1024

log = logging.getLogger(__name__)

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
    reading began. Several requests for one missing answer wait for the first.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._kept: OrderedDict[Key, Ready] = OrderedDict()
        self._making: dict[Key, asyncio.Future[Ready]] = {}
        self._bytes, self._most_bytes, self._generation = 0, most_bytes, 0

    def get(self, key: Key) -> Ready | None:
        """The answer, if it is still true."""
        return self._kept.get(key)

    async def make(self, key: Key, read: Callable[[], Awaitable[Ready]]) -> Ready:
        """The answer kept for ``key``, else what ``read`` answers now."""
        while True:
            if found := self._kept.get(key):
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
            if generation == self._generation:
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
        self._bytes += len(made.body)
        while self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)


class ChangeWatch:
    """Drops the answers when the database's change counter has moved."""

    def __init__(self, engine: AsyncEngine, answers: Answers) -> None:
        self._engine, self._answers = engine, answers
        self._count: int | None = None

    async def look_once(self) -> bool:
        """Read the counter; whether the answers were dropped."""
        async with self._engine.connect() as sql:
            count = int(await sql.scalar(select(func.coalesce(func.sum(changes.c.count), 0))) or 0)
        changed = count != self._count
        if changed:
            self._answers.drop()
        self._count = count
        return changed

    async def run(self) -> None:
        """Look until cancelled. While the database is away nothing kept is trusted."""
        while True:
            try:
                await self.look_once()
            except (OSError, SQLAlchemyError) as error:
                self._answers.drop()
                log.warning("the change counter could not be read: %s", error)
            await asyncio.sleep(POLL.total_seconds())
