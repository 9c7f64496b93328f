"""An import: rows that were uploaded, what has become of each, and the step that works them off.

The rows are in the database before anybody is told that they are taken. A batch of them takes effect, and is marked as
done, in one transaction: whatever dies meanwhile, each row takes effect once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal

import orjson
from chassis.context import Context
from chassis.database import is_away
from chassis.http import invalid
from chassis.jobs import Job
from chassis.service import Service
from chassis.unit import Unit
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.bulk.applying import Result, State
from catalog.bulk.reading import Row, unstorable
from catalog.bulk.storing import Raced, load, store
from catalog.tables import import_rows, imports

Status = Literal["waiting", "running", "done", "failed"]

MOST_ROWS = 10_000
BATCH = 200
"""Rows a transaction."""
KEPT = timedelta(days=30)

OLDEST = "SELECT id, atomic FROM imports WHERE finished_at IS NULL ORDER BY created_at, id LIMIT 1"
OPEN = "SELECT finished_at IS NULL FROM imports WHERE id = $1"
HOLD = text("SELECT id FROM imports WHERE id = :id AND finished_at IS NULL FOR UPDATE SKIP LOCKED")
WAITING = text("""
SELECT number, data FROM import_rows WHERE import_id = :id AND state = 'waiting' AND number > :after
ORDER BY number LIMIT :most
""")
MARK = text("""
UPDATE import_rows SET state = done.state, product_id = done.product_id, errors = CAST(done.errors AS jsonb),
    data = null
FROM unnest(CAST(:numbers AS integer[]), CAST(:states AS text[]), CAST(:products AS text[]), CAST(:errors AS text[]))
    AS done (number, state, product_id, errors)
WHERE import_id = :id AND import_rows.number = done.number
""")
BROKEN = text("SELECT EXISTS (SELECT FROM import_rows WHERE import_id = :id AND state = 'failed')")
STATUS = text("UPDATE imports SET status = :status, finished_at = :finished_at WHERE id = :id")
COUNTED = text("""
SELECT i.*, (SELECT json_object_agg(state, count)::text FROM (
    SELECT state, count(*) FROM import_rows WHERE import_id = i.id GROUP BY state) AS counted) AS counts
FROM imports i WHERE id = :id
""")
RESULTS = text("""
SELECT number, state, product_id, errors::text AS errors FROM import_rows
WHERE import_id = :id AND (CAST(:state AS text) IS NULL OR state = :state) ORDER BY number LIMIT :limit OFFSET :offset
""")
FORGET = "DELETE FROM imports WHERE finished_at < $1"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: ``counts`` by the rows' state."""

    id: str
    status: Status
    atomic: bool
    total: int
    counts: dict[str, int]
    created_at: datetime
    finished_at: datetime | None


async def take(unit: Unit, id_: str, rows: Iterator[Row], *, atomic: bool, by: str) -> int:
    """Keep what was uploaded, as it is read; how many rows there are. 422 for none, or too many."""
    row = {"id": id_, "status": "waiting", "atomic": atomic, "created_by": by, "total": 0, "created_at": unit.now}
    await unit.sql.execute(insert(imports).values(row))
    total = 0
    while part := list(islice(rows, BATCH)):
        if total + len(part) > MOST_ROWS:
            raise invalid("/items", f"must have {MOST_ROWS} rows at most")
        await unit.sql.execute(insert(import_rows), [_kept(id_, n, row) for n, row in enumerate(part, total + 1)])
        total += len(part)
    if not total:
        raise invalid("/items", "must have at least one row")
    await unit.sql.execute(imports.update().where(imports.c.id == id_).values(total=total))
    return total


def _kept(id_: str, number: int, row: Row) -> dict[str, Any]:
    if wrong := unstorable(row):
        return {"import_id": id_, "number": number, "state": "failed", "data": None, "errors": [wrong]}
    return {"import_id": id_, "number": number, "state": "waiting", "data": row, "errors": None}


async def is_open(service: Service, id_: str) -> bool:
    """Whether something of it is still to be done."""
    return bool(await service.database.pool.fetchval(OPEN, id_))


async def work(service: Service) -> int:
    """One batch of the oldest import, a step of the service's loop; how many rows it had."""
    row = await service.database.pool.fetchrow(OLDEST)
    return 0 if row is None else await work_on(service, row["id"], atomic=row["atomic"])


async def work_on(service: Service, id_: str, *, atomic: bool) -> int:
    """One batch of this import, an atomic one whole; 0 where another replica is at it."""
    try:
        rows = await (_whole(service, id_) if atomic else _part(service, id_, BATCH))
    except Raced:
        return 1
    except DBAPIError as error:
        if is_away(error) or atomic:
            raise
        # One row that the database will not have must not hold up the others.
        rows = await _part(service, id_, 1)
    service.app.state.answers.drop()
    return rows


