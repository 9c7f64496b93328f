"""Working the inbox off: many messages, one transaction, each with its effect exactly once.

One worker a database is active, by an advisory lock held on the connection it works with. A claimed row is finished
by the same statement that writes what it led to: either both or neither. That is all the atomicity a batch needs, so it
costs three round trips: claim, load, write. Most messages never get here: ``arrivals`` works them off as they come.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from pydantic import ValidationError
from soko_contracts import Envelope

from chassis import metrics, tables, telemetry
from chassis.alone import Alone
from chassis.batch import Batch, Draft, Held, Unloaded, more_of, streams_of
from chassis.context import Context
from chassis.database import AWAY
from chassis.decider import Refused
from chassis.logs import blanked
from chassis.outcome import Do, Outcome
from chassis.sealing import Connected
from chassis.subscriptions import received
from chassis.writing import Conflict, Statement, insert, statement

if TYPE_CHECKING:
    from chassis.service import Service

log = logging.getLogger(__name__)

CLAIM = """
select id, subscription, key, timer, message_id, type, source, subject, partitionkey, sequence, time,
       correlationid, causationid, traceparent, data, received_at, tries
from inbox
where due_at <= $1 and parked_at is null and not exists (
    select 1 from inbox earlier
    where earlier.key = inbox.key and earlier.id < inbox.id
      and (earlier.due_at > $1 and earlier.parked_at is null or earlier.parked_at is not null and not inbox.timer))
order by id
limit $2
"""  # due rows with no earlier one of the same key waiting or (timers pass) parked
ONE_AT_A_TIME = "lock table events in share row exclusive mode"
FINISH = "delete from inbox where id = any({}::bigint[])"
DONE = insert(tables.done)
FAIL = """
update inbox set tries = failed.tries, error = failed.error, due_at = failed.due_at, parked_at = failed.parked_at
from json_populate_recordset(null::inbox, {}::json) failed where inbox.id = failed.id
"""

# Asked for once for each combination: finding a metric's child costs more than counting.
handled, handler_seconds = cache(metrics.HANDLED.labels), cache(metrics.HANDLER_SECONDS.labels)

BATCH = 200
TRIES = 8
FIRST_DELAY = timedelta(milliseconds=500)
OPTIMISTIC_ROUNDS = 3


@dataclass(slots=True)
class Claimed:
    """One inbox row at work, or what would have been one."""

    row: Mapping[str, Any]
    outcomes: Iterable[Outcome] = ()
    error: BaseException | None = None
    note: str | None = None
    traceparent: str | None = None

    @property
    def cause(self) -> Context:
        """What this row's own effects are caused by."""
        row = self.row
        trace = self.traceparent or row["traceparent"]
        return Context(row["message_id"], row["correlationid"], row["message_id"], trace)


@dataclass(slots=True)
class Work:
    """What became of one batch."""

    finished: list[Claimed] = field(default_factory=list)
    failed: list[Claimed] = field(default_factory=list)
    unproven: dict[str, int] = field(default_factory=dict)
    """Streams that something was decided on as they are remembered, at this version, and that no append will prove."""


