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
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

metadata = MetaData()

# What is neither letter nor digit separates words, in a search too. Each word stands twice: as written, so that the
# beginning of a word finds it, and as its English stem. Without positions a word weighs as little as it can.
_SEARCHED = (("A", "name", 2), ("B", "coalesce(brand, '')", 2), ("C", "skus", 1), ("", "description", 2))
SEARCH_VECTOR = " || ".join(
    (f"setweight({vector}, '{weight}')" if weight else f"strip({vector})")
    for weight, column, times in _SEARCHED
    for vector in (
        f"to_tsvector('{words}', regexp_replace({column}, '[^[:alnum:]]+', ' ', 'g'))"
        for words in ("simple", "english")[:times]
    )
)


def _when_committed(column: str) -> ForeignKey:
    return ForeignKey(column, ondelete="CASCADE", deferrable=True, initially="DEFERRED")


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
    Index("categories_words", text("to_tsvector('simple', name)"), postgresql_using="gin"),
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
    Column("rating_sum", BigInteger, nullable=False, server_default="0"),
    Column("review_count", Integer, nullable=False, server_default="0"),
    Column(
        "rating",
        Numeric(3, 2),
        Computed("round(rating_sum::numeric / nullif(review_count, 0), 2)", persisted=True),
    ),
    Column(
        "in_stock",
        Boolean,
        nullable=False,
        server_default="false",
        comment="can be bought, there or not yet: kept by triggers on stock and variants",
    ),
    Column(
        "listed",
        Boolean,
        nullable=False,
        server_default="true",
        comment="false: sold out and taken off the list by a job",
    ),
    Column("category_ids", ARRAY(Text), nullable=False, server_default="{}", comment="as in product_categories"),
    Column("skus", Text, nullable=False, server_default="", comment="of its variants"),
    Column("current_price", BigInteger, nullable=False, server_default="0", comment="the offer that holds"),
    Column("current_percent", Integer, comment="null: no sale"),
    Column(
        "current_until",
        DateTime(timezone=True),
        nullable=False,
        server_default="infinity",
        comment="when another offer holds",
    ),
    Column(
        "rated",
        Integer,
        Computed("coalesce(round(rating_sum * 100.0 / nullif(review_count, 0)), 0)::integer", persisted=True),
        comment="the rating in hundredths; 0: none",
    ),
    Column("search", TSVECTOR, Computed(SEARCH_VECTOR, persisted=True)),
    Column("number", Integer, Identity(always=True), nullable=False, comment="its place in bitmaps"),
    Column(
        "changed",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="the transaction that wrote it last, kept by a trigger",
    ),
    UniqueConstraint("slug", name="products_slug_key"),
    UniqueConstraint("number", name="products_number_key"),
    CheckConstraint("price >= 0", name="products_price_check"),
    Index("products_changed", "changed", "number"),
    Index("products_search", "search", postgresql_using="gin"),
    Index("products_current_price", "current_price", "id", postgresql_where=text("status = 'active'")),
    Index("products_off_list", "id", postgresql_where=text("NOT listed")),
    Index("products_featured", "created_at", "id", postgresql_where=text("status = 'active' AND featured")),
    Index(
        "products_sales",
        "created_at",
        "id",
        postgresql_where=text("status = 'active' AND current_percent IS NOT NULL"),
    ),
    Index("products_rated", "rated", "id", postgresql_where=text("status = 'active'")),
    Index("products_sold_out", "created_at", "id", postgresql_where=text("status = 'active' AND NOT in_stock")),
    Index("products_in_categories", "category_ids", postgresql_using="gin"),
    Index(
        "products_attributes",
        "attributes",
        postgresql_using="gin",
        postgresql_ops={"attributes": "jsonb_path_ops"},
    ),
    Index("products_of_status", "status", "created_at", "id"),
    Index("products_updated", "updated_at"),
    Index("products_until", "current_until", postgresql_where=text("current_until < 'infinity'")),
)
Index("products_name", func.lower(products.c.name), products.c.id, postgresql_where=text("status = 'active'"))
Index("products_brand", func.lower(products.c.brand), products.c.id, postgresql_where=text("status = 'active'"))

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
    Column(
        "backorderable", BigInteger, nullable=False, server_default="0", comment="can be ordered before they have come"
    ),
)

