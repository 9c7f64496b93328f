"""A number for each product, and which transaction wrote it last: what bitmaps in memory are made from."""

from alembic import op

revision = "catalog_0006"
down_revision = "catalog_0005"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE products
    ADD number integer GENERATED ALWAYS AS IDENTITY CONSTRAINT products_number_key UNIQUE,
    ADD changed bigint NOT NULL DEFAULT 0
"""
COMMENTS = (
    "COMMENT ON COLUMN products.number IS 'its place in bitmaps'",
    "COMMENT ON COLUMN products.changed IS 'the transaction that wrote it last, kept by a trigger'",
)
FUNCTION = """
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$
"""
TRIGGER = """
CREATE TRIGGER products_noted BEFORE INSERT OR UPDATE ON products FOR EACH ROW EXECUTE FUNCTION note_change()
"""


def upgrade() -> None:
    for statement in (COLUMNS, *COMMENTS, "CREATE INDEX products_changed ON products (changed, number)"):
        op.execute(statement)
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER products_noted ON products")
    op.execute("DROP FUNCTION note_change()")
    op.execute("ALTER TABLE products DROP number, DROP changed")
