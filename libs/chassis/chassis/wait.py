"""``Prefer: wait``: waiting for something to settle without holding a connection.

What this process writes, it sees settle; for what others write, one query a process asks for all that anybody waits
for: every 50 ms, and where this process is the one that works the service's messages off, which is what settles things,
every half second.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from chassis.database import AWAY
from chassis.rows import Put, Row

if TYPE_CHECKING:
    from chassis.service import Service

EVERY, EVERY_AT_WORK = 0.05, 0.5

log = logging.getLogger(__name__)


class Waiters:
    """``settled`` is the column of a view's table that says so; the table's key is the id that is waited for."""

    def __init__(self, service: "Service", settled: sa.Column[bool]) -> None:
        self._service, self._table, self._column = service, settled.table, settled.name
        (key,) = settled.table.primary_key
        self._key = key.name
        # The key is looked up before anything is asked of the row: an index on settled rows would be read as a whole.
        self._query = f"""
            select {key.name} from (
                select {key.name}, {settled.name} from {settled.table} where {key.name} = any($1::text[]) offset 0
            ) asked where {settled.name}
        """
        self._waiting: dict[str, list[asyncio.Future[bool]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def settled(self, id_: str, seconds: float, *, new: bool = False) -> bool:
        """Wait until ``id_`` has settled, so long at most; false when it has not, or the process is stopping.

        ``new``: this process has made it just now, so it has not settled yet.
        """
        if seconds <= 0 or self._closed:
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(id_, []).append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(seconds):
                # Looked for only now, when whoever settles it from here on is heard.
                if not new and await self._service.database.pool.fetchval(self._query, [id_]) is not None:
                    return True
                return await future
        except TimeoutError:
            return False
        finally:
            waiting = self._waiting.get(id_, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._waiting.pop(id_, None)

    def written(self, rows: Iterable[Row]) -> None:
        """This process has just written these."""
        if self._waiting:
            mine: Iterable[Any] = (row.values for row in rows if isinstance(row, Put) and row.table is self._table)
            self._answer([row[self._key] for row in mine if row.get(self._column)], settled=True)

    def close(self) -> None:
        """Whoever waits is answered now."""
        self._closed = True
        self._answer(list(self._waiting), settled=False)

    async def _ask(self) -> None:
        while self._waiting:
            await asyncio.sleep(EVERY_AT_WORK if self._service.at_work else EVERY)
            if self._closed or not self._waiting:
                return
            try:
                rows = await self._service.database.pool.fetch(self._query, list(self._waiting))
            except AWAY as error:
                log.warning("cannot ask what has settled: %r", error)
                continue
            self._answer(sorted(row[0] for row in rows), settled=True)

    def _answer(self, ids: Iterable[str], *, settled: bool) -> None:
        """Wake who waits for these, first come first served: never in an order that another run would not have."""
        for id_ in ids:
            for future in self._waiting.get(id_, ()):
                if not future.done():
                    future.set_result(settled)
