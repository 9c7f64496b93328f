"""Taking messages out: send, then delete. A row leaves only after the courier has returned.

One relay a database is active, by an advisory lock held on the connection it works with; no transaction is open while
the courier works. What this process has just written is sent from memory, without being read again, and deleted with
others a little later. What another process wrote, or was left over, is read by id from the start: a late commit cannot
be skipped, and there is no cursor to get wrong. A crash after sending sends again, and the receivers' ``seen`` takes
care of that.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import asyncpg
from soko_contracts import Envelope

from chassis import metrics, telemetry
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
READ_EVERY = 0.2
"""Seconds. How long at most a message waits that another process wrote, or that this one could not send."""


class Relay:
    """``once()`` takes one batch out; ``more`` says that it was full. ``flow()`` is the same with memory."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        # A deletion that is lost with the server sends its messages once more, and they are seen: it need not wait.
        self._alone = Alone(service, "relay", synchronous_commit="off")
        self._written: list[tuple[int, Envelope]] = []
        self._sent: list[int] = []
        self._read: frozenset[int] = frozenset()
        self._read_at = 0.0
        self._behind = True
        self.more = False

    def hand(self, written: Sequence[tuple[int, Envelope]], *, in_order: bool) -> None:
        """Messages that this process has just committed.

        ``in_order`` is false where they may follow others that were not handed over: those of another process, or of
        a commit here whose caller has not been told of it yet. Then all is read, in the order of the rows' ids, which
        is the order of each stream.
        """
        if not in_order or len(self._written) > BATCH * 10:
            self._behind = True
        if self._behind:
            self._written.clear()  # they are in the table
        else:
            self._written += written

    async def once(self) -> int:
        """Send what waits in the table; how many messages left. 0: nothing waits, or another relay is at work."""
        try:
            connection = await self._alone.connection()
            return 0 if connection is None else await self._once(connection)
        except BaseException:
            self.stop()  # whatever happened, the lock goes with its connection
            raise

    async def flow(self) -> int:
        """Send what was handed over; now and then, and when that is not all there is, look into the table."""
        if self._behind or asyncio.get_running_loop().time() - self._read_at >= READ_EVERY:
            return await self.once()
        try:
            connection = await self._alone.connection()
            if connection is None:
                self._behind = True
                return 0
            written, self._written = self._written, []
            return await self._send(connection, [one for one in written if one[0] not in self._read], BATCH)
        except BaseException:
            self.stop()
            raise

    async def finish(self) -> None:
        """Before the end: what was sent need not be sent again by the next process."""
        if self._sent:
            await self.once()

    def stop(self) -> None:
        """Let another relay go on."""
        self._written, self._sent, self._behind = [], [], True
        self._alone.release()

    async def _once(self, connection: "asyncpg.Connection[Any]") -> int:
        await self._remove(connection)
        self._written.clear()
        self._behind = False
        rows = await connection.fetch(READ, BATCH)
        self.more = self._behind = self._behind or len(rows) == BATCH
        # A commit that the read has seen may be handed over only now: it is not sent twice.
        self._read, self._read_at = frozenset(row["id"] for row in rows), asyncio.get_running_loop().time()
        return await self._send(connection, [(row["id"], envelope_of(row)) for row in rows], 1)

    async def _send(
        self, connection: "asyncpg.Connection[Any]", messages: Sequence[tuple[int, Envelope]], remove_at: int
    ) -> int:
        if messages:
            with telemetry.messages(self._service.name, "send", [each for _, each in messages]) as envelopes:
                await self._service.world.courier.send(envelopes)
            metrics.count(self._service.name, "sent", envelopes)
            self._service.world.faults.reach("relay.sent")
            self._sent += [id_ for id_, _ in messages]
        if len(self._sent) >= remove_at:
            await self._remove(connection)
        return len(messages)

    async def _remove(self, connection: "asyncpg.Connection[Any]") -> None:
        if self._sent:
            await connection.execute(REMOVE, self._sent)
            self._sent = []
