"""Taking messages in: each once for each subscription, safe in one statement before the sender is told.

Where a worker of this process is at hand, messages are worked off as they arrive (``arrivals``) and never lie in the
inbox at all. Everything else is stored here first: while no worker runs, when another process has it, and whenever
something about the messages is not plain.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from soko_contracts import Envelope

from chassis import metrics, telemetry
from chassis.codec import encode, members
from chassis.sealing import Connected, Keyring, Sealer
from chassis.subscriptions import Received, Subscription, received
from chassis.worker import told
from chassis.writing import message_row

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
    where ((message_id, subscription) in (select * from fresh)) is true
)
insert into inbox ({_COLUMNS})
select {_COLUMNS} from given where ((message_id, subscription) in (select * from fresh)) is true order by ordinality
"""  # rows for each (message, subscription) that was never seen before, and the keys that those were sealed with
# "is true" keeps the planner from making a join of it, which would compare each of hundreds with each.


@dataclass(slots=True)
class Arrival:
    """A message for one subscription: its inbox row, and what it says, unless that cannot be understood."""

    row: dict[str, Any]
    subscription: Subscription
    at: Received
    message: Any = None

    @property
    def sealed_for(self) -> str | None:
        """The subject under whose key its personal fields are sealed."""
        seals = self.subscription.seals
        return seals(self.message) if seals is not None and self.message is not None else None


async def receive(service: "Service", envelopes: Sequence[Envelope]) -> None:
    """Take messages in; what was seen before is left out.

    Raises while the database is away; the sender keeps them.
    """
    with telemetry.messages(service.name, "receive", envelopes) as taken:
        if not await service.arrivals.taken(taken):
            await store(service, taken)
            service.wake("worker")
    metrics.count(service.name, "received", envelopes)
    service.world.faults.reach("receive.stored")


async def store(service: "Service", envelopes: Sequence[Envelope]) -> None:
    """Store messages for every subscription that wants them, to be worked off from there."""
    while True:
        try:
            arrivals = list(arrivals_of(service, envelopes))
            if arrivals:
                async with service.database.pool.acquire() as connection:
                    keys = key_rows(arrivals, await seal(connection, service.keyring, arrivals))
                    rows = orjson.dumps([one.row for one in arrivals]).decode()
                    await connection.execute(RECEIVE, rows, orjson.dumps(keys).decode())
            return
        except asyncpg.UniqueViolationError:
            continue  # somebody made the key of one of our subjects at the same time: seal with theirs


def arrivals_of(service: "Service", envelopes: Sequence[Envelope]) -> Iterable[Arrival]:
    """One for each message and subscription.

    A message whose key cannot be computed is one too, under its partition key and with the error as its first try:
    nothing is lost because it could not be understood.
    """
    now = service.world.clock()
    known = set[tuple[str, str]]()
    for envelope in envelopes:
        for subscription in service.subscriptions.of(envelope.type):
            if (envelope.id, subscription.name) in known:
                continue
            known.add((envelope.id, subscription.name))
            row = {
                "subscription": subscription.name,
                **message_row(envelope),
                "received_at": now,
                "due_at": now,
                "tries": 0,
                "error": None,
            }
            one = Arrival(row, subscription, received(envelope, now))
            try:
                message = subscription.read(envelope)
                row["key"] = subscription.key(message, one.at)
                one.message = message
            except (ValueError, TypeError, KeyError, AttributeError, LookupError) as error:
                row |= {"key": envelope.partitionkey, "tries": 1, "error": told(error)}
            yield one


async def seal(
    connection: Connected, keyring: Keyring, arrivals: Iterable[Arrival], *, believing: bool = False
) -> Mapping[str, bytes]:
    """Seal the personal fields of messages, and in their rows; answers the keys it had to make, by subject.

    ``believing``: a subject whose message opens a new stream is taken to have no key, until it turns out to have one.
    """
    to_seal = [(one, subject) for one in arrivals if (subject := one.sealed_for) is not None]
    read = {subject for one, subject in to_seal if not (believing and one.subscription.new)}
    sealer = Sealer(await keyring.read(connection, read))
    for one, subject in to_seal:
        values = members(one.message)
        kind: type = type(one.message)
        for name in personal_fields(kind):
            if values[name] is not None:
                values[name] = sealer.seal(subject, values[name])
        one.message = kind(**values)
        one.row["data"] = orjson.Fragment(encode(values))
    return sealer.made


def key_rows(arrivals: Iterable[Arrival], keys: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The new keys, each with a row that needs it."""
    return [
        {
            "message_id": one.row["message_id"],
            "subscription": one.row["subscription"],
            "subject": subject,
            "key": base64.b64encode(keys[subject]).decode(),
        }
        for one in arrivals
        if (subject := one.sealed_for) in keys and subject is not None
    ]


@cache
def personal_fields(message: type) -> list[str]:
    """The fields of a contract that its sender may seal: those a receiver may have to seal again."""
    return [name for name, hint in message.__annotations__.items() if "Personal[" in str(hint) or "Sealed" in str(hint)]
