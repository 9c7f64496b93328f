"""Taking messages out: read, send, delete. A row leaves only after the courier has returned.

One relay a database is active, by an advisory lock held on a connection of its own; no transaction is open while the
courier works. Rows are read by id from the start each time: a late commit cannot be skipped, and there is no cursor to
get wrong. A crash after sending sends again, and the receivers' ``seen`` takes care of that.
"""

from typing import TYPE_CHECKING, Any

import asyncpg

from chassis.worker import envelope_of

if TYPE_CHECKING:
    from chassis.service import Service

LOCK = "select pg_try_advisory_lock(hashtextextended('relay', 0))"
READ = "select * from outbox order by id limit $1"
_KEPT = (
    "id, message_id, type, source, subject, partitionkey, sequence, time, correlationid, causationid, traceparent, data"
)
REMOVE = f"""
with gone as (delete from outbox where id = any($1::bigint[]) returning *)
insert into published ({_KEPT}) select {_KEPT} from gone where kind = 'event' order by id
"""  # events are kept for those who need them again, commands are not
BATCH = 500


class Relay:
    """``once()`` takes one batch out."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._connection: asyncpg.Connection[Any] | None = None

    async def once(self) -> int:
        """Send what waits; how many messages left. 0: nothing waits, or another relay has the lock."""
        try:
            return await self._once()
        except BaseException:
            await self.stop()  # whatever happened, the lock goes with its connection
            raise

    async def _once(self) -> int:
        if self._connection is None:
            connection = await self._service.database.connect()
            if not await connection.fetchval(LOCK):
                await connection.close()
                return 0
            self._connection = connection
        rows = await self._connection.fetch(READ, BATCH)
        if not rows:
            return 0
        await self._service.world.courier.send([envelope_of(row) for row in rows])
        self._service.world.faults.reach("relay.sent")
        await self._connection.execute(REMOVE, [row["id"] for row in rows])
        return len(rows)

    async def stop(self) -> None:
        """Give the lock back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
