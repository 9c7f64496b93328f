"""Asking the outside world: leased by a committed update, made with nothing held, its outcome recorded afterwards.

Where the other side knows idempotency keys, a lost lease is called again under the same key. Where it does not, a lost
lease means unknown: it is never sent again, and ``gave_up`` says what to do about it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from chassis import metrics, telemetry
from chassis.batch import Batch, Unloaded, streams_of
from chassis.context import Context
from chassis.decider import Refused
from chassis.outcome import Outcome
from chassis.worker import backoff, told
from chassis.writing import UNKNOWN_CALL, Conflict, Lease, Unmet, statement

if TYPE_CHECKING:
    from chassis.service import Service

log = logging.getLogger(__name__)


MARGIN = timedelta(seconds=5)
"""A handler is cut off before its lease ends: nobody else may call meanwhile."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as its handler sees it. ``key`` is the idempotency key; ``stream_id`` is who asked ("" for no stream).

    ``tries`` counts this one. ``request`` is open: what was sealed can be read.
    """

    id: str
    key: str
    request: Mapping[str, Any]
    stream_id: str
    tries: int
    now: datetime
    correlationid: str
    traceparent: str | None = None

    @property
    def context(self) -> Context:
        """For requests to other services on behalf of this call."""
        return Context(self.id, self.correlationid, self.id, self.traceparent)


Handler = Callable[[Asked, "Service"], Awaitable[Iterable[Outcome]]]
GaveUp = Callable[[Asked], Iterable[Outcome]]


@dataclass(frozen=True, slots=True)
class Calling:
    """How one kind of call is made."""

    handler: Handler
    lease: timedelta
    tries: int
    idempotent: bool
    gave_up: GaveUp | None


class Calls:
    """The calls a service makes, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Calling] = {}

    @property
    def names(self) -> frozenset[str]:
        """Every call there is."""
        return frozenset(self._by_name)

    @property
    def idempotent(self) -> bool:
        """Whether each of them may be made again."""
        return all(calling.idempotent for calling in self._by_name.values())

    def leases(self) -> dict[str, timedelta]:
        """How long each call is leased: its own limit, and time to record what came of it."""
        return {name: calling.lease + MARGIN for name, calling in self._by_name.items()}

    def named(self, name: str) -> Calling:
        """How calls called ``name`` are made. Raises KeyError."""
        return self._by_name[name]

    def to(
        self,
        name: str,
        *,
        lease: timedelta = timedelta(seconds=30),
        tries: int = 8,
        idempotent: bool = True,
        gave_up: GaveUp | None = None,
    ) -> Callable[[Handler], Handler]:
        """Decorate ``async (asked, service) -> Iterable[Outcome]``; raising means: again later, up to ``tries`` times.

        After the last try, or a lost lease of a call that is not ``idempotent``, ``gave_up(asked)`` says what
        follows; without it the call is parked.
        """

        def register(handler: Handler) -> Handler:
            self._by_name[name] = Calling(handler, lease, tries, idempotent, gave_up)
            return handler

        return register


LEASE = """
with waiting as (select set_config('synchronous_commit', $6, true))
update calls set lease = $2, tries = calls.tries + 1,
       leased_until = $1 + coalesce((select lease from unnest($4::text[], $5::interval[]) kinds (name, lease)
                                     where kinds.name = calls.name), $7)
from (select id, leased_until is not null as lost from calls
      where due_at <= $1 and parked_at is null and (leased_until is null or leased_until <= $1)
      order by due_at, id limit $3 for update skip locked) due, waiting
where calls.id = due.id
returning calls.*, due.lost
"""  # due calls that nobody has leased, or whose lease ran out
STILL_OURS = "select id from calls where id = any($1::text[]) and lease = any($2::text[])"
FINISH = """
delete from calls using unnest({}::text[], {}::text[]) ours (id, lease)
where calls.id = ours.id and calls.lease = ours.lease returning 1
"""
FAIL = """
update calls set lease = null, leased_until = null, error = failed.error, due_at = failed.due_at,
       parked_at = failed.parked_at
from json_populate_recordset(null::calls, {}::json) failed
where calls.id = failed.id and calls.lease = failed.lease returning 1
"""
IN_FLIGHT = 64
LEASE_EVERY, LOOK_EVERY = 0.2, 1.0
"""Seconds between looks for calls while some of this process wait in the table, and for those that are due again or
that another process left.
"""


