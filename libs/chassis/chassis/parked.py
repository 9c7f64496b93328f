"""Messages and calls that were given up: seen, replayed or dropped by an operator.

Payloads are shown without what is personal or secret: values become their type, keys and ids stay.
"""

from datetime import datetime
from typing import Any

import orjson

from chassis.sealing import Connected

LIST = """
select 'message-' || id as id, type as name, subscription as handler, key, tries, error, received_at as since,
       parked_at, correlationid, data
from inbox where parked_at is not null
union all
select 'call-' || id, name, name, key, tries, error, created_at, parked_at, correlationid, request
from calls where parked_at is not null
order by parked_at, id limit $1
"""
REPLAY_MESSAGE = """
update inbox set parked_at = null, tries = 0, due_at = $2
where id = $1::bigint and parked_at is not null returning id
"""
REPLAY_CALL = """
update calls set parked_at = null, tries = 0, due_at = $2 where id = $1 and parked_at is not null returning id
"""
DROP_MESSAGE = """
with gone as (delete from inbox where id = $1::bigint and parked_at is not null returning *)
insert into done (id, message_id, subscription, type, key, correlationid, tries, received_at, finished_at, note)
select id, message_id, subscription, type, key, correlationid, tries, received_at, $2, 'dropped' from gone returning id
"""
DROP_CALL = "delete from calls where id = $1 and parked_at is not null returning id"
SHOWN = frozenset(("id", "sku", "reason", "method", "kind", "status", "currency", "number"))


async def parked(connection: Connected, limit: int = 100) -> list[dict[str, Any]]:
    """What is parked, oldest first."""
    rows = [dict(row) for row in await connection.fetch(LIST, limit)]
    for row in rows:
        row["data"] = masked(orjson.loads(row["data"]))
    return rows


def masked(value: Any, name: str = "") -> Any:
    """The shape of a payload, with ids and codes but nothing personal or secret."""
    if isinstance(value, dict):
        return {key: masked(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [masked(part, name) for part in value]
    if value is None or isinstance(value, bool | int) or name in SHOWN or name.endswith("_id"):
        return value
    return f"({type(value).__name__})"


async def replay(connection: Connected, id_: str, now: datetime) -> bool:
    """Try it again, from the first try; false when nothing is parked under this id."""
    kind, _, key = id_.partition("-")
    if kind == "message" and key.isdigit():
        return await connection.fetchval(REPLAY_MESSAGE, int(key), now) is not None
    return kind == "call" and await connection.fetchval(REPLAY_CALL, key, now) is not None


async def drop(connection: Connected, id_: str, now: datetime) -> bool:
    """Give it up for good: later messages of its key go on. ``done`` remembers a message that was dropped."""
    kind, _, key = id_.partition("-")
    if kind == "message" and key.isdigit():
        return await connection.fetchval(DROP_MESSAGE, int(key), now) is not None
    return kind == "call" and await connection.fetchval(DROP_CALL, key) is not None