class Worker:
    """``once()`` works off one batch; ``more`` says that it was full. It remembers how large a batch may be."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._alone = Alone(service, "worker")
        self._limit = BATCH
        self.turn = asyncio.Lock()  # one batch at a time, whether from the inbox or as it arrives
        self.more = False

    async def once(self) -> int:
        """Work off one batch; how many rows were finished or counted as failed. 0: nothing is due, or another works.

        An SQL error halves the batch, always to its first rows so that order is kept, until the one that cannot be
        written stands alone and is counted. Lost races are decided again on fresh state and count for nobody; after
        three rounds the other writers wait.
        """
        async with self.turn:
            try:
                connection = await self.connection()
                return 0 if connection is None else await self._once(connection)
            except AWAY:
                self.stop()
                raise

    async def connection(self) -> "asyncpg.Connection[Any] | None":
        """The connection to work with; None while another process is the one at work."""
        return await self._alone.connection()

    @property
    def at_work(self) -> bool:
        """Whether this process is the one, as far as it knows."""
        return self._alone.holds

    def stop(self) -> None:
        """Let another worker go on."""
        self._alone.release()

    async def _once(self, connection: Connected) -> int:
        for attempt in range(OPTIMISTIC_ROUNDS + 1):
            try:
                if attempt < OPTIMISTIC_ROUNDS:
                    worked, draft, made = await self._batch(connection, self._limit)
                else:
                    async with connection.transaction():
                        await connection.execute(ONE_AT_A_TIME)
                        worked, draft, made = await self._batch(connection, self._limit)
            except Conflict as lost:
                if attempt == OPTIMISTIC_ROUNDS:
                    return await self._smaller(connection, lost)
                continue
            except AWAY:
                raise
            except (asyncpg.PostgresError, ValueError, TypeError) as error:
                return await self._smaller(connection, error)
            # Only now is it committed: a state remembered earlier would outlive a commit that failed.
            self._service.committed(draft, made)
            self.more = worked >= self._limit
            self._limit = min(BATCH, self._limit * 2)
            return worked
        raise AssertionError("unreachable")

    async def _smaller(self, connection: Connected, error: BaseException) -> int:
        """Try half as many next; a single row that cannot be written is itself to blame."""
        self.more = True
        if self._limit > 1:
            self._limit //= 2
            return 1
        return await self._blame_first(connection, error)

    async def _batch(self, connection: Connected, limit: int) -> tuple[int, Draft, Statement]:
        service = self._service
        started = time.perf_counter()
        now = service.world.clock()
        claimed = [Claimed(row) for row in await connection.fetch(CLAIM, now, limit)]
        if not claimed:
            return 0, Draft(), Statement()
        traced = telemetry.working(service.name, claimed)
        for one in claimed:
            self._translate(one, now)
        batch, work = await self.decide(connection, claimed, now)
        made = await statement(
            connection, batch.draft, service.name, now, None, service.lease(), keyring=service.keyring
        )
        made.add(FINISH, [one.row["id"] for one in work.finished])
        made.add_rows(DONE, [{"id": one.row["id"], **done(one, now)} for one in work.finished])
        made.add_rows(FAIL, [{"id": one.row["id"], **self.failure(one, now)} for one in work.failed])
        await made.run(connection)
        if traced:
            traced.written(work.finished, work.failed)
        service.world.faults.reach("work.written")
        self.tell(claimed, work, started)
        return len(claimed), batch.draft, made

    def tell(self, claimed: list[Claimed], work: Work, started: float) -> None:
        """One log line a batch, and its figures."""
        service = self._service
        seconds = time.perf_counter() - started
        if log.isEnabledFor(logging.INFO):
            log.info(
                "worked",
                extra={
                    "service": service.name,
                    "finished": len(work.finished),
                    "failed": len(work.failed),
                    "ms": round(seconds * 1000, 2),
                    "correlationids": sorted({one.row["correlationid"] for one in claimed}),
                    "causationids": [one.row["message_id"] for one in claimed],
                },
            )
        handler_seconds(service.name, "batch").observe(seconds)
        for outcome, rows in (("finished", work.finished), ("failed", work.failed)):
            for subscription, count in Counter(one.row["subscription"] for one in rows).items():
                handled(service.name, subscription, outcome).inc(count)

    def _translate(self, one: Claimed, now: datetime) -> None:
        try:
            one.outcomes = list(self._outcomes(one.row, now))
        except Exception as error:
            one.error = error

    def _outcomes(self, row: Mapping[str, Any], now: datetime) -> Iterable[Outcome]:
        if row["timer"]:
            aggregate = self._service.aggregates.of(row["subject"])
            id_ = row["subject"].partition("-")[2]
            return (Do(aggregate.decider, id_, aggregate.codec.decode(row["type"], row["data"])),)
        envelope = envelope_of(row)
        subscription = self._service.subscriptions.named(row["subscription"])
        return subscription.translate(subscription.read(envelope), received(envelope, now))

    async def decide(
        self, connection: Connected, claimed: list[Claimed], now: datetime, believed: Mapping[str, Held] | None = None
    ) -> tuple[Batch, Work]:
        """Carry out in memory what they lead to, on states as they are read; where some are ``believed``, on those and
        on whatever else is remembered.
        """
        service, work = self._service, Work()
        streams = set[str]()
        for one in claimed:
            try:
                streams |= streams_of(one.outcomes)
            except Exception as error:
                one.error = error
        remembered = service.store.remembered if believed is not None else _nothing
        trusted = {**remembered(streams), **(believed or {})}
        held = trusted | await service.store.load(connection, streams - trusted.keys())
        states = {name: one.state for name, one in held.items()}
        more = set[str]()
        for one in claimed:
            with suppress(Exception):  # whatever is wrong is found again where it counts as this message's failure
                more |= more_of(one.outcomes, states)
        trusted |= remembered(more - held.keys())
        held |= trusted
        held |= await service.store.load(connection, more - held.keys())
        batch = Batch(service.aggregates, held, now, service.world.ids)
        held_back = set[str]()
        for one in claimed:
            if one.row["key"] in held_back:
                continue
            if one.error is None:
                await self._carry_out(connection, batch, one)
            if one.error is None:
                work.finished.append(one)
            else:
                work.failed.append(one)
                held_back.add(one.row["key"])
        work.unproven = {name: one.version for name, one in trusted.items() if name not in batch.draft.held}
        return batch, work

    async def _carry_out(self, connection: Connected, batch: Batch, one: Claimed) -> None:
        while True:
            try:
                batch.carry_out(one.outcomes, one.cause)
            except Unloaded as missing:
                batch.load(await self._service.store.load(connection, missing.streams))
                continue
            except Refused as refused:
                one.note = f"refused: {refused.slug}"
            except Exception as error:
                one.error = error
            return

    def failure(self, one: Claimed, now: datetime) -> dict[str, Any]:
        """What its inbox row says after a failed try."""
        row, error = one.row, one.error
        tries = row["tries"] + 1
        log.warning(
            "a message failed",
            exc_info=error,
            extra={name: row[name] for name in ("message_id", "type", "subscription", "correlationid")},
        )
        return {
            "tries": tries,
            "error": told(error),
            "due_at": now + backoff(tries, self._service.world.random.random()),
            "parked_at": now if tries >= TRIES else None,
        }

    async def _blame_first(self, connection: Connected, error: BaseException) -> int:
        """The first due row alone cannot be written: count it as tried."""
        now = self._service.world.clock()
        rows = await connection.fetch(CLAIM, now, 1)
        failures = [{"id": row["id"], **self.failure(Claimed(row, error=error), now)} for row in rows]
        await connection.execute(FAIL.replace("{}", "$1"), orjson.dumps(failures).decode())
        return len(rows)


def _nothing(streams: Iterable[str]) -> dict[str, Held]:
    """What is remembered where nothing is to be believed."""
    return {}


def backoff(tries: int, chance: float) -> timedelta:
    """The wait after so many failed tries: doubling from half a second to five minutes, a fifth of it chance."""
    delay: timedelta = min(FIRST_DELAY * 2 ** (tries - 1), timedelta(minutes=5))
    return delay * (0.9 + chance / 5)


def told(error: BaseException | None) -> str:
    """An error as it is kept and shown: without the input that pydantic names, or addresses that mail servers do."""
    if isinstance(error, ValidationError):
        found = error.errors(include_input=False, include_url=False, include_context=False)
        text = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
    else:
        text = str(error)
    return f"{type(error).__name__}: {blanked(text)}"[:2000]


def envelope_of(row: Mapping[str, Any]) -> Envelope:
    """The envelope kept in an outbox, published or inbox row."""
    return Envelope(
        id=row["message_id"],
        source=row["source"],
        type=row["type"],
        time=row["time"],
        subject=row["subject"],
        partitionkey=row["partitionkey"],
        sequence=row["sequence"],
        correlationid=row["correlationid"],
        causationid=row["causationid"],
        traceparent=row["traceparent"],
        data=row["data"].encode(),
    )


def done(one: Claimed, now: datetime) -> dict[str, Any]:
    """What is kept of a finished message."""
    row = one.row
    kept = ("message_id", "subscription", "type", "key", "correlationid", "tries", "received_at")
    return {name: row[name] for name in kept} | {"finished_at": now, "note": one.note}