async def _part(service: Service, id_: str, most: int) -> int:
    try:
        async with service.unit(Context(id_, id_, id_)) as unit:
            if await unit.sql.scalar(HOLD, {"id": id_}) is None:
                return 0
            rows = await _waiting(unit.sql, id_, 0, most)
            if rows:
                await _mark(unit.sql, id_, await _applied(unit, rows))
            done = len(rows) < most
            await _status(unit, id_, "done" if done else "running", finished=done)
            return max(1, len(rows))
    except DBAPIError as error:
        if is_away(error) or most > 1:
            raise
        await _refuse_next(service, id_)
        return 1


async def _refuse_next(service: Service, id_: str) -> None:
    async with service.database.engine.begin() as sql:
        ((number, _),) = await _waiting(sql, id_, 0, 1)
        await _mark(sql, id_, {number: Result(State.failed, errors=[("", "has a value that cannot be stored")])})


async def _whole(service: Service, id_: str) -> int:
    """All rows in one transaction; where one fails, none takes effect, and each says why or that it was skipped."""
    results: dict[int, Result] = {}
    try:
        async with service.unit(Context(id_, id_, id_)) as unit:
            if await unit.sql.scalar(HOLD, {"id": id_}) is None:
                return 0
            broken = await unit.sql.scalar(BROKEN, {"id": id_})
            while rows := await _waiting(unit.sql, id_, max(results, default=0), BATCH):
                results |= await _applied(unit, rows)
            if broken or any(each.state is State.failed for each in results.values()):
                raise _Nothing
            await _mark(unit.sql, id_, results)
            await _status(unit, id_, "done", finished=True)
    except _Nothing:
        async with service.unit(Context(id_, id_, id_)) as unit:
            skipped = Result(State.skipped)
            none = {n: each if each.state is State.failed else skipped for n, each in results.items()}
            await _mark(unit.sql, id_, none)
            await _status(unit, id_, "failed", finished=True)
    return len(results) or 1


class _Nothing(Exception):
    """None of it takes effect."""


async def _waiting(sql: AsyncConnection, id_: str, after: int, most: int) -> list[tuple[int, dict[str, Any]]]:
    found = await sql.execute(WAITING, {"id": id_, "after": after, "most": most})
    return [(row.number, row.data if isinstance(row.data, dict) else orjson.loads(row.data)) for row in found]


async def _applied(unit: Unit, rows: Sequence[tuple[int, dict[str, Any]]]) -> dict[int, Result]:
    batch = await load(unit, [data for _, data in rows], unit.service.settings.shop_currency)
    results = {number: batch.apply(data) for number, data in rows}
    await store(unit, batch)
    return results


async def _mark(sql: AsyncConnection, id_: str, results: dict[int, Result]) -> None:
    done = {
        "numbers": list(results),
        "states": [each.state.value for each in results.values()],
        "products": [each.product_id for each in results.values()],
        "errors": [orjson.dumps(each.errors).decode() if each.errors else None for each in results.values()],
    }
    await sql.execute(MARK, {"id": id_, **done})


async def _status(unit: Unit, id_: str, status: str, *, finished: bool) -> None:
    at = unit.now if finished else None
    await unit.sql.execute(STATUS, {"id": id_, "status": status, "finished_at": at})


async def progress(sql: AsyncConnection, id_: str) -> Progress | None:
    """How far an import is."""
    row = (await sql.execute(COUNTED, {"id": id_})).first()
    if row is None:
        return None
    counts: dict[str, int] = orjson.loads(row.counts)
    return Progress(row.id, row.status, row.atomic, row.total, counts, row.created_at, row.finished_at)


async def results(
    sql: AsyncConnection, id_: str, state: State | None, limit: int, offset: int
) -> list[tuple[int, Result]]:
    """One page of what has become of its rows."""
    found = await sql.execute(RESULTS, {"id": id_, "state": state and state.value, "limit": limit, "offset": offset})
    return [
        (
            row.number,
            Result(State(row.state), row.product_id, [tuple(each) for each in orjson.loads(row.errors or "[]")]),
        )
        for row in found
    ]


async def forget(service: Service) -> str:
    """Delete imports that ended long ago."""
    gone = await service.database.pool.execute(FORGET, service.world.clock() - KEPT)
    return f"deleted {gone.rpartition(' ')[2]} imports"


FORGET_IMPORTS = Job("forget-imports", forget, every=timedelta(hours=6))
