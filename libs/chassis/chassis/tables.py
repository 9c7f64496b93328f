"""The chassis's own tables, the same in every service's database."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData()
Instant = sa.DateTime(timezone=True)

events = sa.Table(
    "events",
    metadata,
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("meta", JSONB, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fold_version", sa.Integer, nullable=False),
    sa.Column("state", JSONB, nullable=False),
)


def _message_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("partitionkey", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("correlationid", sa.Text, nullable=False),
        sa.Column("causationid", sa.Text, nullable=False),
        sa.Column("traceparent", sa.Text),
        sa.Column("data", JSONB, nullable=False),
    ]


outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    *_message_columns(),
)

published = sa.Table(
    "published",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *_message_columns(),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("subscription", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("timer", sa.Boolean, nullable=False, server_default=sa.false()),
    *_message_columns(),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    sa.Column("parked_at", Instant),
    sa.Index("inbox_by_key", "key", "id"),
)

seen = sa.Table(
    "seen",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("subscription", sa.Text, primary_key=True),
)

done = sa.Table(
    "done",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("subscription", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("correlationid", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("finished_at", Instant, nullable=False),
    sa.Column("note", sa.Text),
    sa.Index("done_by_correlation", "correlationid"),
    sa.Index("done_by_time", "finished_at"),
)

timers = sa.Table(
    "timers",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("correlationid", sa.Text, nullable=False),
    sa.Column("causationid", sa.Text, nullable=False),
    sa.Index("timers_by_due", "due_at"),
)

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("request", JSONB, nullable=False),
    sa.Column("correlationid", sa.Text, nullable=False),
    sa.Column("causationid", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease", sa.Text),
    sa.Column("leased_until", Instant),
    sa.Column("error", sa.Text),
    sa.Column("parked_at", Instant),
    sa.Index("calls_by_due", "due_at"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("caller", sa.Text, primary_key=True),
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body_hash", sa.Text, nullable=False),
    sa.Column("resource_id", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("idempotency_by_time", "created_at"),
)

subject_keys = sa.Table(
    "subject_keys",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("leased_until", Instant),
    sa.Column("last_started_at", Instant),
    sa.Column("last_finished_at", Instant),
    sa.Column("last_result", sa.Text),
    sa.Column("last_error", sa.Text),
)