# Every slug a thing ever had: the one in its own row is current, the others lead to it.
category_slugs = Table(
    "category_slugs",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("category_id", Text, _when_committed("categories.id"), nullable=False, index=True),
)
product_slugs = Table(
    "product_slugs",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("product_id", Text, _when_committed("products.id"), nullable=False, index=True),
)

discounts = Table(
    "discounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("told", Text, nullable=False, comment="what the world knows of it: nothing, started or ended"),
    Column("sequence", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("percent BETWEEN 1 AND 99", name="discounts_percent_check"),
    CheckConstraint("starts_at < ends_at", name="discounts_period_check"),
    Index("discounts_starts", "starts_at"),
    Index("discounts_ends", "ends_at"),
    Index("discounts_starting", "starts_at", postgresql_where=text("told = 'nothing'")),
    Index("discounts_ending", "ends_at", postgresql_where=text("told = 'started'")),
)
discount_products = Table(
    "discount_products",
    metadata,
    Column("discount_id", Text, ForeignKey("discounts.id", ondelete="CASCADE"), primary_key=True),
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True, index=True),
)
discount_categories = Table(
    "discount_categories",
    metadata,
    Column("discount_id", Text, ForeignKey("discounts.id", ondelete="CASCADE"), primary_key=True),
    Column("category_id", Text, ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True, index=True),
)

offers = Table(
    "offers",
    metadata,
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    Column("starts_at", DateTime(timezone=True), primary_key=True),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("percent", Integer, comment="null: no sale"),
    Index("offers_price", "price", "product_id"),
    Index("offers_sales", "product_id", postgresql_where=text("percent IS NOT NULL")),
    comment="what a product costs when: periods without gaps from -infinity to infinity",
)

untold = Table(
    "untold",
    metadata,
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    comment="products whose sales have changed without a write of their own",
)

purchases = Table(
    "purchases",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("variant_id", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)
reviews = Table(
    "reviews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("customer_id", Text, nullable=False, index=True),
    Column("rating", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("author", Text),
    Column("verified_purchase", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("product_id", "customer_id", name="reviews_one_each"),
    CheckConstraint("rating BETWEEN 1 AND 5", name="reviews_rating_check"),
    Index("reviews_of_product", "product_id", "created_at", "id"),
    Index("reviews_newest", "created_at", "id"),
)

picture_files = Table(
    "picture_files",
    metadata,
    Column("name", Text, primary_key=True),
    Column(
        "free_from",
        DateTime(timezone=True),
        comment="when nobody is about to show it any more; null: shown when somebody looked last",
    ),
    Index("picture_files_free", "free_from", postgresql_where=text("free_from IS NOT NULL")),
    comment="pictures that may have files, by the hash of what they are",
)
images = Table(
    "images",
    metadata,
    Column("id", Text, primary_key=True),
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("variant_id", Text, ForeignKey("variants.id", ondelete="SET NULL"), index=True),
    Column("file", Text, ForeignKey("picture_files.name", ondelete="RESTRICT"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("alt", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("images_of_product", "product_id", "position", "id"),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("atomic", Boolean, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Index("imports_unfinished", "created_at", postgresql_where=text("finished_at IS NULL")),
)
import_rows = Table(
    "import_rows",
    metadata,
    Column("import_id", Text, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("data", JSONB(none_as_null=True)),
    Column("product_id", Text),
    Column("errors", JSONB(none_as_null=True)),
    Index("import_rows_waiting", "import_id", "number", postgresql_where=text("state = 'waiting'")),
)

# What caches watch: triggers raise it in the transaction that changes something shown. It has many rows so that two
# writers seldom wait for each other; a sequence would not do, because it moves before the change can be seen.
changes = Table(
    "changes",
    metadata,
    Column("slot", Integer, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
