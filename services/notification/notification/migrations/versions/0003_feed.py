"""Events wait for their position in a table of their own: the feed is only ever added to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notification_0003"
down_revision = "notification_0002"
branch_labels = None
depends_on = None

COLUMNS = "message_id, type, source, subject, sequence, time, correlationid, data"


def upgrade() -> None:
    op.create_table(
        "unnumbered",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("arrival", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correlationid", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
    )
    op.execute(
        f"with gone as (delete from feed where position is null returning *) "
        f"insert into unnumbered ({COLUMNS}) select {COLUMNS} from gone order by arrival"
    )
    op.drop_constraint("feed_pkey", "feed")
    op.drop_constraint("feed_position_key", "feed")
    op.drop_index("feed_unsealed", "feed")
    op.drop_column("feed", "arrival")
    op.alter_column("feed", "position", nullable=False, comment=None)
    op.create_primary_key("feed_pkey", "feed", ["position"])
    op.create_unique_constraint("feed_message_id_key", "feed", ["message_id"])
