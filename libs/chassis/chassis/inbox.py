"""Taking messages in: stored once for each subscription, in one statement, before the sender is told."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson
from soko_contracts import Envelope

from chassis.codec import encode, members
from chassis.sealing import Connected, seal
from chassis.subscriptions import Subscription, message_in, received

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
)
insert into inbox ({_COLUMNS})
select {_COLUMNS} from given join fresh using (message_id, subscription) order by ordinality
"""  # rows for each (message, subscription) that was never seen before


async def receive(service: "Service", envelopes: Sequence[Envelope]) -> None:
    """Store messages for every subscription that wants them; what was seen before is left out.

    A message whose key cannot be computed is stored too, under its partition key and with the error as its first try:
    nothing is lost because it could not be understood. Raises while the database is away; the sender keeps them.
    """
    now = service.world.clock()
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    async with service.database.pool.acquire() as connection:
        for envelope in envelopes:
            for subscription in service.subscriptions.of(envelope.type):
                row = {
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
                        row["data"] = orjson.Fragment(await _sealed(connection, subscription, message))
                except (ValueError, TypeError, KeyError, AttributeError, LookupError) as error:
                    row |= {"key": envelope.partitionkey, "tries": 1, "error": repr(error)}
                rows.setdefault((envelope.id, subscription.name), row)
        if rows:
            await connection.execute(RECEIVE, orjson.dumps(list(rows.values())).decode())
    service.world.faults.reach("receive.stored")
    service.wake_worker()


async def _sealed(connection: Connected, subscription: Subscription, message: Any) -> bytes:
    """The message with its personal fields sealed under the key of the subject that the subscription names."""
    assert subscription.seals is not None
    subject = subscription.seals(message)
    values = members(message)
    for name in personal_fields(type(message)):
        if values[name] is not None:
            values[name] = await seal(connection, subject, values[name])
    return encode(values)


def personal_fields(message: type[Any]) -> list[str]:
    """The fields of a contract that its sender may seal: those a receiver may have to seal again."""
    return [name for name, hint in message.__annotations__.items() if "Personal[" in str(hint) or "Sealed" in str(hint)]