@dataclass(slots=True)
class Answered:
    """A call that came back."""

    row: Mapping[str, Any]
    asked: Asked
    outcomes: list[Outcome]
    error: BaseException | None = None

    @property
    def cause(self) -> Context:
        """What the outcome's own effects are caused by."""
        row = self.row
        return Context(row["id"], row["correlationid"], row["id"], self.asked.traceparent)


class Caller:
    """``once()`` leases what is due, waits for the first answers, and records those that are there.

    While its loop runs, calls are leased to it by the very statement that writes them, and go out after its commit.
    """

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._in_flight: set[asyncio.Task[Answered]] = set()
        self._leased_at = 0.0
        self._left = False
        self.running = False

    def lease(self) -> Lease | None:
        """For calls that are being written: may they go out at once?"""
        if not self.running or len(self._in_flight) >= IN_FLIGHT:
            self._left = True  # what is written now waits in the table
            return None
        return Lease(self._service.world.ids(), self._service.calls.leases())

    def make(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Calls that were written and leased just now."""
        now = self._service.world.clock()
        for row in rows:
            self._go({**row, "lost": False}, now, row["traceparent"])

    async def once(self, *, wait_all: bool = False) -> int:
        """One round; how many calls were recorded. ``wait_all``: until every call that was due has come back."""
        started = await self._lease()
        if not self._in_flight:
            return 0
        wanted = asyncio.ALL_COMPLETED if wait_all else asyncio.FIRST_COMPLETED
        limit = None if wait_all else 0.05
        done, self._in_flight = await asyncio.wait(self._in_flight, timeout=limit, return_when=wanted)
        if done:
            await self._record(_in_turn(done))
        return len(done) or started

    async def flow(self) -> int:
        """Record what has come back, as the loop does; now and then see what else is due."""
        every = LEASE_EVERY if self._left else LOOK_EVERY
        if asyncio.get_running_loop().time() - self._leased_at >= every:
            await self._lease()
        done = {task for task in self._in_flight if task.done()}
        if done:
            self._in_flight -= done
            await self._record(_in_turn(done))
        return len(done)

    async def stop(self, seconds: float) -> None:
        """Let calls that are out come back and be recorded, for so long."""
        self.running = False
        if self._in_flight:
            done, late = await asyncio.wait(self._in_flight, timeout=seconds)
            self._in_flight = set()
            if done:
                await self._record(_in_turn(done))
            for task in late:
                task.cancel()

    async def _lease(self) -> int:
        service, room = self._service, IN_FLIGHT - len(self._in_flight)
        if room <= 0 or not service.calls.names:
            return 0
        self._leased_at, self._left = asyncio.get_running_loop().time(), False
        now, lease = service.world.clock(), service.world.ids()
        # A lease that is lost with the server is a call made again: that may hurry, where every call knows its key.
        waits = "off" if service.calls.idempotent else "on"
        names, leases = zip(*service.calls.leases().items(), strict=True)
        rows = await service.database.pool.fetch(LEASE, now, lease, room, names, leases, waits, UNKNOWN_CALL)
        self._left |= len(rows) == room
        if rows:
            service.world.faults.reach("call.leased")
        traces = await telemetry.of_streams(service, {row["stream"] for row in rows})
        for row in sorted(rows, key=itemgetter("id")):
            self._go(row, now, traces.get(row["stream"]))
        return len(rows)

    def _go(self, row: Mapping[str, Any], now: datetime, trace: str | None) -> None:
        task = asyncio.create_task(self._make(row, now, trace))
        self._in_flight.add(task)
        task.add_done_callback(lambda _: self._service.wake("calls"))

    async def _make(self, row: Mapping[str, Any], now: datetime, trace: str | None) -> Answered:
        began = time.perf_counter()
        about = {"soko.correlation_id": row["correlationid"], "soko.tries": row["tries"]}
        with telemetry.span(self._service.name, f"call {row['name']}", trace, "call", **about) as traced:
            answered = await self._answered(row, now, traced.traceparent if traced else trace)
            if traced and answered.error is not None:
                traced.fail(answered.error)
        outcome = "finished" if answered.error is None else "failed"
        metrics.handled(self._service.name, f"call {row['name']}", outcome, time.perf_counter() - began)
        return answered

    async def _answered(self, row: Mapping[str, Any], now: datetime, trace: str | None) -> Answered:
        service = self._service
        asked = Asked(
            row["id"],
            row["key"],
            orjson.loads(row["request"]),
            row["stream"].partition("-")[2],
            row["tries"],
            now,
            row["correlationid"],
            trace,
        )
        try:
            calling = service.calls.named(row["name"])
            if row["lost"] and not calling.idempotent:
                return Answered(row, asked, _given_up(calling, asked, "the answer was lost"))
            try:
                async with asyncio.timeout(calling.lease.total_seconds()):
                    outcomes = list(await calling.handler(asked, service))
            except Exception as error:
                log.warning("a call failed", exc_info=error, extra={"call": row["name"], "tries": asked.tries})
                if asked.tries < calling.tries and calling.idempotent:
                    return Answered(row, asked, [], error)
                return Answered(row, asked, _given_up(calling, asked, repr(error)))
        except Exception as error:
            return Answered(row, asked, [], error)
        service.world.faults.reach("call.made")
        return Answered(row, asked, outcomes)

    async def _record(self, answers: list[Answered]) -> None:
        """Record in one statement what came back and is still leased by us."""
        for attempt in range(10):
            try:
                return await self._record_once(answers, believing=attempt == 0)
            except Unmet:
                answers = await self._still_ours(answers)
            except Conflict:
                continue
        raise Conflict("ten rounds lost")

    async def _still_ours(self, answers: Sequence[Answered]) -> list[Answered]:
        ids, leases = [one.row["id"] for one in answers], [one.row["lease"] for one in answers]
        ours = {row["id"] for row in await self._service.database.pool.fetch(STILL_OURS, ids, leases)}
        return [one for one in answers if one.row["id"] in ours]

    async def _record_once(self, answers: list[Answered], *, believing: bool) -> None:
        service = self._service
        now = service.world.clock()
        async with service.database.pool.acquire() as connection:
            streams = set[str]().union(*(streams_of(one.outcomes) for one in answers))
            believed = service.store.remembered(streams) if believing else {}
            held = believed | await service.store.load(connection, streams - believed.keys())
            batch = Batch(service.aggregates, held, now, service.world.ids)
            for one in answers:
                while one.error is None:
                    try:
                        batch.carry_out(one.outcomes, one.cause)
                    except Unloaded as missing:
                        batch.load(await service.store.load(connection, missing.streams))
                        continue
                    except Refused as refused:
                        log.info("an answer came too late", extra={"call": one.row["name"], "slug": refused.slug})
                    except Exception as error:
                        one.error = error
                    break
            made = await statement(
                connection, batch.draft, service.name, now, None, self.lease(), keyring=service.keyring
            )
            good, bad = _parted(answers)
            ended = []
            if good:
                made.add(FINISH, [one.row["id"] for one in good], [one.row["lease"] for one in good], name="finished")
                ended.append("(select count(*) from finished)")
            if bad:
                made.add_rows(FAIL, [self._failure(one, now) for one in bad], "failed")
                ended.append("(select count(*) from failed)")
            if ended:
                made.require(f"{' + '.join(ended)} = {made.value(len(answers))}")
            made.believe_versions({name: one.version for name, one in believed.items() if name not in batch.draft.held})
            await made.run(connection)
        service.committed(batch.draft, made)

    def _failure(self, one: Answered, now: datetime) -> dict[str, Any]:
        tries = one.asked.tries
        known = one.row["name"] in self._service.calls.names
        last = not known or tries >= self._service.calls.named(one.row["name"]).tries
        return {
            "id": one.row["id"],
            "lease": one.row["lease"],
            "error": told(one.error),
            "due_at": now + backoff(tries, self._service.world.random.random()),
            "parked_at": now if last else None,
        }


def _parted(answers: Iterable[Answered]) -> tuple[list[Answered], list[Answered]]:
    """Those with an outcome, and those without."""
    good, bad = list[Answered](), list[Answered]()
    for one in answers:
        (bad if one.error else good).append(one)
    return good, bad


def _in_turn(done: Iterable[asyncio.Task[Answered]]) -> list[Answered]:
    """What came back, in the order in which it was asked for: a set of tasks has none."""
    return sorted((task.result() for task in done), key=lambda one: str(one.row["id"]))


class GaveUpError(Exception):
    """A call was given up and nothing says what follows: it is parked."""


def _given_up(calling: Calling, asked: Asked, why: str) -> list[Outcome]:
    if calling.gave_up is None:
        raise GaveUpError(why)
    return list(calling.gave_up(asked))
