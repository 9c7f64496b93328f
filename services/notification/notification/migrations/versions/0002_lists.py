"""An index for each filter of the list of notifications, in the order it is read in."""

from alembic import op

revision = "notification_0002"
down_revision = "notification_0001"
branch_labels = None
depends_on = None

INDEXES = {
    "notifications_newest": "created_at, id",
    "notifications_of_customer": "customer_id, created_at, id",
    "notifications_by_status": "status, created_at, id",
    "notifications_by_kind": "kind, created_at, id",
}


def upgrade() -> None:
    op.execute("drop index notifications_newest, notifications_of_customer")
    for name, columns in INDEXES.items():
        op.execute(f"create index {name} on notifications ({columns})")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"drop index {name}")
    op.execute("create index notifications_newest on notifications (created_at desc, id)")
    op.execute("create index notifications_of_customer on notifications (customer_id, created_at desc, id)")
