"""What the notification service keeps."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Index, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

notifications = Table(
    "notifications",
    metadata,
    Column("cause", Text, primary_key=True, comment="what it is about; with kind and channel it is told once"),
    Column("kind", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("subject_id", Text, nullable=False, index=True, comment="whom the data is about; erasure goes by it"),
    Column("customer_id", Text),
    Column("order_id", Text, comment="the order that can say it once more"),
    Column("recipient", Text, comment="masked: the address itself is kept only until the mail has left"),
    Column("title", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("sequence", BigInteger, nullable=False, comment="counts the public events about it"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("provider_id", Text, comment="what the provider calls it; its reports name it so"),
    Column("delivery", Text, comment="what a provider said became of it: no more than hearsay"),
    Column("delivery_reason", Text),
    Column("reported_at", DateTime(timezone=True)),
    Column("resent_at", DateTime(timezone=True)),
    Index("notifications_newest", "created_at", "id"),
    Index("notifications_of_customer", "customer_id", "created_at", "id"),
    Index("notifications_by_status", "status", "created_at", "id"),
    Index("notifications_by_kind", "kind", "created_at", "id"),
    Index("notifications_of_provider", "provider_id", postgresql_where=text("provider_id is not null")),
)


def _event() -> list[Column[Any]]:
    return [
        Column("type", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("time", DateTime(timezone=True), nullable=False),
        Column("correlationid", Text, nullable=False),
        Column("data", JSONB, nullable=False),
    ]


unnumbered = Table(
    "unnumbered",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("arrival", BigInteger, Identity(always=True), nullable=False, unique=True),
    *_event(),
)

preferences = Table(
    "preferences",
    metadata,
    Column("customer_id", Text, primary_key=True, comment="for a guest the one order"),
    Column("topic", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("wanted", Boolean, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("subject_id", Text, primary_key=True, comment="orders under way tell their customer still"),
    Column("erased_at", DateTime(timezone=True), nullable=False),
)

feed = Table(
    "feed",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", Text, nullable=False, unique=True),
    *_event(),
    Index("feed_by_type", "type", "position"),
)
