"""The sales that variants are in, running and to come."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "cart_0003"
down_revision = "cart_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    told = "[[from, until before, price], …]; null where there are none"
    op.add_column("variants", sa.Column("sales", JSONB, comment=told))


def downgrade() -> None:
    op.drop_column("variants", "sales")
