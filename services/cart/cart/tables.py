"""What the cart service keeps besides its events."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

carts = Table(
    "carts",
    metadata,
    Column("cart_id", Text, primary_key=True),
    Column("owner", Text, nullable=False, comment="user:<id>, or cart:<sha256 of the token> for a guest"),
    Column("number", Integer, nullable=False, comment="counts the carts of an owner"),
    Column("order_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("opened_at", DateTime(timezone=True), comment="written by the first event, left alone by the others"),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    UniqueConstraint("owner", "number", name="carts_of_owner"),
)

variants = Table(
    "variants",
    metadata,
    Column("variant_id", Text, primary_key=True),
    Column("sku", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("sequence", BigInteger, nullable=False, comment="of the product's event it came with; 0: asked for"),
)

stock = Table(
    "stock",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("available", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
