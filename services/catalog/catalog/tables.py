"""What the catalog keeps. Prices are minor units of the shop's currency."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

metadata = MetaData()

_SEARCHED = (("A", "name"), ("B", "coalesce(brand, '')"), ("C", "description"))
# Each word stands twice: as written, so that the beginning of a word finds it, and as its English stem.
SEARCH_VECTOR = " || ".join(
    f"setweight(to_tsvector('{words}', {column}), '{weight}')"
    for weight, column in _SEARCHED
    for words in ("simple", "english")
)

categories = Table(
    "categories",
    metadata,
    Column("id", Text, primary_key=True),
    Column("parent_id", Text, ForeignKey("categories.id", ondelete="RESTRICT"), index=True),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False, comment="counts the public events about this category"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("slug", name="categories_slug_key"),
)

products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("brand", Text),
    Column("status", Text, nullable=False),
    Column("featured", Boolean, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("attributes", JSONB, nullable=False),
    Column("sequence", BigInteger, nullable=False, comment="counts the public events about it and its variants"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("search", TSVECTOR, Computed(SEARCH_VECTOR, persisted=True)),
    UniqueConstraint("slug", name="products_slug_key"),
    CheckConstraint("price >= 0", name="products_price_check"),
    Index("products_search", "search", postgresql_using="gin"),
    Index("products_newest", "created_at", "id", postgresql_where=text("status = 'active'")),
    Index("products_price", "price", "id", postgresql_where=text("status = 'active'")),
    Index("products_featured", "created_at", "id", postgresql_where=text("status = 'active' AND featured")),
)
Index("products_name", func.lower(products.c.name), products.c.id, postgresql_where=text("status = 'active'"))
Index("products_brand", func.lower(products.c.brand))

product_categories = Table(
    "product_categories",
    metadata,
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    Column("category_id", Text, ForeignKey("categories.id", ondelete="RESTRICT"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)

variants = Table(
    "variants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("options", JSON, nullable=False, comment="in the order staff gave: jsonb would sort them"),
    Column("price", BigInteger, comment="null: the product's"),
    Column("active", Boolean, nullable=False),
    Column("initial_stock", Integer),
    UniqueConstraint("sku", name="variants_sku_key"),
    CheckConstraint("price >= 0", name="variants_price_check"),
    Index("variants_product", "product_id", "position"),
)

stock = Table(
    "stock",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("available", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

# What caches watch: triggers raise it in the transaction that changes something shown. It has many rows so that two
# writers seldom wait for each other; a sequence would not do, because it moves before the change can be seen.
changes = Table(
    "changes",
    metadata,
    Column("slot", Integer, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
SHOWN = (categories, products, product_categories, variants, stock)
