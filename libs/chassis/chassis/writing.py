"""Writing a whole batch with one statement.

Every table gets one JSON array and one ``insert … select … from json_populate_recordset``; the parts are CTEs of one
statement, so a command costs one round trip and is atomic without BEGIN and COMMIT. PostgreSQL runs the main query,
here always the append, before the parts nothing refers to: events come first, sorted by stream, so two writers that
meet wait for each other on the streams' primary key in the same order, and one of them loses there: ``Conflict``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from asyncpg import DeadlockDetectedError, SerializationError, UniqueViolationError
from soko_contracts.registry import Message

from chassis import tables, telemetry
from chassis.batch import Asking, Draft, Recorded, Sent, Timer
from chassis.codec import encode, encode_opening
from chassis.once import Once
from chassis.rows import Keep, Put, Remove, Row
from chassis.sealing import Connected, Default, Finder, Opener, refuse_sealed

Json = dict[str, Any]


class Conflict(Exception):
    """Another transaction wrote the same stream, or the same unique row, first: decide again on fresh state."""


LOST_RACES = (UniqueViolationError, DeadlockDetectedError, SerializationError)


@dataclass(slots=True)
class Statement:
    """Parts of one statement, each with its own parameter ``$n``."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, sql: str, value: Any) -> None:
        """Add a part; ``{}`` in it stands for its parameter."""
        self.values.append(value)
        self.parts.append(sql.replace("{}", f"${len(self.values)}"))

    def add_rows(self, sql: str, rows: Sequence[Json]) -> None:
        """Add a part whose parameter is a JSON array, unless it is empty."""
        if rows:
            self.add(sql, orjson.dumps(rows).decode())

    def text(self) -> str:
        """The first part is the main query, the others run after it."""
        if not self.parts:
            return "select 1"
        main, *others = self.parts
        if not others:
            return main
        return "with " + ",\n".join(f"p{n} as ({part})" for n, part in enumerate(others)) + "\n" + main

    async def run(self, connection: Connected) -> None:
        """Raises Conflict on a lost race."""
        if not self.parts:
            return
        try:
            await connection.execute(self.text(), *self.values)
        except LOST_RACES as lost:
            raise Conflict(str(lost)) from lost


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
    key = [column.name for column in table.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    conflict = f"on conflict ({', '.join(key)}) do " + (f"update set {changes}" if changes else "nothing")
    if newer_only:
        conflict += f" where {table.name}.sequence < excluded.sequence"
    return insert(table, columns, conflict)


@cache
def delete(table: sa.Table) -> str:
    """Delete the rows whose primary keys stand in a JSON array."""
    match = " and ".join(f"{table.name}.{column.name} = gone.{column.name}" for column in table.primary_key)
    return f"delete from {table.name} using json_populate_recordset(null::{table.name}, {{}}::json) gone where {match}"


SET_TIMER = insert(
    tables.timers,
    (),
    "on conflict (stream, name) do update set due_at = excluded.due_at, type = excluded.type, data = excluded.data, "
    "correlationid = excluded.correlationid, causationid = excluded.causationid",
)
KEEP_SNAPSHOT = upsert(tables.snapshots, ("stream", "version", "fold_version", "state"), False)
FORGET = "delete from subject_keys where subject = any({}::text[])"
OUTBOX = insert(tables.outbox)
CALLS = insert(
    tables.calls,
    ("id", "name", "stream", "key", "request", "correlationid", "causationid", "created_at", "due_at", "tries"),
)
EVENTS = insert(tables.events)
IDEMPOTENCY = insert(tables.idempotency)


async def statement(connection: Connected, draft: Draft, source: str, now: datetime, once: Once | None) -> Statement:
    """The statement that writes ``draft``.

    The JSON is made once to see whose sealed values are in it, and where there are any once more, with their keys.
    """
    found = Finder()
    made = _statement(draft, source, now, once, found.default)
    if found.subjects:
        opener = await Opener.of(connection, found.subjects)
        made = _statement(draft, source, now, once, opener.default)
    return made


def _statement(draft: Draft, source: str, now: datetime, once: Once | None, opened: Default) -> Statement:
    made = Statement()
    events = sorted(draft.events, key=lambda recorded: (recorded.stream, recorded.version))
    made.add_rows(EVENTS, [_event(recorded, now) for recorded in events])
    for sql, rows in _row_parts(draft.rows.values()):
        made.add(sql, encode_opening(rows, opened).decode())
    made.add_rows(KEEP_SNAPSHOT, _snapshots(draft))
    made.add_rows(OUTBOX, [_sent(sent, source, now, opened) for sent in draft.sent])
    made.add_rows(SET_TIMER, [_timer(timer) for timer in draft.timers.values()])
    made.add_rows(CALLS, [_call(asking, now, opened) for asking in draft.calls])
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
        key = [column.name for column in groups[sql][0].table.primary_key]
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


def _sent(sent: Sent, source: str, now: datetime, opened: Default) -> Json:
    return {
        "kind": sent.message.KIND,
        "message_id": sent.message_id,
        "type": sent.message.TYPE,
        "source": source,
        "subject": sent.subject,
        "partitionkey": sent.subject,
        "sequence": sent.sequence,
        "time": now,
        "correlationid": sent.cause.correlationid,
        "causationid": sent.cause.causationid,
        "traceparent": sent.cause.traceparent,
        "data": orjson.Fragment(message_data(sent.message, opened)),
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


def _call(asking: Asking, now: datetime, opened: Default) -> Json:
    return {
        "id": asking.call_id,
        "name": asking.call.name,
        "stream": asking.stream,
        "key": asking.call.key,
        "request": orjson.Fragment(encode_opening(asking.call.request, opened)),
        "correlationid": asking.cause.correlationid,
        "causationid": asking.cause.causationid,
        "created_at": now,
        "due_at": now,
        "tries": 0,
    }
