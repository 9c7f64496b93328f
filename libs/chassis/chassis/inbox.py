"""Taking messages in: stored once for each subscription, in one statement, before the sender is told."""

import base64
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from soko_contracts import Envelope

from chassis import telemetry
from chassis.codec import encode, members
from chassis.sealing import Connected, Sealer
from chassis.subscriptions import message_in, received
from chassis.worker import told

if TYPE_CHECKING:
    from chassis.service import Service

_COLUMNS = (
    "subscription, key, message_id, type, source, subject, partitionkey, sequence, time, "
    "correlationid, causationid, traceparent, data, received_at, due_at, tries, error"
)
RECEIVE = f"""
with given as (
    select * from json_populate_recordset(null::inbox, $1::json) with ordinality
), fresh as (
    insert into seen (message_id, subscription)
    select message_id, subscription from given
    on conflict do nothing
    returning message_id, subscription
), keys as (
    insert into subject_keys (subject, key)
    select distinct subject, decode(key, 'base64')
    from json_to_recordset($2::json) made (message_id text, subscription text, subject text, key text)
    join fresh using (message_id, subscription)
)
insert into inbox ({_COLUMNS})
select {_COLUMNS} from given join fresh using (message_id, subscription) order by ordinality
"""  # rows for each (message, subscription) that was never seen before, and the keys that those were sealed with


async def receive(service: "Service", envelopes: Sequence[Envelope]) -> None:
    """Store messages for every subscription that wants them; what was seen before is left out.

    A message whose key cannot be computed is stored too, under its partition key and with the error as its first try:
    nothing is lost because it could not be understood. Raises while the database is away; the sender keeps them.
    """
    with telemetry.messages(service.name, "receive", envelopes) as received_now:
        while True:
            try:
                await _store(service, received_now)
                break
            except asyncpg.UniqueViolationError:
                continue  # somebody made the key of one of our subjects at the same time: seal with theirs
    service.world.faults.reach("receive.stored")
    service.wake_worker()


async def _store(service: "Service", envelopes: Sequence[Envelope]) -> None:
    now = service.world.clock()
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    to_seal: list[tuple[dict[str, Any], str, Any]] = []
    for envelope in envelopes:
        for subscription in service.subscriptions.of(envelope.type):
            if (envelope.id, subscription.name) in rows:
                continue
            row = rows[envelope.id, subscription.name] = {
                "subscription": subscription.name,
                "message_id": envelope.id,
                "type": envelope.type,
                "source": envelope.source,
                "subject": envelope.subject,
                "partitionkey": envelope.partitionkey,
                "sequence": envelope.sequence,
                "time": envelope.time,
                "correlationid": envelope.correlationid,
                "causationid": envelope.causationid,
                "traceparent": envelope.traceparent,
                "data": orjson.Fragment(envelope.data),
                "received_at": now,
                "due_at": now,
                "tries": 0,
                "error": None,
            }
            try:
                message = message_in(envelope)
                row["key"] = subscription.key(message, received(envelope, now))
                if subscription.seals is not None:
                    to_seal.append((row, subscription.seals(message), message))
            except (ValueError, TypeError, KeyError, AttributeError, LookupError) as error:
                row |= {"key": envelope.partitionkey, "tries": 1, "error": told(error)}
    if rows:
        async with service.database.pool.acquire() as connection:
            keys = await _seal(connection, to_seal)
            await connection.execute(RECEIVE, orjson.dumps(list(rows.values())).decode(), orjson.dumps(keys).decode())


async def _seal(connection: Connected, to_seal: Sequence[tuple[dict[str, Any], str, Any]]) -> list[dict[str, Any]]:
    """Seal the personal fields of messages in their rows; answers the keys it made, with each row that needs one."""
    sealer = await Sealer.of(connection, (subject for _, subject, _ in to_seal))
    keys = []
    for row, subject, message in to_seal:
        values = members(message)
        kind: type = type(message)
        for name in personal_fields(kind):
            if values[name] is not None:
                values[name] = sealer.seal(subject, values[name])
        row["data"] = orjson.Fragment(encode(values))
        if subject in sealer.made:
            key = base64.b64encode(sealer.made[subject]).decode()
            names = {"message_id": row["message_id"], "subscription": row["subscription"]}
            keys.append({**names, "subject": subject, "key": key})
    return keys


@cache
def personal_fields(message: type) -> list[str]:
    """The fields of a contract that its sender may seal: those a receiver may have to seal again."""
    return [name for name, hint in message.__annotations__.items() if "Personal[" in str(hint) or "Sealed" in str(hint)]
