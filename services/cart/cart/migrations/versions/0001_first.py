"""Carts, and the copies of variants and stock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "cart_0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "carts",
        sa.Column("cart_id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False, comment="user:<id>, or cart:<sha256 of the token> for a guest"),
        sa.Column("number", sa.Integer, nullable=False, comment="counts the carts of an owner"),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opened_at", INSTANT, comment="written by the first event, left alone by the others"),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.UniqueConstraint("owner", "number", name="carts_of_owner"),
    )
    op.create_table(
        "variants",
        sa.Column("variant_id", sa.Text, primary_key=True),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("options", JSONB, nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column(
            "sequence", sa.BigInteger, nullable=False, comment="of the product's event it came with; 0: asked for"
        ),
    )
    op.create_index("ix_variants_sku", "variants", ["sku"])
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text, primary_key=True),
        sa.Column("available", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
