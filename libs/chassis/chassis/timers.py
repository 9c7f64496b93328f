"""Durable timers: when due they move to the inbox and are worked off like any message."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chassis.service import Service

FIRE = """
with due as (
    delete from timers where (stream, name) in (
        select stream, name from timers where due_at <= $1 order by due_at limit 500 for update skip locked)
    returning *
)
insert into inbox (subscription, key, timer, message_id, type, source, subject, partitionkey, sequence, time,
                   correlationid, causationid, data, received_at, due_at)
select 'timer:' || name, stream, true, 'timer:' || stream || ':' || name || ':' || extract(epoch from due_at)::text,
       type, $2, stream, stream, 0, due_at, correlationid, causationid, data, $1, $1
from due order by due.due_at, stream, name
"""
NEXT = "select min(due_at) from timers"


class Timers:
    """``once()`` moves what is due."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    async def once(self) -> int:
        """Move due timers to the inbox; how many."""
        service = self._service
        async with service.database.pool.acquire() as connection:
            done: str = await connection.execute(FIRE, service.world.clock(), service.name)
        moved = int(done.rpartition(" ")[2])
        if moved:
            service.wake("worker")
        return moved

    async def next_at(self) -> datetime | None:
        """When the next timer is due."""
        return await self._service.database.pool.fetchval(NEXT)  # type: ignore[no-any-return]
