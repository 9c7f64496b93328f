"""Durable timers: when due they move to the inbox and are worked off like any message."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chassis.service import Service

FIRE = """
with due as (
    delete from timers where ctid = any(array(
        select ctid from timers where due_at <= $1 order by due_at limit 500 for update skip locked))
    returning *
)
insert into inbox (subscription, key, timer, message_id, type, source, subject, partitionkey, sequence, time,
                   correlationid, causationid, data, received_at, due_at)
select 'timer:' || name, stream, true, 'timer:' || stream || ':' || name || ':' || extract(epoch from due_at)::text,
       type, $2, stream, stream, 0, due_at, correlationid, causationid, data, $1, $1
from due order by due.due_at, stream, name
"""
NEXT = "select min(due_at) from timers"


LOOK_EVERY = 1.0
"""Seconds. Another process may have set a timer that is due before those this one knows of."""


class Timers:
    """``once()`` moves what is due; ``wait()`` says for how long nothing will be."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._next: datetime | None = None
        self._looked_at = -LOOK_EVERY

    async def once(self) -> int:
        """Move due timers to the inbox; how many."""
        service = self._service
        async with service.database.pool.acquire() as connection:
            done: str = await connection.execute(FIRE, service.world.clock(), service.name)
        moved = int(done.rpartition(" ")[2])
        if moved:
            service.wake("worker")
        return moved

    async def flow(self) -> int:
        """The same for the loop, which looks only where there is something to see."""
        if self.wait() <= 0:
            while True:
                self._next, self._looked_at = None, asyncio.get_running_loop().time()
                due = await self._service.database.pool.fetchval(NEXT)
                if due is None or due > self._service.world.clock() or not await self.once():
                    break
            if due is not None and (self._next is None or due < self._next):  # unless one was set meanwhile
                self._next = due
        return 0

    def wait(self) -> float:
        """Seconds until a timer is due that we know of, or until it is time to look."""
        look = LOOK_EVERY - (asyncio.get_running_loop().time() - self._looked_at)
        if self._next is None:
            return look
        return min(look, (self._next - self._service.world.clock()).total_seconds())

    def set(self, due: datetime) -> None:
        """This process has just set a timer."""
        if self._next is None or due < self._next:
            self._next = due
            self._service.wake("timers")
