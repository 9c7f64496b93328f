"""Each SKU as it stands, and the ledger of its movements."""

from alembic import op

revision = "inventory_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE stock (
        sku text PRIMARY KEY,
        on_hand bigint NOT NULL,
        reserved bigint NOT NULL,
        available bigint NOT NULL,
        shortage bigint NOT NULL,
        threshold bigint NOT NULL,
        version integer NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON COLUMN stock.version IS 'the stream''s'",
    "CREATE INDEX stock_low ON stock (available, sku) WHERE available <= threshold",
    """
    CREATE TABLE movements (
        sku text,
        version integer,
        at timestamptz NOT NULL,
        delta bigint NOT NULL,
        reason text NOT NULL,
        reference text,
        note text,
        on_hand bigint NOT NULL,
        PRIMARY KEY (sku, version)
    )
    """,
    "COMMENT ON COLUMN movements.version IS 'the stream''s, so it orders a SKU''s movements'",
    "COMMENT ON COLUMN movements.reference IS 'the order, the delivery note, the stocktake'",
    "COMMENT ON COLUMN movements.on_hand IS 'after the movement'",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE stock, movements")
