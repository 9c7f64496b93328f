"""A service, composed: what ``build`` returns, what runs it, and the steps that tests drive one at a time."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from soko_contracts import Envelope, Sealed

from chassis import executing, idempotency, inbox, metrics, migrations, ops
from chassis.aggregate import Aggregate
from chassis.alarm import TELL_OF_PARKED
from chassis.arrivals import Arrivals
from chassis.batch import Aggregates, Draft, Held
from chassis.calls import Caller, Calls
from chassis.context import Context
from chassis.database import AWAY, is_away
from chassis.decider import Decider, Many
from chassis.executing import Executed
from chassis.http import Authentication, Health, Keys, Revocations, ServiceTokens, Verifier, create_app
from chassis.http.revocations import EVERY
from chassis.jobs import SWEEP, Job, Jobs
from chassis.once import Once
from chassis.outbox import Relay
from chassis.outcome import Do
from chassis.sealing import Keyring, Opener, Sealing, seal
from chassis.settings import Settings
from chassis.store import Store
from chassis.subscriptions import Subscriptions
from chassis.timers import Timers
from chassis.unit import Unit, driver
from chassis.wait import Waiters
from chassis.worker import Worker
from chassis.world import World
from chassis.writing import Lease, Statement, statement

log = logging.getLogger(__name__)

POLL = 0.2
"""Seconds between looks where nothing woke a loop: another process may have written, or a message waits for its try."""
STOP_SECONDS = 10.0


class Service:
    """One service: its database, its loops, its HTTP app.

    ``tables`` is the metadata of its own tables, ``migrations`` the package that makes them. ``routers`` answer HTTP.
    ``settled`` is the column of ``Waiters``. ``extra`` are loops of the service's own, steps like the chassis's.
    ``sagas`` names processes and the query for when the oldest that has not settled began. ``closes`` is awaited last.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        world: World,
        *,
        tables: sa.MetaData,
        migrations: str,
        routers: Iterable[APIRouter] = (),
        aggregates: Iterable[Aggregate] = (),
        subscriptions: Subscriptions | None = None,
        calls: Calls | None = None,
        jobs: Sequence[Job] = (),
        settled: sa.Column[bool] | None = None,
        extra: Iterable[Callable[["Service"], Awaitable[int]]] = (),
        sagas: Mapping[str, str] | None = None,
        closes: Iterable[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self.name, self.settings, self.tables, self.migrations = name, settings, tables, migrations
        tokens = ServiceTokens(name, settings.soko_internal_key.get_secret_value(), world.clock)
        self.world = replace(world, peers=world.peers.asking_as(tokens))
        self.database = world.database(settings.database_url, name, settings.database_pool)
        self.aggregates = Aggregates(aggregates)
        self.subscriptions = subscriptions or Subscriptions()
        self.calls = calls or Calls()
        self.store, self.keyring = Store(self.aggregates), Keyring()
        self.waiters = Waiters(self, settled) if settled is not None else None
        self.keys = Keys(self._jwks, self.world.clock)
        self.revocations = Revocations(self._revoked, self.world.clock)
        verifier = Verifier(self.keys, self.world.clock)
        self.authentication = Authentication(verifier, self.revocations, tokens)
        self.app: FastAPI = create_app(
            name,
            (*routers, ops.router),
            state={"service": self, "authentication": self.authentication},
            ready=self.health,
        )
        self.jobs = Jobs(self, (*jobs, SWEEP, TELL_OF_PARKED))
        self._relay, self._worker = Relay(self), Worker(self)
        self.arrivals = Arrivals(self, self._worker)
        self._timers, self._caller = Timers(self), Caller(self)
        self._extra, self._sagas, self._closes = tuple(extra), sagas or {}, tuple(closes)
        self._wakes = defaultdict[str, asyncio.Event](asyncio.Event)
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = False

    # Commands

    async def execute(
        self,
        decider: Decider[Any, Any, Any],
        id_: str,
        command: Any,
        context: Context,
        once: Once | None = None,
        *,
        new: bool = False,
        expected: int | None = None,
        sealing: Sealing | None = None,
    ) -> Executed:
        """Give a command to one stream. Raises Refused and KeyReused; a lost race is decided again.

        ``new``: the stream most likely does not exist yet, so it is looked for only if that turns out wrong.
        ``expected``: only while the stream is at this version; else Moved, and nothing has happened.
        ``sealing``: what the command's values were sealed with, by ``seal_each``; KeysMoved where they must be again.
        """
        do = Do(decider, id_, command)
        return await executing.execute(self, do, context, once, new=new, expected=expected, sealing=sealing)

    async def execute_many(self, many: Many[Any], command: Any, context: Context, once: Once | None = None) -> Executed:
        """Give a command to several streams at once, all or nothing. ``state`` is None."""
        return await executing.execute(self, Do.many(many, command), context, once)

    async def load(self, decider: Decider[Any, Any, Any], id_: str) -> Held:
        """A stream as it is now; version 0 when there is none."""
        stream = decider.name(id_)
        async with self.database.pool.acquire() as connection:
            held = await self.store.load(connection, [stream])
        return held[stream]

    async def recall(self, once: Once | None) -> str | None:
        """The resource that this idempotency key made: look before anything is read from elsewhere."""
        if once is None:
            return None
        async with self.database.pool.acquire() as connection:
            return await idempotency.recall(connection, once)

    @asynccontextmanager
    async def unit(self, context: Context, once: Once | None = None) -> AsyncIterator[Unit]:
        """One transaction of a state-stored service. Raises KeyReused and KeyInFlight."""
        async with self.database.engine.begin() as sql:
            connection = await driver(sql)
            await sql.execute(sa.text("select 1"))  # SQLAlchemy opens its transaction with the first statement
            unit, made = Unit(self, sql, context, self.world.clock()), Statement()
            if once is not None:
                unit.replayed = await idempotency.claim(connection, once)
            yield unit
            if unit.replayed is None:
                if once is not None:
                    once = once.for_(unit.resource_id or once.resource_id or "")
                made = await statement(connection, unit.draft, self.name, unit.now, once, self.lease())
                await made.run(connection)
        self.committed(unit.draft, made, in_order=False)

    async def seal(self, subject: str, value: Any) -> Sealed:
        """``value`` (anything JSON can say), readable only while the key of ``subject`` exists here."""
        async with self.database.pool.acquire() as connection:
            return await seal(connection, subject, value)

    async def seal_each(self, values: Mapping[str, Any], *, fresh: Collection[str] = ()) -> Sealing:
        """The same by subject, for one command: their new keys are written with what it leads to, or not at all.

        Those in ``fresh`` most likely have no key yet, so it is looked for only if that turns out wrong.
        """
        async with self.database.pool.acquire() as connection:
            return await Sealing.of(connection, self.keyring, values, fresh)

    async def open(self, value: Sealed) -> Any:
        """A sealed value's content, or ``erased``."""
        async with self.database.pool.acquire() as connection:
            return Opener(await self.keyring.read(connection, [value.subject])).open(value)

    # Messages

    async def receive(self, envelopes: Sequence[Envelope]) -> None:
        """Store messages; returns when they are safe here."""
        await inbox.receive(self, envelopes)

    def committed(self, draft: Draft, made: Statement, *, in_order: bool = True) -> None:
        """A batch has been written: remember its states, and set going what it leads to.

        ``in_order``: its messages follow none of the same subject that this process does not know of.
        """
        if made.written:
            self._relay.hand(made.written, in_order=in_order and all(held.ours for held in draft.held.values()))
            self.wake("relay")
        self.store.remember(draft.held)
        self.keyring.drop(draft.forgotten)
        if draft.timers:
            self._timers.set(min(timer.after.at for timer in draft.timers.values()))
        if draft.calls:
            self._caller.make(made.calls)
            self.wake("calls")
        if self.waiters is not None:
            self.waiters.written(draft.rows.values())

    @property
    def at_work(self) -> bool:
        """Whether it is this process that works the service's messages off."""
        return self._worker.at_work

    def wake(self, loop: str) -> None:
        """There is something to do for it."""
        self._wakes[loop].set()

    def lease(self) -> Lease | None:
        """For calls that are about to be written; None: they wait to be leased."""
        return self._caller.lease()

    # Steps: the loops run them, and so do tests and the simulation, one at a time

    async def relay_once(self) -> int:
        """Take one batch of messages out; how many left."""
        return await self._relay.once()

    async def work_once(self) -> int:
        """Work one batch of the inbox off; how many rows were touched."""
        return await self._worker.once()

    async def timers_once(self) -> int:
        """Move due timers to the inbox; how many."""
        return await self._timers.once()

    async def calls_once(self, *, wait_all: bool = True) -> int:
        """Make what calls are due and record their outcomes; how many."""
        return await self._caller.once(wait_all=wait_all)

    async def jobs_once(self) -> int:
        """Run one job that is due."""
        return await self.jobs.once()

    async def extra_once(self) -> int:
        """One step of each of the service's own loops."""
        return sum([await step(self) for step in self._extra])

    # Life

    async def migrate(self) -> bool:
        """Bring the database to this code's tables; true when there was something to do."""
        return await migrations.migrate(self.settings.database_url, self.migrations)

    async def open_database(self) -> None:
        """Connect, subscribe and see that jobs have their rows: enough for steps to be driven by hand."""
        await self.database.start()
        await self.jobs.make()
        if self.subscriptions.types:
            self.world.courier.subscribe(self.name, self.subscriptions.types, self.receive)

    def loops(self) -> dict[str, tuple[Callable[[], Awaitable[int]], float]]:
        """What each of its loops does, and how many seconds it rests at most when there was nothing to do.

        From now on what one of them commits goes on to the next in memory: somebody has to run them.
        """
        steps: dict[str, tuple[Callable[[], Awaitable[int]], float]] = {
            "relay": (self._relay_step, POLL),
            "timers": (self._timers_step, POLL),
            "jobs": (self.jobs_once, 2.0),
            "metrics": (self.measure_once, 5.0),
            "revocations": (self._poll_revocations, EVERY.total_seconds()),
        }
        if self.subscriptions.types or any(self.aggregates):
            steps["worker"] = self._work_step, POLL
            self.arrivals.open = True
        if self.calls.names:
            steps["calls"] = self._caller.flow, POLL
            self._caller.running = True
        for number, step in enumerate(self._extra):
            steps[f"extra{number}"] = partial(step, self), POLL
        return steps

    async def start(self) -> None:
        """Open the database, unless it is open, and run all loops until ``stop``."""
        if not self.database.started:
            await self.open_database()
        self._loops = [
            asyncio.create_task(self._loop(name, step, pause), name=f"{self.name}.{name}")
            for name, (step, pause) in self.loops().items()
        ]

    async def stop(self) -> None:
        """Finish what has begun, then close. Whoever waits is answered now."""
        self._stopping = True
        self.arrivals.open = False
        if self.waiters is not None:
            self.waiters.close()
        for wake in self._wakes.values():
            wake.set()
        if self._loops:
            _, late = await asyncio.wait(self._loops, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._loops, return_exceptions=True)
        if self.database.started:
            await self._caller.stop(STOP_SECONDS)
            with contextlib.suppress(*AWAY):
                await self._relay.finish()
        self._relay.stop()
        self._worker.stop()
        await self.database.stop()
        for close in self._closes:
            await close()

    async def _loop(self, name: str, step: Callable[[], Awaitable[int]], pause: float) -> None:
        """``while: step()``, asleep while there is nothing to do; an outage is waited out with growing delay."""
        wake, failures = self._wakes[name], 0
        while not self._stopping:
            wake.clear()
            try:
                busy = await step()
                failures = 0
            except Exception as error:
                failures += 1
                if is_away(error):
                    log.warning("%s.%s waits: %r", self.name, name, error)
                else:
                    log.exception("%s.%s failed", self.name, name)
                await self._pause(wake, min(5.0, 0.1 * 2 ** min(failures, 6)))
                continue
            if not busy:
                await self._pause(wake, pause)
            else:
                await asyncio.sleep(0)

    async def _pause(self, wake: asyncio.Event, seconds: float) -> None:
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wake.wait()

    async def _poll_revocations(self) -> int:
        await self.revocations.poll_once()
        await self.keys.poll_once()
        return 0

    async def _timers_step(self) -> int:
        await self._pause(self._wakes["timers"], max(0.0, self._timers.wait()))
        await self._timers.flow()
        return 1

    async def _relay_step(self) -> int:
        """After a batch that was not full nothing is left, but for what has waked the loop meanwhile."""
        return int(bool(await self._relay.flow()) and self._relay.more)

    async def _work_step(self) -> int:
        return int(bool(await self.work_once()) and self._worker.more)

    async def measure_once(self) -> int:
        """Set the gauges that operators watch."""
        (row,) = await self.database.pool.fetch(MEASURE, self.world.clock())
        metrics.OUTBOX_AGE.labels(self.name).set(row["outbox_age"])
        metrics.INBOX_DEPTH.labels(self.name).set(row["inbox_depth"])
        metrics.INBOX_AGE.labels(self.name).set(row["inbox_age"])
        metrics.PARKED.labels(self.name).set(row["parked"])
        for saga, query in self._sagas.items():
            began = await self.database.pool.fetchval(query)
            age = (self.world.clock() - began).total_seconds() if began else 0.0
            metrics.SAGA_AGE.labels(self.name, saga).set(age)
        return 0

    async def health(self) -> Health:
        """Ready while the own database answers; the broker, and identity's keys, are named while they are not there."""
        if not self.database.started:
            return Health(False, reason="not started")
        try:
            async with asyncio.timeout(2):
                await self.database.pool.fetchval("select 1")
        except AWAY as error:
            return Health(False, reason=f"the database cannot be reached: {type(error).__name__}")
        degraded = [] if self.keys.known or self.name == "identity" else ["identity"]
        if not self.world.courier.connected:
            degraded.append("broker")
        return Health(True, tuple(degraded))

    async def _jwks(self) -> Any:
        return (await self.world.peers.get("identity", "/.well-known/jwks.json")).json()

    async def _revoked(self, after: int) -> Any:
        return orjson.loads((await self.world.peers.get("identity", f"/internal/v1/revocations?after={after}")).body)


MEASURE = """
select coalesce(extract(epoch from $1 - (select time from outbox order by id limit 1)), 0)::float8 as outbox_age,
       (select count(*) from inbox where parked_at is null) as inbox_depth,
       coalesce(extract(epoch from $1 - (select received_at from inbox where parked_at is null order by id limit 1)), 0)
           ::float8 as inbox_age,
       (select count(*) from inbox where parked_at is not null)
       + (select count(*) from calls where parked_at is not null) as parked
"""
