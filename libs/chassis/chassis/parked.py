"""Messages and calls that were given up: seen, replayed or dropped by an operator.

Payloads are shown without what is personal or secret: values become their type, keys and ids stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from chassis.sealing import Connected

LIST = """
select *, count(*) over () as total from (
    select 'message-' || id as id, type as name, subscription as handler, key, tries, error, received_at as since,
           parked_at, correlationid, data
    from inbox where parked_at is not null
    union all
    select 'call-' || id, name, name, key, tries, error, created_at, parked_at, correlationid, request
    from calls where parked_at is not null) parked
where ($2::text[] is null or name = any($2)) and ($3::text[] is null or key = any($3))
  and ($4::timestamptz is null or parked_at >= $4) and ($5::timestamptz is null or parked_at < $5)
order by parked_at{descending}, id{descending} limit $1
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
LARGEST = 2**63 - 1
SHOWN = frozenset(("id", "sku", "reason", "method", "kind", "status", "currency", "number"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them: any of the names (of messages or calls), any of the keys, parked from ``after`` to ``before``."""

    names: Sequence[str] | None = None
    keys: Sequence[str] | None = None
    after: datetime | None = None
    before: datetime | None = None


async def parked(
    connection: Connected, limit: int = 100, wanted: Wanted | None = None, *, newest_first: bool = False
) -> list[dict[str, Any]]:
    """What is parked, oldest first; each row also says how many there are in ``total``."""
    wanted = wanted or Wanted()
    sql = LIST.format(descending=" desc" if newest_first else "")
    found = await connection.fetch(sql, limit, wanted.names, wanted.keys, wanted.after, wanted.before)
    return [{**row, "data": masked(orjson.loads(row["data"]))} for row in found]


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
    return await _settle(connection, id_, now, REPLAY_MESSAGE, REPLAY_CALL)


async def drop(connection: Connected, id_: str, now: datetime) -> bool:
    """Give it up for good: later messages of its key go on. ``done`` remembers a message that was dropped."""
    return await _settle(connection, id_, now, DROP_MESSAGE, DROP_CALL)


async def _settle(connection: Connected, id_: str, now: datetime, message: str, call: str) -> bool:
    kind, _, key = id_.partition("-")
    if kind == "message" and key.isascii() and key.isdecimal() and int(key) <= LARGEST:
        return await connection.fetchval(message, int(key), now) is not None
    if kind == "call":
        given = (key, now) if "$2" in call else (key,)
        return await connection.fetchval(call, *given) is not None
    return False
