"""Telling everybody who follows an order that it has gone on, by one query a process however many they are."""

import asyncio

from chassis.database import AWAY
from chassis.service import Service

MOVED = """
select stream, version from unnest($1::text[], $2::int[]) followed (stream, version)
where exists (select 1 from events where events.stream = followed.stream and events.version > followed.version)
"""  # those of $1 that have gone on since the versions $2

LOOK_SECONDS = 0.5


class Followers:
    """Those who wait for an order to go on, each with the version known."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], tuple[str, int]] = {}
        self._task: asyncio.Task[None] | None = None

    async def moved(self, service: Service, stream: str, version: int, seconds: float) -> None:
        """Return when there is an event beyond ``version``, or when so much time has passed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = stream, version
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
        while self._waiting:
            await asyncio.sleep(LOOK_SECONDS)
            followed = sorted(set(self._waiting.values()))
            if not followed or not service.database.started:
                return
            try:
                rows = await service.database.pool.fetch(MOVED, *map(list, zip(*followed, strict=True)))
            except AWAY:
                continue  # whoever waits goes on waiting
            moved = {(row["stream"], row["version"]) for row in rows}
            for future, known in self._waiting.items():
                if known in moved and not future.done():
                    future.set_result(None)
