"""Categories, products with variants, the stock heard of, and the counter that caches watch."""

from alembic import op

revision = "catalog_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE categories (
    id text PRIMARY KEY,
    parent_id text REFERENCES categories (id) ON DELETE RESTRICT,
    slug text NOT NULL CONSTRAINT categories_slug_key UNIQUE,
    name text NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_categories_parent_id ON categories (parent_id);

CREATE TABLE products (
    id text PRIMARY KEY,
    slug text NOT NULL CONSTRAINT products_slug_key UNIQUE,
    name text NOT NULL,
    description text NOT NULL,
    brand text,
    status text NOT NULL,
    featured boolean NOT NULL,
    price bigint NOT NULL CONSTRAINT products_price_check CHECK (price >= 0),
    attributes jsonb NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    search tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', name), 'A') || setweight(to_tsvector('english', name), 'A')
        || setweight(to_tsvector('simple', coalesce(brand, '')), 'B')
        || setweight(to_tsvector('english', coalesce(brand, '')), 'B')
        || setweight(to_tsvector('simple', description), 'C')
        || setweight(to_tsvector('english', description), 'C')
    ) STORED
);
CREATE INDEX products_search ON products USING gin (search);
CREATE INDEX products_newest ON products (created_at, id) WHERE status = 'active';
CREATE INDEX products_price ON products (price, id) WHERE status = 'active';
CREATE INDEX products_name ON products (lower(name), id) WHERE status = 'active';
CREATE INDEX products_featured ON products (created_at, id) WHERE status = 'active' AND featured;
CREATE INDEX products_brand ON products (lower(brand));

CREATE TABLE product_categories (
    product_id text REFERENCES products (id) ON DELETE CASCADE,
    category_id text REFERENCES categories (id) ON DELETE RESTRICT,
    position integer NOT NULL,
    PRIMARY KEY (product_id, category_id)
);
CREATE INDEX ix_product_categories_category_id ON product_categories (category_id);

CREATE TABLE variants (
    id text PRIMARY KEY,
    product_id text NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    position integer NOT NULL,
    sku text NOT NULL CONSTRAINT variants_sku_key UNIQUE,
    options json NOT NULL,
    price bigint CONSTRAINT variants_price_check CHECK (price >= 0),
    active boolean NOT NULL,
    initial_stock integer
);
COMMENT ON COLUMN categories.sequence IS 'counts the public events about this category';
COMMENT ON COLUMN products.sequence IS 'counts the public events about it and its variants';
COMMENT ON COLUMN variants.options IS 'in the order staff gave: jsonb would sort them';
COMMENT ON COLUMN variants.price IS 'null: the product''s';
CREATE INDEX variants_product ON variants (product_id, position);

CREATE TABLE stock (
    sku text PRIMARY KEY,
    available bigint NOT NULL,
    sequence bigint NOT NULL
);

CREATE TABLE changes (
    slot integer PRIMARY KEY,
    count bigint NOT NULL
);
"""

# A slot for each connection: two writers that shared one could wait for each other's rows in a ring.
COUNTER = """
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (slot, count) VALUES (pg_backend_pid() % 1024, 1)
    ON CONFLICT (slot) DO UPDATE SET count = changes.count + 1;
    RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION count_change()
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(COUNTER)
    for table in ("categories", "products", "product_categories", "variants", "stock"):
        op.execute(TRIGGER.format(table=table))


def downgrade() -> None:
    for table in ("changes", "stock", "variants", "product_categories", "products", "categories"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION count_change()")
