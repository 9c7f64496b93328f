"""What can be ordered before it has come is for sale."""

from alembic import op

revision = "catalog_0005"
down_revision = "catalog_0004"
branch_labels = None
depends_on = None

COLUMN = """
ALTER TABLE stock ADD backorderable bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN stock.backorderable IS 'can be ordered before they have come';
COMMENT ON COLUMN products.in_stock IS 'can be bought, there or not yet: kept by triggers on stock and variants'
"""
# The row is locked before its stock is read: two that each sell out one variant would both still see the other's.
SEE_STOCK = """
CREATE OR REPLACE FUNCTION see_stock(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM products WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;
    UPDATE products p SET in_stock = NOT p.in_stock WHERE p.id = ANY(ids) AND p.in_stock <> EXISTS (
        SELECT FROM variants v JOIN stock s USING (sku) WHERE v.product_id = p.id AND v.active AND {units} > 0);
END $$
"""
# Most changes leave a SKU as sold out, or not, as it was: those touch no product.
STOCK_CHANGED = """
CREATE OR REPLACE FUNCTION stock_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE skus text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        skus := ARRAY(SELECT sku FROM changed s WHERE {units} > 0);
    ELSE
        skus := ARRAY(SELECT sku FROM changed s JOIN was USING (sku) WHERE ({units} > 0) <> ({before} > 0));
    END IF;
    IF skus <> '{{}}' THEN
        PERFORM see_stock(ARRAY(SELECT product_id FROM variants WHERE sku = ANY(skus)));
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    for statement in COLUMN.split(";\n"):
        op.execute(statement)
    replace("s.available + s.backorderable", "was.available + was.backorderable")


def downgrade() -> None:
    replace("s.available", "was.available")
    skus = "SELECT product_id FROM variants JOIN stock USING (sku) WHERE backorderable > 0"
    op.execute(f"SELECT see_stock(ARRAY({skus}))")
    op.execute("COMMENT ON COLUMN products.in_stock IS 'kept by triggers on stock and variants'")
    op.execute("ALTER TABLE stock DROP backorderable")


def replace(units: str, before: str) -> None:
    """Have the triggers look at these units of a SKU: as they are, and as they were before the change."""
    op.execute(SEE_STOCK.format(units=units))
    op.execute(STOCK_CHANGED.format(units=units, before=before))
