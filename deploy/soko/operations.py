"""Looking into a shop's services and repairing them, beside the running shop or without it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from chassis import parked
from chassis.rebuild import Rebuild, Rebuilt
from chassis.servers import ServerFailed
from chassis.service import Service
from chassis.worker import envelope_of
from chassis.world import World

from soko.home import Home
from soko.services import known, load

EVENTS = """
select position, stream, version, type, data, recorded_at from events
where position > $1 and ($2::text is null or stream = $2 or stream like '%-' || $2)
order by position limit $3
"""
NEWEST = """
select coalesce(min(position), 0) - 1 from (select position from events
where ($1::text is null or stream = $1 or stream like '%-' || $1) order by position desc limit $2) newest
"""
PUBLISHED = "select count(*) from published where type = any($1::text[])"
PUBLISHED_PAGE = "select * from published where id > $1 and type = any($2::text[]) order by id limit $3"
PAGE = 500
FOLLOW_SECONDS = 0.5
JOB_SECONDS = 300


@asynccontextmanager
async def opened(name: str) -> AsyncIterator[Service]:
    """The service with its database, and nothing of it running."""
    kind = load(known(name))
    service = kind.build(kind.settings(), World())
    await service.database.start()
    try:
        yield service
    finally:
        await service.stop()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A parked message or call: ``id`` names it for all commands (``order-message-12``), as for ``/ops``."""

    id: str
    row: dict[str, Any]


async def dead_letters(services: Sequence[str]) -> list[DeadLetter]:
    """What is parked, payloads without what is personal or secret."""
    found = []
    for name in services:
        async with opened(name) as service, service.database.pool.acquire() as connection:
            for row in await parked.parked(connection, 10_000):
                del row["total"]
                found.append(DeadLetter(f"{name}-{row['id']}", row))
    return found


def missing_letter(id_: str) -> ServerFailed:
    return ServerFailed(f"Nothing is parked as {id_}: soko dead-letters list shows what is.")


async def settle_dead_letter(id_: str, *, replay: bool) -> None:
    """Try a parked message again, or give it up. Raises ``ServerFailed`` when there is none of this id."""
    name, _, parked_id = id_.partition("-")
    act = parked.replay if replay else parked.drop
    async with opened(name) as service, service.database.pool.acquire() as connection:
        if not await act(connection, parked_id, service.world.clock()):
            raise missing_letter(id_)


async def events(name: str, stream: str | None, follow: bool, newest: int, show: Callable[[Any], None]) -> None:
    """Show the ``newest`` events, of one stream (its name or its id) or all; then, with ``follow``, what comes."""
    async with opened(name) as service:
        pool = service.database.pool
        position = await pool.fetchval(NEWEST, stream, newest)
        while True:
            page = await pool.fetch(EVENTS, position, stream, PAGE)
            for row in page:
                show(row)
                position = row["position"]
            if not page:
                if not follow:
                    return
                await asyncio.sleep(FOLLOW_SECONDS)


async def republish(name: str, to: str, types: Sequence[str], progress: Callable[[int, int], None]) -> int:
    """Give ``to`` what ``name`` has published (of these types; all it subscribes to where none are named); how many.

    The same messages with the same ids go straight into that one inbox, never to the exchange: nobody else hears them
    again, and what ``to`` has seen already it leaves out.
    """
    async with opened(name) as source, opened(to) as target:
        wanted = sorted(target.subscriptions.types & (set(types) or target.subscriptions.types))
        if unknown := set(types) - target.subscriptions.types:
            raise ServerFailed(f"{to} does not subscribe to {', '.join(sorted(unknown))}.")
        total = await source.database.pool.fetchval(PUBLISHED, wanted)
        position = sent = 0
        while page := await source.database.pool.fetch(PUBLISHED_PAGE, position, wanted, PAGE):
            await target.receive([envelope_of(row) for row in page])
            position, sent = page[-1]["id"], sent + len(page)
            progress(sent, total)
        return sent


async def rebuild(name: str, progress: Callable[[int, int], None]) -> list[Rebuilt]:
    """Make the service's views anew from its events, beside live traffic."""
    async with opened(name) as service:
        return await Rebuild(service, progress).run()


async def jobs(services: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Every recurring job with its schedule and last run."""
    found = []
    for name in services:
        async with opened(name) as service:
            found += [(name, row) for row in await service.jobs.list()]
    return found


async def run_job(home: Home, name: str, job: str) -> dict[str, Any]:
    """Run a job now: where the shop runs, else here. Returns its row after the run."""
    async with opened(name) as service:
        began = service.world.clock()
        if not await service.jobs.start(job):
            there = ", ".join(row["name"] for row in await service.jobs.list())
            raise ServerFailed(f"{name} has no job {job!r}: {there or 'the shop has not run yet'}.")
        until = time.monotonic() + JOB_SECONDS
        while time.monotonic() < until:
            if home.holder() is None:
                await service.jobs_once()
            row = next(row for row in await service.jobs.list() if row["name"] == job)
            if row["last_finished_at"] and row["last_finished_at"] >= began:
                return row
            await asyncio.sleep(0.2)
        raise ServerFailed(f"{name}'s job {job} has not ended within {JOB_SECONDS} s; jobs list shows when it has.")
