"""Writing a whole batch with one statement.

Every table gets one JSON array and one ``insert … select … from json_populate_recordset``; the parts are CTEs of one
statement, so a command costs one round trip and is atomic without BEGIN and COMMIT. The main query counts the appended
events first, and PostgreSQL runs what it refers to before the other parts: events come first, sorted by stream, so two
writers that meet wait for each other on the streams' primary key in the same order, and one of them loses there:
``Conflict``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

import orjson
import sqlalchemy as sa
from asyncpg import DeadlockDetectedError, DivisionByZeroError, SerializationError, UniqueViolationError
from soko_contracts import MESSAGES, Envelope
from soko_contracts.registry import Message

from chassis import tables, telemetry
from chassis.batch import Asking, Draft, Recorded, Sent, Timer, key_of
from chassis.codec import encode, encode_opening
from chassis.once import Once
from chassis.rows import Keep, Put, Remove, Row
from chassis.sealing import Connected, Default, Keyring, Opener, refuse_sealed

Json = dict[str, Any]


class Conflict(Exception):
    """Another transaction wrote the same stream, or the same unique row, first: decide again on fresh state."""


LOST_RACES = (UniqueViolationError, DeadlockDetectedError, SerializationError)


UNKNOWN_CALL = timedelta(minutes=1)


class Unmet(Conflict):
    """What a statement required was not so: nothing was written. ``keys`` are the subjects whose keys it required."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        super().__init__("what the statement required is not so")
        self.keys = frozenset(keys)


@dataclass(frozen=True, slots=True)
class Lease:
    """Calls may go out as soon as they are written: under this name, so long each (seconds by the name of a call)."""

    id: str
    lengths: Mapping[str, timedelta]


@dataclass(slots=True)
class Statement:
    """Parts of one statement, each with its own parameter ``$n``.

    After ``run``: ``written`` are the messages it put into the outbox, with their rows' ids; ``calls`` the calls that
    are leased to this process.
    """

    parts: dict[str, str] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list, repr=False)
    requires: list[str] = field(default_factory=list)
    sent: list[Envelope] = field(default_factory=list)
    written: list[tuple[int, Envelope]] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)
    keyring: Keyring | None = None
    believed: dict[str, bytes] = field(default_factory=dict, repr=False)

    def add(self, sql: str, *values: Any, name: str = "") -> None:
        """Add a part; each ``{}`` in it stands for its next parameter."""
        for value in values:
            sql = sql.replace("{}", self.value(value), 1)
        self.parts[name or f"p{len(self.parts)}"] = sql

    def add_rows(self, sql: str, rows: Sequence[Json], name: str = "") -> None:
        """Add a part whose parameter is a JSON array, unless it is empty."""
        if rows:
            self.add(sql, orjson.dumps(rows).decode(), name=name)

    def value(self, value: Any) -> str:
        """A parameter more; what stands for it in the text."""
        self.values.append(value)
        return f"${len(self.values)}"

    def require(self, condition: str) -> None:
        """Write nothing unless this SQL condition is true."""
        self.requires.append(condition)

    def believe_keys(self, keys: Mapping[str, bytes]) -> None:
        """Write nothing unless these subjects still have just these keys."""
        self.believed |= keys

    def believe_versions(self, versions: Mapping[str, int]) -> None:
        """Write nothing if one of these streams has moved on: what was decided on it is not proven by an append."""
        if versions:
            streams, at = self.value(list(versions)), self.value(list(versions.values()))
            self.require(NOT_MOVED.format(streams, at))

    def text(self) -> str:
        """The whole statement. It answers the ids of the outbox's new rows."""
        if self.believed:
            subjects, keys = self.value(list(self.believed)), self.value(list(self.believed.values()))
            self.require(STILL_THE_KEYS.format(subjects, keys))
        parts = ",\n".join(f"{name} as ({part})" for name, part in self.parts.items())
        counted = "(select count(*) from appended)" if "appended" in self.parts else "0"
        ids = "array(select id from outgoing)" if "outgoing" in self.parts else "null"
        # A false condition divides by zero: the one way for a single statement to take itself back.
        met = " and ".join(self.requires) or "true"
        return f"{'with ' * bool(parts)}{parts}\nselect {ids}, {counted}, 1 / ({met})::int"

    async def run(self, connection: Connected) -> None:
        """Raises Conflict on a lost race, and Unmet."""
        if not self.parts and not self.requires:
            return
        try:
            ids = await connection.fetchval(self.text(), *self.values)
        except LOST_RACES as lost:
            raise Conflict(str(lost)) from lost
        except DivisionByZeroError as unmet:
            if self.keyring is not None:
                self.keyring.drop(self.believed)
            raise Unmet(self.believed) from unmet
        self.written = list(zip(ids or (), self.sent, strict=True))


