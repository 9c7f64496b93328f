"""Carts that nobody touches, found by when they were opened."""

import sqlalchemy as sa
from alembic import op

revision = "cart_0004"
down_revision = "cart_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("carts", sa.Column("abandoned_at", sa.DateTime(timezone=True)))
    left_alone = "left alone when it is noticed that nothing happened"
    op.alter_column("carts", "updated_at", nullable=True, comment=left_alone)
    # When a cart was opened never changes: a write to its lines touches none of these.
    open_ = "status = 'open'"
    op.create_index("carts_left", "carts", ["opened_at"], postgresql_where=sa.text(f"{open_} AND abandoned_at IS NULL"))
    op.create_index("carts_open", "carts", ["opened_at"], postgresql_where=sa.text(open_))
    op.create_index("carts_expired", "carts", ["closed_at"], postgresql_where=sa.text("status = 'expired'"))
