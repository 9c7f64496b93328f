"""Recurring jobs: named, in a table, one run across replicas, the last result kept."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cronsim import CronSim

from chassis import idempotency, metrics
from chassis.worker import told
from chassis.world import uuid7

if TYPE_CHECKING:
    from chassis.service import Service

log = logging.getLogger(__name__)

LONGEST = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Job:
    """``run`` does one round and says in a few words what it did; ``every`` so often, or by ``cron`` (UTC)."""

    name: str
    run: Callable[["Service"], Awaitable[str]]
    every: timedelta | None = None
    cron: str | None = None

    def next_after(self, now: datetime) -> datetime:
        """When it runs next."""
        if self.every is not None:
            return now + self.every
        assert self.cron is not None
        return next(CronSim(self.cron, now))

    @property
    def schedule(self) -> str:
        """When it runs, for people: ``every 0:10:00``, or the cron line."""
        return f"every {self.every}" if self.every is not None else str(self.cron)


MAKE = "insert into jobs (name, next_at) values ($1, $2) on conflict (name) do nothing"
CLAIM = """
update jobs set leased_until = $2, last_started_at = $1
where name = (select name from jobs where name = any($3::text[]) and next_at <= $1
              and (leased_until is null or leased_until <= $1) order by next_at limit 1 for update skip locked)
returning name
"""
END = """
update jobs set leased_until = null, last_finished_at = $2, last_result = $3, last_error = $4,
       next_at = case when enabled then $5::timestamptz else 'infinity' end
where name = $1
"""
# A disabled job is due at infinity: it still runs when somebody starts it, once.
ENABLE = """
update jobs set enabled = $2, next_at = case when $2 then $3::timestamptz else 'infinity' end where name = $1
"""
START_NOW = "update jobs set next_at = $2 where name = $1"
LIST = """
select name, enabled, case when next_at < 'infinity' then next_at end as next_at, leased_until > $2 as running,
       last_started_at, last_finished_at, last_result, last_error
from jobs where name = any($1::text[]) order by name
"""

KEPT_DONE = timedelta(days=30)
SWEPT = 10_000
"""Rows that one statement deletes at most, so that none takes long."""
SWEEP_DONE = f"delete from done where id in (select id from done where finished_at < $1 order by id limit {SWEPT})"
# ids of messages are UUIDv7, which begin with their time; timers have other ids and are never seen twice
SWEEP_SEEN = f"""
delete from seen where (message_id, subscription) in (
    select message_id, subscription from seen where message_id < $1 order by message_id limit {SWEPT})
"""


async def sweep(service: "Service") -> str:
    """Delete what has outlived its use: idempotency keys after a day, ``done`` and ``seen`` after thirty."""
    now = service.world.clock()
    oldest_id = uuid7(int((now - KEPT_DONE).timestamp() * 1000), 0)
    keys = await service.database.pool.execute(idempotency.FORGET, now - idempotency.KEPT)
    done = await _delete(service, SWEEP_DONE, now - KEPT_DONE)
    seen = await _delete(service, SWEEP_SEEN, oldest_id)
    return f"deleted {keys.rpartition(' ')[2]} idempotency keys, {done} done, {seen} seen"


async def _delete(service: "Service", sql: str, before: Any) -> int:
    """Again and again until nothing is left: a busy shop makes more in ten minutes than one statement takes."""
    deleted, some = 0, SWEPT
    while some == SWEPT:
        some = int((await service.database.pool.execute(sql, before)).rpartition(" ")[2])
        deleted += some
    return deleted


SWEEP = Job("sweep", sweep, every=timedelta(minutes=10))


class Jobs:
    """``once()`` runs one job that is due."""

    def __init__(self, service: "Service", jobs: Sequence[Job]) -> None:
        self._service = service
        self._jobs = {job.name: job for job in jobs}

    async def make(self) -> None:
        """See that every job has its row."""
        now = self._service.world.clock()
        for job in self._jobs.values():
            await self._service.database.pool.execute(MAKE, job.name, job.next_after(now))

    async def once(self) -> int:
        """Run one job that is due; 1 if there was one."""
        service = self._service
        now = service.world.clock()
        name = await service.database.pool.fetchval(CLAIM, now, now + LONGEST, list(self._jobs))
        if name is None:
            return 0
        result, error, began = None, None, time.perf_counter()
        try:
            result = await self._jobs[name].run(service)
        except Exception as failed:
            log.exception("a job failed", extra={"job": name})
            error = told(failed)
        outcome = "failed" if error else "finished"
        metrics.handled(service.name, f"job {name}", outcome, time.perf_counter() - began)
        now = service.world.clock()
        await service.database.pool.execute(END, name, now, result, error, self._jobs[name].next_after(now))
        return 1

    async def start(self, name: str) -> bool:
        """Make a job due now, wherever it will run; false when there is none of that name."""
        return name in self._jobs and await self._changed(START_NOW, name, self._service.world.clock())

    async def enable(self, name: str, enabled: bool) -> bool:
        """Have a job run by its schedule, or only when it is started; false when there is none of that name."""
        if name not in self._jobs:
            return False
        return await self._changed(ENABLE, name, enabled, self._jobs[name].next_after(self._service.world.clock()))

    async def _changed(self, sql: str, *values: Any) -> bool:
        return not (await self._service.database.pool.execute(sql, *values)).endswith(" 0")

    async def list(self) -> list[dict[str, Any]]:
        """Every job with its schedule and its last run; ``next_at`` is None for one that is disabled."""
        found = await self._service.database.pool.fetch(LIST, list(self._jobs), self._service.world.clock())
        return [{**row, "running": bool(row["running"]), "schedule": self._jobs[row["name"]].schedule} for row in found]
