"""An index for each filter and ordering of the lists of orders, shipments and refunds."""

from alembic import op

revision = "order_0002"
down_revision = "order_0001"
branch_labels = None
depends_on = None

INDEXES = (
    "orders_by_status on orders (settled_status, created_at, id) where settled",
    "orders_by_payment_status on orders (settled_payment_status, created_at, id) where settled",
    "orders_by_total on orders (total, id)",
    "orders_by_email on orders (lower(email) text_pattern_ops)",
    "orders_by_phone on orders (reverse(phone) text_pattern_ops)",
    "shipments_owner on shipments (owner, created_at, id)",
    "shipments_by_status on shipments (status, created_at, id)",
    "refunds_by_status on refunds (status, created_at, id)",
    "refunds_by_amount on refunds (amount, id)",
)


def upgrade() -> None:
    op.execute(
        """
        alter table orders
            alter column number type text collate "C",
            add column settled_status text generated always as (case when settled then status end) stored,
            add column settled_payment_status text
                generated always as (case when settled then payment_status end) stored
        """
    )
    op.execute("comment on column orders.number is 'in C it is also found by its start'")
    for index in INDEXES:
        op.execute(f"create index {index}")


def downgrade() -> None:
    for index in INDEXES:
        op.execute(f"drop index {index.split(' ', 1)[0]}")
    op.execute(
        """
        alter table orders
            alter column number type text collate "default",
            drop column settled_status,
            drop column settled_payment_status
        """
    )
    op.execute("comment on column orders.number is null")
