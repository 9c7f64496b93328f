"""Taking messages out: read, send, delete. A row leaves only after the courier has returned.

One relay a database is active, by an advisory lock held on the connection it works with; no transaction is open while
the courier works. Rows are read by id from the start each time: a late commit cannot be skipped, and there is no
cursor to get wrong. A crash after sending sends again, and the receivers' ``seen`` takes care of that.
"""

from typing import TYPE_CHECKING, Any

import asyncpg

from chassis import telemetry
from chassis.alone import Alone
from chassis.worker import envelope_of

if TYPE_CHECKING:
    from chassis.service import Service

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
    """``once()`` takes one batch out; ``more`` says that it was full."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        # A deletion that is lost with the server sends its messages once more, and they are seen: it need not wait.
        self._alone = Alone(service, "relay", synchronous_commit="off")
        self.more = False

    async def once(self) -> int:
        """Send what waits; how many messages left. 0: nothing waits, or another relay is at work."""
        try:
            connection = await self._alone.connection()
            return 0 if connection is None else await self._once(connection)
        except BaseException:
            self.stop()  # whatever happened, the lock goes with its connection
            raise

    async def _once(self, connection: "asyncpg.Connection[Any]") -> int:
        rows = await connection.fetch(READ, BATCH)
        self.more = len(rows) == BATCH
        if not rows:
            return 0
        with telemetry.messages(self._service.name, "send", [envelope_of(row) for row in rows]) as envelopes:
            await self._service.world.courier.send(envelopes)
        self._service.world.faults.reach("relay.sent")
        await connection.execute(REMOVE, [row["id"] for row in rows])
        return len(rows)

    def stop(self) -> None:
        """Let another relay go on."""
        self._alone.release()
