"""Coupons and who uses them; which product a variant is of, and where that stands in the tree."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "cart_0002"
down_revision = "cart_0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("carts", sa.Column("coupon", sa.Text, comment="the code of the coupon that the order shall have"))
    op.add_column("variants", sa.Column("product_id", sa.Text, comment="null where an older copy did not keep it"))
    op.create_table(
        "products",
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("category_ids", ARRAY(sa.Text), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "categories",
        sa.Column("category_id", sa.Text, primary_key=True),
        sa.Column("parent_id", sa.Text),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_categories_parent_id", "categories", ["parent_id"])
    op.create_table(
        "coupons",
        sa.Column("coupon_id", sa.Text, primary_key=True),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("percent", sa.Integer),
        sa.Column("amount", sa.BigInteger, comment="minor units"),
        sa.Column("free_shipping", sa.Boolean, nullable=False),
        sa.Column("min_total", sa.BigInteger),
        sa.Column("max_uses", sa.BigInteger),
        sa.Column("max_uses_per_customer", sa.BigInteger),
        sa.Column("starts_at", INSTANT),
        sa.Column("ends_at", INSTANT),
        sa.Column("category_ids", ARRAY(sa.Text), nullable=False),
        sa.Column("product_ids", ARRAY(sa.Text), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False, comment="orders that have it and are not cancelled"),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False, comment="of its terms: what a client's ETag names"),
        sa.Column("created_at", INSTANT, comment="written by the first event"),
        sa.Column("updated_at", INSTANT, nullable=False),
    )
    op.create_index(
        "coupons_newest",
        "coupons",
        [sa.text("created_at DESC"), "coupon_id"],
        postgresql_where=sa.text("not withdrawn"),
    )
    op.create_table(
        "redemptions",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("coupon_id", sa.Text, comment="null: the order was over before it asked"),
        sa.Column("customer_id", sa.Text, comment="null for guests"),
        sa.Column("code", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, comment="why it was rejected"),
        sa.Column("updated_at", INSTANT, nullable=False),
    )
    op.create_index(
        "redemptions_of_customer",
        "redemptions",
        ["coupon_id", "customer_id"],
        postgresql_where=sa.text("status = 'redeemed'"),
    )
