"""What the cart service keeps besides its events."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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
    Column("coupon", Text, comment="the code of the coupon that the order shall have"),
    Column("version", Integer, nullable=False),
    Column("opened_at", DateTime(timezone=True), comment="written by the first event, left alone by the others"),
    Column("updated_at", DateTime(timezone=True), comment="left alone when it is noticed that nothing happened"),
    Column("abandoned_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Index("carts_left", "opened_at", postgresql_where=text("status = 'open' AND abandoned_at IS NULL")),
    Index("carts_open", "opened_at", postgresql_where=text("status = 'open'")),
    Index("carts_expired", "closed_at", postgresql_where=text("status = 'expired'")),
    UniqueConstraint("owner", "number", name="carts_of_owner"),
)

variants = Table(
    "variants",
    metadata,
    Column("variant_id", Text, primary_key=True),
    Column("product_id", Text, comment="null where an older copy did not keep it"),
    Column("sku", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("sales", JSONB, comment="[[from, until before, price], …]; null where there are none"),
    Column("active", Boolean, nullable=False),
    Column("sequence", BigInteger, nullable=False, comment="of the product's event it came with; 0: asked for"),
)

products = Table(
    "products",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("category_ids", ARRAY(Text), nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

categories = Table(
    "categories",
    metadata,
    Column("category_id", Text, primary_key=True),
    Column("parent_id", Text, index=True),
    Column("sequence", BigInteger, nullable=False),
)

stock = Table(
    "stock",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("available", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

coupons = Table(
    "coupons",
    metadata,
    Column("coupon_id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("percent", Integer),
    Column("amount", BigInteger, comment="minor units"),
    Column("free_shipping", Boolean, nullable=False),
    Column("min_total", BigInteger),
    Column("max_uses", BigInteger),
    Column("max_uses_per_customer", BigInteger),
    Column("starts_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    Column("category_ids", ARRAY(Text), nullable=False),
    Column("product_ids", ARRAY(Text), nullable=False),
    Column("used", BigInteger, nullable=False, comment="orders that have it and are not cancelled"),
    Column("withdrawn", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changes", Integer, nullable=False, comment="of its terms: what a client's ETag names"),
    Column("created_at", DateTime(timezone=True), comment="written by the first event"),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("coupons_newest", text("created_at DESC"), "coupon_id", postgresql_where=text("not withdrawn")),
)

redemptions = Table(
    "redemptions",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("coupon_id", Text, comment="null: the order was over before it asked"),
    Column("customer_id", Text, comment="null for guests"),
    Column("code", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text, comment="why it was rejected"),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("redemptions_of_customer", "coupon_id", "customer_id", postgresql_where=text("status = 'redeemed'")),
)
