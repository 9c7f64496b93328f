"""What was told to whom, and the public feed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notification_0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("cause", sa.Text, primary_key=True, comment="what it is about; with the kind it is told once"),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("subject_id", sa.Text, nullable=False, comment="whom the data is about; erasure goes by it"),
        sa.Column("customer_id", sa.Text),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, comment="masked: the address itself is kept only until the mail has left"),
        sa.Column("title", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("sequence", sa.BigInteger, nullable=False, comment="counts the public events about it"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
    )
    op.create_index("ix_notifications_subject_id", "notifications", ["subject_id"])
    op.create_index("notifications_newest", "notifications", [sa.text("created_at DESC"), "id"])
    op.create_index("notifications_of_customer", "notifications", ["customer_id", sa.text("created_at DESC"), "id"])
    op.create_table(
        "feed",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, unique=True, comment="null until the sealer has given it one"),
        sa.Column("arrival", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("correlationid", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
    )
    op.create_index("feed_unsealed", "feed", ["arrival"], postgresql_where=sa.text("position IS NULL"))
    op.create_index("feed_by_type", "feed", ["type", "position"])
