"""Old slugs, what a product costs when, discounts, ratings and reviews, images, imports, and stock by product."""

from alembic import op

revision = "catalog_0002"
down_revision = "catalog_0001"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE products
    ADD rating_sum bigint NOT NULL DEFAULT 0,
    ADD review_count integer NOT NULL DEFAULT 0,
    ADD rating numeric(3, 2) GENERATED ALWAYS AS (round(rating_sum::numeric / nullif(review_count, 0), 2)) STORED,
    ADD in_stock boolean NOT NULL DEFAULT false,
    ADD listed boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN products.in_stock IS 'kept by triggers on stock and variants';
COMMENT ON COLUMN products.listed IS 'false: sold out and taken off the list by a job';
"""

TABLES = """
CREATE TABLE category_slugs (
    slug text PRIMARY KEY,
    category_id text NOT NULL REFERENCES categories (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_category_slugs_category_id ON category_slugs (category_id);
CREATE TABLE product_slugs (
    slug text PRIMARY KEY,
    product_id text NOT NULL REFERENCES products (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_product_slugs_product_id ON product_slugs (product_id);

CREATE TABLE discounts (
    id text PRIMARY KEY,
    name text NOT NULL,
    percent integer NOT NULL CONSTRAINT discounts_percent_check CHECK (percent BETWEEN 1 AND 99),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    told text NOT NULL,
    sequence bigint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT discounts_period_check CHECK (starts_at < ends_at)
);
COMMENT ON COLUMN discounts.told IS 'what the world knows of it: nothing, started or ended';
CREATE INDEX discounts_starts ON discounts (starts_at);
CREATE INDEX discounts_ends ON discounts (ends_at);
CREATE INDEX discounts_starting ON discounts (starts_at) WHERE told = 'nothing';
CREATE INDEX discounts_ending ON discounts (ends_at) WHERE told = 'started';
CREATE TABLE discount_products (
    discount_id text REFERENCES discounts (id) ON DELETE CASCADE,
    product_id text REFERENCES products (id) ON DELETE CASCADE,
    PRIMARY KEY (discount_id, product_id)
);
CREATE INDEX ix_discount_products_product_id ON discount_products (product_id);
CREATE TABLE discount_categories (
    discount_id text REFERENCES discounts (id) ON DELETE CASCADE,
    category_id text REFERENCES categories (id) ON DELETE CASCADE,
    PRIMARY KEY (discount_id, category_id)
);
CREATE INDEX ix_discount_categories_category_id ON discount_categories (category_id);

CREATE TABLE offers (
    product_id text REFERENCES products (id) ON DELETE CASCADE,
    starts_at timestamptz,
    ends_at timestamptz NOT NULL,
    price bigint NOT NULL,
    percent integer,
    PRIMARY KEY (product_id, starts_at)
);
COMMENT ON TABLE offers IS 'what a product costs when: periods without gaps from -infinity to infinity';
COMMENT ON COLUMN offers.percent IS 'null: no sale';
CREATE INDEX offers_price ON offers (price, product_id);
CREATE INDEX offers_sales ON offers (product_id) WHERE percent IS NOT NULL;

CREATE TABLE untold (
    product_id text PRIMARY KEY REFERENCES products (id) ON DELETE CASCADE
);
COMMENT ON TABLE untold IS 'products whose sales have changed without a write of their own';

CREATE TABLE purchases (
    customer_id text,
    variant_id text,
    sequence bigint NOT NULL,
    PRIMARY KEY (customer_id, variant_id)
);
CREATE TABLE reviews (
    id text PRIMARY KEY,
    product_id text NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    customer_id text NOT NULL,
    rating integer NOT NULL CONSTRAINT reviews_rating_check CHECK (rating BETWEEN 1 AND 5),
    title text NOT NULL,
    body text NOT NULL,
    author text,
    verified_purchase boolean NOT NULL,
    hidden boolean NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT reviews_one_each UNIQUE (product_id, customer_id)
);
CREATE INDEX reviews_of_product ON reviews (product_id, created_at, id);
CREATE INDEX reviews_newest ON reviews (created_at, id);
CREATE INDEX ix_reviews_customer_id ON reviews (customer_id);

CREATE TABLE images (
    id text PRIMARY KEY,
    product_id text NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    variant_id text REFERENCES variants (id) ON DELETE SET NULL,
    position integer NOT NULL,
    alt text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX images_of_product ON images (product_id, position, id);
CREATE INDEX ix_images_variant_id ON images (variant_id);

CREATE TABLE imports (
    id text PRIMARY KEY,
    status text NOT NULL,
    atomic boolean NOT NULL,
    created_by text NOT NULL,
    total integer NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX imports_unfinished ON imports (created_at) WHERE finished_at IS NULL;
CREATE TABLE import_rows (
    import_id text REFERENCES imports (id) ON DELETE CASCADE,
    number integer,
    state text NOT NULL,
    data jsonb,
    product_id text,
    errors jsonb,
    PRIMARY KEY (import_id, number)
);
CREATE INDEX import_rows_waiting ON import_rows (import_id, number) WHERE state = 'waiting';
"""

BACKFILL = """
INSERT INTO category_slugs SELECT slug, id FROM categories;
INSERT INTO product_slugs SELECT slug, id FROM products;
INSERT INTO offers SELECT id, '-infinity', 'infinity', price, null FROM products;
INSERT INTO stock SELECT sku, 0, -1 FROM variants ON CONFLICT DO NOTHING;
UPDATE products SET in_stock = true WHERE id IN (
    SELECT v.product_id FROM variants v JOIN stock s USING (sku) WHERE v.active AND s.available > 0);
"""

# Half up to a minor unit, as catalog.domain.sale_price.
SALE_PRICE = """
CREATE FUNCTION sale_price(price bigint, percent integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN percent IS NULL THEN price ELSE (price * (100 - percent) + 50) / 100 END
"""

# The row is locked before its stock is read: two that each sell out one variant would both still see the other's.
SEE_STOCK = """
CREATE FUNCTION see_stock(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM products WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;
    UPDATE products p SET in_stock = NOT p.in_stock WHERE p.id = ANY(ids) AND p.in_stock <> EXISTS (
        SELECT FROM variants v JOIN stock s USING (sku) WHERE v.product_id = p.id AND v.active AND s.available > 0);
END $$
"""
# Most changes leave a SKU as sold out, or not, as it was: those touch no product.
STOCK_CHANGED = """
CREATE FUNCTION stock_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE skus text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        skus := ARRAY(SELECT sku FROM changed WHERE available > 0);
    ELSE
        skus := ARRAY(
            SELECT sku FROM changed JOIN was USING (sku) WHERE (changed.available > 0) <> (was.available > 0)
        );
    END IF;
    IF skus <> '{}' THEN
        PERFORM see_stock(ARRAY(SELECT product_id FROM variants WHERE sku = ANY(skus)));
    END IF;
    RETURN NULL;
END $$
"""
# A SKU's row in stock is made with its variant, so that its first stock and the variant meet on that row.
VARIANTS_CHANGED = """
CREATE FUNCTION variants_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO stock SELECT sku, 0, -1 FROM changed ORDER BY sku ON CONFLICT DO NOTHING;
    END IF;
    PERFORM see_stock(ARRAY(SELECT product_id FROM changed));
    RETURN NULL;
END $$
"""
ON_EVENT = """
CREATE TRIGGER {table}_{event} AFTER {event} ON {table} REFERENCING {rows}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_changed()
"""
ROWS = {
    "insert": "NEW TABLE AS changed",
    "update": "NEW TABLE AS changed OLD TABLE AS was",
    "delete": "OLD TABLE AS changed",
}
COUNTED = """
CREATE TRIGGER {table}_counted AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION count_change()
"""


def upgrade() -> None:
    for statement in (COLUMNS + TABLES + BACKFILL).split(";\n"):
        if statement.strip():
            op.execute(statement)
    for function in (SALE_PRICE, SEE_STOCK, STOCK_CHANGED, VARIANTS_CHANGED):
        op.execute(function)
    for table, events in (("stock", ("insert", "update")), ("variants", ("insert", "update", "delete"))):
        for event in events:
            op.execute(ON_EVENT.format(table=table, event=event, rows=ROWS[event]))
    for table in ("offers", "reviews", "images"):
        op.execute(COUNTED.format(table=table))


def downgrade() -> None:
    for table, events in (("stock", ("insert", "update")), ("variants", ("insert", "update", "delete"))):
        for event in events:
            op.execute(f"DROP TRIGGER {table}_{event} ON {table}")
        op.execute(f"DROP FUNCTION {table}_changed()")
    op.execute("DROP FUNCTION see_stock(text[])")
    op.execute("DROP FUNCTION sale_price(bigint, integer)")
    tables = (
        "import_rows imports images reviews purchases untold offers discount_categories discount_products discounts"
    )
    for table in (*tables.split(), "product_slugs", "category_slugs"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE products DROP rating, DROP rating_sum, DROP review_count, DROP in_stock, DROP listed")
