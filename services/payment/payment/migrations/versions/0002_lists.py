"""An index for each filter and ordering of the list of payments."""

from alembic import op

revision = "payment_0002"
down_revision = "payment_0001"
branch_labels = None
depends_on = None

INDEXES = (
    "payments_of_customer on payments (customer_id, created_at, id)",
    "payments_unsettled on payments (created_at, id) where not settled",
    "payments_by_status on payments (settled_status, created_at, id) where settled",
    "payments_by_method on payments (method, created_at, id)",
    "payments_by_amount on payments (amount, id)",
)


def upgrade() -> None:
    op.execute(
        """
        alter table payments
            add column settled_status text generated always as (case when settled then status end) stored
        """
    )
    op.execute("drop index payments_of_customer")
    for index in INDEXES:
        op.execute(f"create index {index}")


def downgrade() -> None:
    for index in INDEXES:
        op.execute(f"drop index {index.split(' ', 1)[0]}")
    op.execute("create index payments_of_customer on payments (customer_id, created_at)")
    op.execute("alter table payments drop column settled_status")
