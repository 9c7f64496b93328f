"""The coupon of an order; the units that a refund is for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "order_0003"
down_revision = "order_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("coupon", JSONB, comment="its code, and what became of it"))
    units = "the units it was paid for, if by them"
    op.add_column("refunds", sa.Column("lines", JSONB, nullable=False, server_default="[]", comment=units))
