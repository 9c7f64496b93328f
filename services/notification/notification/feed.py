"""The public feed: every event of the shop, in an order that never changes.

A position is given when the event is committed and can be seen, never before: so whoever reads from a position on
misses nothing, however late another transaction commits. Events wait for theirs in ``unnumbered``, a table that stays
small, and move into ``feed`` with it, which is only ever added to. One at a time gives positions, by an advisory lock
that is let go after its commit is visible. An event that comes once more is in the feed already, and goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from chassis import numbering
from chassis.sealing import Connected
from chassis.service import Service

WAITING = "select exists (select from unnumbered)"
NUMBER = """
with taken as (
    delete from unnumbered where arrival in (select arrival from unnumbered order by arrival limit $1) returning *
), fresh as (
    select *, max(time) over (partition by source, subject order by sequence) as moment
    from taken where not exists (select from feed where feed.message_id = taken.message_id)
), told as (
    insert into feed (position, message_id, type, source, subject, sequence, time, correlationid, data)
    select (select coalesce(max(position), 0) from feed) + row_number() over (order by moment, sequence, message_id),
           message_id, type, source, subject, sequence, time, correlationid, data
    from fresh
)
select count(*) from taken
"""  # $1 rows at most. By time, but never two events of one subject against their sequence, whatever clocks say
READ = """
select position, message_id, type, source, subject, sequence, time, correlationid, data
from feed where position > $1 and position <= $2 order by position limit $3
"""  # $1 the last position known, $2 the newest there is, $3 rows at most
READ_TYPES = """
select position, message_id, type, source, subject, sequence, time, correlationid, data
from feed where position > $1 and position <= $2 and type = any($4::text[]) order by position limit $3
"""  # $4 event types
NEWEST = "select coalesce(max(position), 0) from feed"


async def number_once(service: Service) -> int:
    """Number what has come in. Answers whether there may be more: what comes now waits a moment, for company."""
    return await numbering.number_once(service, "feed", WAITING, _number)


async def _number(connection: Connected, most: int) -> int:
    numbered: int = await connection.fetchval(NUMBER, most)
    return numbered


@dataclass(frozen=True, slots=True)
class Page:
    """Events, and how far the feed was looked through for them: go on from ``position``."""

    rows: list[asyncpg.Record]
    position: int
    whole: bool


async def read(service: Service, after: int, types: Sequence[str], limit: int) -> Page:
    """Events behind a position, in order."""
    pool = service.database.pool
    newest = await pool.fetchval(NEWEST)
    if types:
        rows = await pool.fetch(READ_TYPES, after, newest, limit, list(types))
    else:
        rows = await pool.fetch(READ, after, newest, limit)
    if len(rows) == limit:
        return Page(rows, rows[-1]["position"], whole=False)
    return Page(rows, max(newest, after), whole=True)


def shown(row: asyncpg.Record) -> dict[str, Any]:
    """An event as readers get it."""
    members = {name: row[name] for name in ("position", "type", "source", "subject", "sequence", "time")}
    return {
        **members,
        "id": row["message_id"],
        "correlationid": row["correlationid"],
        "data": orjson.loads(row["data"]),
    }
