"""What lists are made from: what a product costs now, its categories and SKUs beside it, and the indexes for all."""

from alembic import op

revision = "catalog_0003"
down_revision = "catalog_0002"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE products DROP search,
    ADD category_ids text[] NOT NULL DEFAULT '{}',
    ADD skus text NOT NULL DEFAULT '',
    ADD current_price bigint NOT NULL DEFAULT 0,
    ADD current_percent integer,
    ADD current_until timestamptz NOT NULL DEFAULT 'infinity',
    ADD rated integer GENERATED ALWAYS AS (
        coalesce(round(rating_sum * 100.0 / nullif(review_count, 0)), 0)::integer
    ) STORED;
COMMENT ON COLUMN products.rated IS 'the rating in hundredths; 0: none';
COMMENT ON COLUMN products.category_ids IS 'as in product_categories';
COMMENT ON COLUMN products.skus IS 'of its variants';
COMMENT ON COLUMN products.current_price IS 'the offer that holds';
COMMENT ON COLUMN products.current_percent IS 'null: no sale';
COMMENT ON COLUMN products.current_until IS 'when another offer holds';
"""
BACKFILL = """
UPDATE products p SET
    category_ids = ARRAY(SELECT category_id FROM product_categories WHERE product_id = p.id ORDER BY position),
    skus = (SELECT coalesce(string_agg(sku, ' ' ORDER BY position), '') FROM variants WHERE product_id = p.id),
    current_price = o.price,
    current_percent = o.percent,
    current_until = o.ends_at
FROM offers o WHERE o.product_id = p.id AND o.starts_at = '-infinity';
"""
# Words as written, so that their beginnings are found, and as their English stems. Whatever is neither letter nor
# digit separates words, in a search too. Without positions a word weighs as little as it can (D), and takes less room.
SEARCH = """
ALTER TABLE products ADD search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', regexp_replace(name, '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('english', regexp_replace(name, '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('simple', regexp_replace(coalesce(brand, ''), '[^[:alnum:]]+', ' ', 'g')), 'B')
    || setweight(to_tsvector('english', regexp_replace(coalesce(brand, ''), '[^[:alnum:]]+', ' ', 'g')), 'B')
    || setweight(to_tsvector('simple', regexp_replace(skus, '[^[:alnum:]]+', ' ', 'g')), 'C')
    || strip(to_tsvector('simple', regexp_replace(description, '[^[:alnum:]]+', ' ', 'g')))
    || strip(to_tsvector('english', regexp_replace(description, '[^[:alnum:]]+', ' ', 'g')))
) STORED
"""
INDEXES = """
DROP INDEX products_brand;
CREATE INDEX products_search ON products USING gin (search);
CREATE INDEX products_in_categories ON products USING gin (category_ids);
CREATE INDEX products_attributes ON products USING gin (attributes jsonb_path_ops);
CREATE INDEX products_brand ON products (lower(brand), id) WHERE status = 'active';
CREATE INDEX products_current_price ON products (current_price, id) WHERE status = 'active';
CREATE INDEX products_rated ON products (rated, id) WHERE status = 'active';
CREATE INDEX products_sold_out ON products (created_at, id) WHERE status = 'active' AND NOT in_stock;
CREATE INDEX products_sales ON products (created_at, id) WHERE status = 'active' AND current_percent IS NOT NULL;
CREATE INDEX products_of_status ON products (status, created_at, id);
CREATE INDEX products_updated ON products (updated_at);
CREATE INDEX products_until ON products (current_until) WHERE current_until < 'infinity';
DROP INDEX products_price;
DROP INDEX products_newest;
CREATE INDEX categories_words ON categories USING gin (to_tsvector('simple', name));
"""


def upgrade() -> None:
    for statement in (COLUMNS + BACKFILL + SEARCH + ";\n" + INDEXES).split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX categories_words")
    op.execute("ALTER TABLE products DROP search")
    for column in ("category_ids", "skus", "current_price", "current_percent", "current_until", "rated"):
        op.execute(f"ALTER TABLE products DROP {column}")
    op.execute("""
        ALTER TABLE products ADD search tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('simple', name), 'A') || setweight(to_tsvector('english', name), 'A')
            || setweight(to_tsvector('simple', coalesce(brand, '')), 'B')
            || setweight(to_tsvector('english', coalesce(brand, '')), 'B')
            || setweight(to_tsvector('simple', description), 'C')
            || setweight(to_tsvector('english', description), 'C')
        ) STORED
    """)
    for index in ("brand", "sold_out", "attributes", "of_status", "updated"):
        op.execute(f"DROP INDEX products_{index}")
    op.execute("CREATE INDEX products_search ON products USING gin (search)")
    op.execute("CREATE INDEX products_newest ON products (created_at, id) WHERE status = 'active'")
    op.execute("CREATE INDEX products_price ON products (price, id) WHERE status = 'active'")
    op.execute("CREATE INDEX products_brand ON products (lower(brand))")
