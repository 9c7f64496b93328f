"""The public feed: every event of the shop, in an order that never changes.

A position is given when the row is committed and can be seen, never before: so whoever reads from a position on misses
nothing, however late another transaction commits. One sealer at a time gives them, by an advisory lock that is let go
after its commit is visible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from chassis.service import Service

LOCK = "select pg_try_advisory_xact_lock(hashtextextended('feed', 0))"
SEAL = """
with unsealed as (
    select message_id, source, subject, sequence, time from feed where position is null order by arrival limit $1
), ordered as (
    select message_id, row_number() over (order by moment, sequence, message_id) as n from (
        select message_id, sequence, max(time) over (partition by source, subject order by sequence) as moment
        from unsealed
    ) of_subjects
)
update feed set position = (select coalesce(max(position), 0) from feed) + ordered.n
from ordered where feed.message_id = ordered.message_id
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

BATCH = 1000


async def seal_once(service: Service) -> int:
    """Number what has come in. Answers whether there may be more: what comes now waits a moment, for company."""
    async with service.database.pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(LOCK):
            return 0
        sealed = int((await connection.execute(SEAL, BATCH)).rpartition(" ")[2])
        return int(sealed == BATCH)


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
