"""Products that are off the lists are found by an index."""

from alembic import op

revision = "catalog_0004"
down_revision = "catalog_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX products_off_list ON products (id) WHERE NOT listed")


def downgrade() -> None:
    op.execute("DROP INDEX products_off_list")