@cache
def insert(table: sa.Table, columns: tuple[str, ...] = (), conflict: str = "") -> str:
    """Insert a JSON array into ``columns`` of a table, all but identities by default."""
    names = columns or tuple(column.name for column in table.columns if column.identity is None)
    listed = ", ".join(names)
    return (
        f"insert into {table.name} ({listed}) "
        f"select {listed} from json_populate_recordset(null::{table.name}, {{}}::json) {conflict}"
    )


@cache
def upsert(table: sa.Table, columns: tuple[str, ...], newer_only: bool) -> str:
    """Insert, or replace these columns of the row with the same primary key."""
    key = key_of(table)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    conflict = f"on conflict ({', '.join(key)}) do " + (f"update set {changes}" if changes else "nothing")
    if newer_only:
        conflict += f" where {table.name}.sequence < excluded.sequence"
    return insert(table, columns, conflict)


@cache
def delete(table: sa.Table) -> str:
    """Delete the rows whose primary keys stand in a JSON array."""
    match = " and ".join(f"{table.name}.{name} = gone.{name}" for name in key_of(table))
    return f"delete from {table.name} using json_populate_recordset(null::{table.name}, {{}}::json) gone where {match}"


SET_TIMER = insert(
    tables.timers,
    (),
    "on conflict (stream, name) do update set due_at = excluded.due_at, type = excluded.type, data = excluded.data, "
    "correlationid = excluded.correlationid, causationid = excluded.causationid",
)
KEEP_SNAPSHOT = upsert(tables.snapshots, ("stream", "version", "fold_version", "state"), False)
FORGET = "delete from subject_keys where subject = any({}::text[])"
NEW_KEYS = "insert into subject_keys (subject, key) select * from unnest({}::text[], {}::bytea[])"
# Both look each up by itself: as joins they could be planned, for good, to read a whole index.
STILL_THE_KEYS = """(
    select bool_and((select key from subject_keys where subject = one.subject) is not distinct from one.key)
    from unnest({}::text[], {}::bytea[]) one (subject, key))"""
NOT_MOVED = """(
    select bool_and(coalesce((select max(version) from events where stream = one.stream), 0) <= one.version)
    from unnest({}::text[], {}::int[]) one (stream, version))"""
OUTBOX = insert(tables.outbox) + " returning id"
CALLS = insert(tables.calls)
EVENTS = insert(tables.events) + " returning 1"
IDEMPOTENCY = insert(tables.idempotency)


EMPTY: Mapping[str, bytes] = MappingProxyType({})


async def statement(
    connection: Connected,
    draft: Draft,
    source: str,
    now: datetime,
    once: Once | None,
    lease: Lease | None = None,
    new_keys: Mapping[str, bytes] = EMPTY,
    keyring: Keyring | None = None,
) -> Statement:
    """The statement that writes ``draft``; its calls are leased at once where there is a ``lease``.

    ``new_keys`` are those of subjects that have been sealed for: they are written too, if anything is.

    The JSON is made with the keys that are kept in ``keyring``, which the statement then requires to be there still;
    and once more where there are sealed values of others, with their keys as they are now.
    """
    opener = Opener(new_keys, keyring)
    made = _statement(draft, source, now, once, lease, opener.default)
    if opener.unknown:
        read = await (keyring or Keyring()).read(connection, opener.unknown)
        opener = Opener({**new_keys, **read}, keyring)
        made = _statement(draft, source, now, once, lease, opener.default)
    made.keyring = keyring
    made.believe_keys(opener.believed)
    if new_keys and draft:
        made.add(NEW_KEYS, list(new_keys), list(new_keys.values()))
    return made


def _statement(
    draft: Draft, source: str, now: datetime, once: Once | None, lease: Lease | None, opened: Default
) -> Statement:
    made = Statement()
    events = sorted(draft.events, key=lambda recorded: (recorded.stream, recorded.version))
    made.add_rows(EVENTS, [_event(recorded, now) for recorded in events], "appended")
    for sql, rows in _row_parts(draft.rows.values()):
        made.add(sql, encode_opening(rows, opened).decode())
    made.add_rows(KEEP_SNAPSHOT, _snapshots(draft))
    made.sent = [_envelope(sent, source, now, opened) for sent in draft.sent]
    made.add_rows(OUTBOX, [_outgoing(envelope) for envelope in made.sent], "outgoing")
    made.add_rows(SET_TIMER, [_timer(timer) for timer in draft.timers.values()])
    made.calls = [_call(asking, now, lease, opened) for asking in draft.calls]
    made.add_rows(CALLS, [{**row, "request": orjson.Fragment(row["request"])} for row in made.calls])
    if lease is None:
        made.calls = []
    if draft.forgotten:
        made.add(FORGET, draft.forgotten)
    if once is not None:
        assert once.resource_id is not None, "an idempotency key is kept for the resource that its effect makes"
        kept = {"caller": once.caller, "route": once.route, "key": once.key, "created_at": now}
        made.add_rows(IDEMPOTENCY, [{**kept, "body_hash": once.body_hash, "resource_id": once.resource_id}])
    return made


