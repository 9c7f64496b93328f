"""What one service knows about one thing: what happened to it, what was done about it, and what is still to be done.

A thing is followed by its id, which names its streams, and by the correlation ids of the requests that moved it.
Streams that those requests touched belong to the story too: a payment's, when an order is asked for.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from chassis.parked import masked

if TYPE_CHECKING:
    from chassis.service import Service

MOST = 500
"""Entries of one kind that are told, the newest; and the most streams that are looked at."""

CORRELATIONS = "select distinct meta->>'correlationid' as id from events where stream = any($1::text[]) limit $2"
TOUCHED = """
select key from done where correlationid = any($1::text[])
union select key from inbox where correlationid = any($1) or partitionkey = $2
union select stream from calls where correlationid = any($1)
union select stream from timers where correlationid = any($1)
limit $3
"""
EVENTS = """
select * from (
    select 'event' as kind, recorded_at as at, type as name, stream as key, version, data,
           meta->>'correlationid' as correlationid, position
    from events where stream = any($1::text[]) order by position desc limit $2) newest
order by position
"""
HANDLED = """
select 'handled' as kind, finished_at as at, type as name, subscription as handler, key, tries, note, correlationid
from done where correlationid = any($1::text[]) order by id desc limit $2
"""
UNDONE = """
select case when parked_at is null then 'waiting' else 'parked' end as kind, received_at as at, type as name,
       subscription as handler, key, tries, error, due_at, parked_at, correlationid, 'message-' || id as letter
from inbox where correlationid = any($1::text[]) or key = any($2::text[]) or partitionkey = $3
union all
select case when parked_at is null then 'calling' else 'parked' end, created_at, name, name, stream, tries, error,
       due_at, parked_at, correlationid, 'call-' || id
from calls where correlationid = any($1) or stream = any($2)
union all
select 'sending', time, type, null, subject, 0, null, null, null, correlationid, null
from outbox where correlationid = any($1) or subject = $3
union all
select 'timer', due_at, name, null, stream, 0, null, due_at, null, correlationid, null
from timers where correlationid = any($1) or stream = any($2)
order by at limit $4
"""


async def told(service: "Service", id_: str, correlationids: Sequence[str]) -> list[dict[str, Any]]:
    """Everything the service's tables say about the thing ``id_``, in time order.

    ``kind`` is ``event`` (it happened), ``handled`` (a message was worked off; kept for 30 days), ``waiting`` or
    ``parked`` (it is in the inbox, or a call that was given up), ``calling``, ``sending`` (in the outbox) or
    ``timer`` (due at ``at``). Payloads show ids and codes, nothing personal.
    """
    kinds = {aggregate.decider.stream for aggregate in service.aggregates}
    own = [f"{kind}-{id_}" for kind in sorted(kinds)]
    async with service.database.pool.acquire() as connection:
        found = await connection.fetch(CORRELATIONS, own, MOST)
        followed = sorted({*correlationids, *(row["id"] for row in found if row["id"])})
        keys = await connection.fetch(TOUCHED, followed, id_, MOST)
        touched = sorted({row["key"] for row in keys if row["key"].partition("-")[0] in kinds}.union(own))
        events = [dict(row) for row in await connection.fetch(EVENTS, touched, MOST)]
        handled = await connection.fetch(HANDLED, followed, MOST)
        undone = await connection.fetch(UNDONE, followed, touched, id_, MOST)
    for event in events:
        event["data"] = masked(orjson.loads(event["data"]))
        del event["position"]
    entries = [*events, *map(dict, handled), *map(dict, undone)]
    return sorted(entries, key=lambda entry: entry["at"])
