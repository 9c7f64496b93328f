"""``Prefer: wait``: waiting for something to settle without holding a connection.

One query a process every 50 ms asks for all that anybody waits for, and at once when this process has just written one
of them.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chassis.database import AWAY

if TYPE_CHECKING:
    from chassis.service import Service

EVERY = 0.05

log = logging.getLogger(__name__)


class Waiters:
    """``settled`` is a query of one parameter, the ids waited for, that returns those that have settled."""

    def __init__(self, service: "Service", settled: str) -> None:
        self._service, self._settled = service, settled
        self._waiting: dict[str, list[asyncio.Future[bool]]] = {}
        self._touched = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def settled(self, id_: str, seconds: float) -> bool:
        """Wait until ``id_`` has settled, so long at most; false when it has not, or the process is stopping."""
        if seconds <= 0 or self._closed:
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(id_, []).append(future)
        self._touched.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return False
        finally:
            waiting = self._waiting.get(id_, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._waiting.pop(id_, None)

    def touched(self, ids: set[str]) -> None:
        """This process has just written these: ask now."""
        if not self._waiting.keys().isdisjoint(ids):
            self._touched.set()

    def close(self) -> None:
        """Whoever waits is answered now."""
        self._closed = True
        self._answer(list(self._waiting), settled=False)

    async def _ask(self) -> None:
        while self._waiting:
            try:
                async with asyncio.timeout(EVERY):
                    await self._touched.wait()
            except TimeoutError:
                pass
            self._touched.clear()
            if self._closed or not self._waiting:
                return
            try:
                rows = await self._service.database.pool.fetch(self._settled, list(self._waiting))
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
