"""Messages worked off as they arrive: one statement makes them known, does what they lead to, and calls them done.

Nothing is stored first, so a message costs one write instead of three and no reading. That is right only while all is
plain, and the statement itself sees to that: it takes itself back when a message was seen before, when another of its
key waits in the inbox, or when a stream has moved on from the state in memory. Then all streams are read, and it is
tried once more. Whatever is not plain even so is stored in the inbox and worked off from there, in order and as often
as it takes; so is a message that fails, which fails there once more and is counted. The sender hears nothing until
either is committed.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import asyncpg
from soko_contracts import Envelope

from chassis import tables, telemetry
from chassis.batch import streams_of
from chassis.database import AWAY
from chassis.inbox import arrivals_of, seal
from chassis.sealing import Connected
from chassis.worker import BATCH, Claimed, Worker, done
from chassis.writing import Conflict, insert, statement

if TYPE_CHECKING:
    from chassis.service import Service

SEEN = insert(tables.seen)
_DONE = tuple(column.name for column in tables.done.columns if column.name != "id")
DONE = f"""
insert into done (id, {", ".join(_DONE)})
select nextval('inbox_id_seq'), {", ".join(_DONE)} from json_populate_recordset(null::done, {{}}::json)
"""
NONE_WAITS = "not exists (select 1 from inbox where key = any({}::text[]))"


class Arrivals:
    """Takes what arrives while the service's loops run; those that come during a batch make the next one."""

    def __init__(self, service: "Service", worker: Worker) -> None:
        self._service, self._worker = service, worker
        self._waiting: list[tuple[Sequence[Envelope], asyncio.Future[bool]]] = []
        self.open = False

    async def taken(self, envelopes: Sequence[Envelope]) -> bool:
        """True once all that these lead to is committed; false: nothing was done, store them."""
        if not self.open:
            return False
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((envelopes, answer))
        async with self._worker.turn:
            if not answer.done():
                await self._next()
        return answer.result()

    async def _next(self) -> None:
        envelopes, answers, worked = list[Envelope](), list[asyncio.Future[bool]](), False
        while self._waiting and len(envelopes) < BATCH:
            some, answer = self._waiting.pop(0)
            envelopes += some
            answers.append(answer)
        try:
            connection = await self._worker.connection()
            worked = connection is not None and await self._worked(connection, envelopes)
        except AWAY:
            self._worker.stop()
        finally:
            for answer in answers:
                if not answer.done():
                    answer.set_result(worked)

    async def _worked(self, connection: Connected, envelopes: Sequence[Envelope]) -> bool:
        """On what is remembered, and if that is not how it is, on what is read."""
        for believing in (True, False):
            try:
                return await self._work(connection, envelopes, believing=believing)
            except Conflict:
                continue
        return False

    async def _work(self, connection: Connected, envelopes: Sequence[Envelope], *, believing: bool) -> bool:
        """True when all is written, false where it has to be stored. Raises Conflict, and then nothing is written."""
        service, worker, started = self._service, self._worker, time.perf_counter()
        now = service.world.clock()
        arrivals = list(arrivals_of(service, envelopes))
        if not arrivals:
            return True
        keys = await seal(connection, service.keyring, arrivals, believing=believing)
        claimed, opened = list[Claimed](), set[str]()
        for one in arrivals:
            if one.message is None:
                return False
            try:
                outcomes = list(one.subscription.translate(one.message, one.at))
                if one.subscription.new:
                    opened |= streams_of(outcomes)
            except Exception:
                return False
            claimed.append(Claimed(one.row, outcomes))
        traced = telemetry.working(service.name, claimed)
        try:
            believed = service.store.remembered(opened, new=True) if believing else None
            batch, work = await worker.decide(connection, claimed, now, believed)
            if len(work.finished) < len(claimed):
                return False
            made = await statement(
                connection, batch.draft, service.name, now, None, service.lease(), keys, service.keyring
            )
            noted = [row for row, one in zip(claimed, arrivals, strict=True) if not one.subscription.raw]
            made.add_rows(SEEN, [{name: one.row[name] for name in ("message_id", "subscription")} for one in noted])
            made.add_rows(DONE, [done(one, now) for one in noted])
            made.require(NONE_WAITS.replace("{}", made.value(sorted({one.row["key"] for one in claimed}))))
            made.believe_versions(work.unproven)
            await made.run(connection)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, TypeError):
            return False
        if traced:
            traced.written(work.finished, ())
        service.keyring.keep(keys)
        service.committed(batch.draft, made)
        service.world.faults.reach("work.written")
        worker.tell(claimed, work, started)
        return True
