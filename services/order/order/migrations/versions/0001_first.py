"""Orders with their numbers, shipments, refunds, and whose data is to be erased."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "order_0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("order_numbers", start=1001)))
    op.create_table(
        "orders",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("number", sa.Text, nullable=False, unique=True),
        sa.Column("customer_id", sa.Text),
        sa.Column("owner", sa.Text, nullable=False, comment="user:<id>, or cart:<sha256 of the guest's cart token>"),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("payment_status", sa.Text, nullable=False),
        sa.Column("return_status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("note", sa.Text, comment="what the person who cancelled wrote"),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("skus", ARRAY(sa.Text), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("subtotal", sa.BigInteger, nullable=False),
        sa.Column("discount", sa.BigInteger, nullable=False),
        sa.Column("shipping", sa.BigInteger, nullable=False),
        sa.Column("tax", sa.BigInteger, nullable=False),
        sa.Column("rounding", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("shipping_method", sa.Text, nullable=False),
        sa.Column("address", JSONB, comment="the sealed part, opened"),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("region", sa.Text),
        sa.Column("postal_code", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("payment", JSONB, comment="the attempt that counts"),
        sa.Column("shipments", JSONB, nullable=False),
        sa.Column("shortages", JSONB, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("cart_version", sa.Integer, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False, comment="nothing moves without the customer or the staff"),
        sa.Column("payment_failed", sa.Boolean, nullable=False, comment="the last try to pay was in vain"),
        sa.Column("done", sa.Boolean, nullable=False, comment="name and address are needed no more"),
        sa.Column("version", sa.Integer, nullable=False, comment="the stream's"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
    )
    # A row is written with each of an order's events: with room beside it, and no index on what changes, that is cheap.
    op.execute("alter table orders set (fillfactor = 50)")
    op.create_index("orders_newest", "orders", ["created_at", "id"])
    op.create_index("orders_owner", "orders", ["owner", "created_at", "id"])
    op.create_index("orders_unsettled", "orders", ["created_at"], postgresql_where=sa.text("not settled"))
    op.create_index("orders_undone", "orders", ["customer_id"], postgresql_where=sa.text("not done"))
    op.create_index("orders_skus", "orders", ["skus"], postgresql_using="gin")
    op.create_table(
        "shipments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("carrier", sa.Text),
        sa.Column("tracking_number", sa.Text),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, comment="the order's"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
    )
    op.create_index("ix_shipments_order_id", "shipments", ["order_id"])
    op.create_index("shipments_newest", "shipments", ["created_at", "id"])
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("payment_id", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, comment="the order's"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
    )
    op.create_index("ix_refunds_order_id", "refunds", ["order_id"])
    op.create_index("refunds_newest", "refunds", ["created_at", "id"])
    op.create_table(
        "erasures",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("erased_at", INSTANT, comment="null while an order still needs the name and address"),
    )


def downgrade() -> None:
    for table in ("erasures", "refunds", "shipments", "orders"):
        op.drop_table(table)
    op.execute(sa.schema.DropSequence(sa.Sequence("order_numbers")))