def _row_parts(rows: Iterable[Row]) -> Iterable[tuple[str, list[Json]]]:
    """Rows of one shape go together, in the order of their keys so that writers of the same rows meet in order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        match row:
            case Put():
                sql = upsert(row.table, tuple(row.values), False)
            case Keep():
                sql = upsert(row.table, tuple(row.values), True)
            case Remove():
                sql = delete(row.table)
        groups.setdefault(sql, []).append(row)
    for sql in sorted(groups):
        key = key_of(groups[sql][0].table)
        yield (
            sql,
            [dict(row.values) for row in sorted(groups[sql], key=lambda row: [str(row.values[name]) for name in key])],
        )


def _event(recorded: Recorded, now: datetime) -> Json:
    return {
        "stream": recorded.stream,
        "version": recorded.version,
        "type": recorded.aggregate.codec.name(recorded.event),
        "data": orjson.Fragment(encode(recorded.event)),
        "meta": {
            "correlationid": recorded.cause.correlationid,
            "causationid": recorded.cause.causationid,
            "request_id": recorded.cause.request_id,
            **({"traceparent": recorded.cause.traceparent} if telemetry.tracing else {}),
        },
        "recorded_at": now,
    }


def _snapshots(draft: Draft) -> list[Json]:
    due: dict[str, Recorded] = {}
    for recorded in draft.events:
        every = recorded.aggregate.snapshot_every
        if every and recorded.version % every == 0:
            due[recorded.stream] = recorded
    return [
        {
            "stream": stream,
            "version": draft.held[stream].version,
            "fold_version": recorded.aggregate.fold_version,
            "state": orjson.Fragment(encode(draft.held[stream].state)),
        }
        for stream, recorded in sorted(due.items())
    ]


def message_data(message: Message, opened: Default) -> bytes:
    """A message's body: a command is opened, an event must have nothing to open."""
    return encode_opening(message, opened if message.KIND == "command" else refuse_sealed)


def _envelope(sent: Sent, source: str, now: datetime, opened: Default) -> Envelope:
    return Envelope(
        id=sent.message_id,
        source=source,
        type=sent.message.TYPE,
        time=now,
        subject=sent.subject,
        partitionkey=sent.subject,
        sequence=sent.sequence,
        correlationid=sent.cause.correlationid,
        causationid=sent.cause.causationid,
        traceparent=sent.cause.traceparent,
        data=message_data(sent.message, opened),
    )


def _outgoing(envelope: Envelope) -> Json:
    return {"kind": MESSAGES[envelope.type].KIND, **message_row(envelope)}


def message_row(envelope: Envelope) -> Json:
    """The columns of an outbox, published or inbox row that hold a message."""
    return {
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
    }


def _timer(timer: Timer) -> Json:
    return {
        "stream": timer.stream,
        "name": timer.after.name,
        "due_at": timer.after.at,
        "type": timer.aggregate.codec.name(timer.after.command),
        "data": orjson.Fragment(encode(timer.after.command)),
        "correlationid": timer.cause.correlationid,
        "causationid": timer.cause.causationid,
    }


def _call(asking: Asking, now: datetime, lease: Lease | None, opened: Default) -> Json:
    leased_until = lease and now + lease.lengths.get(asking.call.name, UNKNOWN_CALL)
    return {
        "id": asking.call_id,
        "name": asking.call.name,
        "stream": asking.stream,
        "key": asking.call.key,
        "request": encode_opening(asking.call.request, opened),
        "correlationid": asking.cause.correlationid,
        "causationid": asking.cause.causationid,
        "traceparent": asking.cause.traceparent,  # no column: a call that goes out at once takes it along
        "created_at": now,
        "due_at": leased_until or now,  # one that is leased is passed over by who looks for what is due
        "tries": 0 if lease is None else 1,
        "lease": lease and lease.id,
        "leased_until": leased_until,
        "error": None,
        "parked_at": None,
    }
