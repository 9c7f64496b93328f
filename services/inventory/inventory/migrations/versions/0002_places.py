"""Locations, transfers, backorders, what units cost, and prices as the catalog told them.

Prices told before are sent again by ``soko republish catalog --to inventory``.
"""

from alembic import op

revision = "inventory_0002"
down_revision = "inventory_0001"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE stock
    ADD backorder_limit bigint NOT NULL DEFAULT 0,
    ADD backordered bigint NOT NULL DEFAULT 0,
    ADD in_transit bigint NOT NULL DEFAULT 0,
    ADD costed bigint NOT NULL DEFAULT 0,
    ADD cost bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN stock.costed IS 'units whose cost is known';
COMMENT ON COLUMN stock.cost IS 'of those, in minor units';
CREATE INDEX stock_backordered ON stock (sku) WHERE backordered > 0;
ALTER TABLE movements
    ADD location_id text NOT NULL DEFAULT 'main',
    ADD cost bigint NOT NULL DEFAULT 0,
    ADD unit_cost bigint,
    ADD supplier text;
COMMENT ON COLUMN movements.reference IS 'the order, the delivery note, the stocktake, the transfer';
COMMENT ON COLUMN movements.on_hand IS 'after the movement, over all locations';
COMMENT ON COLUMN movements.cost IS 'what the value changed by';
COMMENT ON COLUMN movements.unit_cost IS 'as it was received, in minor units';
"""

TABLES = """
CREATE TABLE shelves (
    sku text,
    location_id text,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    shortage bigint NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (sku, location_id)
);
COMMENT ON TABLE shelves IS
    'of SKUs that are or were in other places than the main location; of all others stock says it all';
COMMENT ON COLUMN shelves.version IS 'the stock stream''s';
CREATE INDEX shelves_by_location ON shelves (location_id, sku);
CREATE TABLE transfers (
    id text PRIMARY KEY,
    sku text NOT NULL,
    quantity bigint NOT NULL,
    origin text NOT NULL,
    destination text NOT NULL,
    reference text,
    status text NOT NULL,
    sent_at timestamptz,
    arrived_at timestamptz,
    version integer NOT NULL
);
COMMENT ON COLUMN transfers.status IS 'in_transit or arrived';
COMMENT ON COLUMN transfers.version IS 'the stock stream''s';
CREATE INDEX transfers_by_status ON transfers (status, id);
CREATE INDEX transfers_by_sku ON transfers (sku, id);
CREATE TABLE locations (
    id text PRIMARY KEY,
    name text NOT NULL,
    priority integer NOT NULL,
    version integer NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE locations IS 'the main one is here once somebody has changed it';
COMMENT ON COLUMN locations.priority IS 'the lowest gives first';
COMMENT ON COLUMN locations.version IS 'the stream''s';
CREATE TABLE prices (
    variant_id text PRIMARY KEY,
    sku text NOT NULL,
    price bigint NOT NULL,
    currency text NOT NULL,
    active boolean NOT NULL,
    sequence bigint NOT NULL
);
COMMENT ON COLUMN prices.price IS 'minor units';
CREATE INDEX prices_by_sku ON prices (sku);
"""


def upgrade() -> None:
    for statement in (COLUMNS + TABLES).split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE prices, locations, transfers, shelves")
    op.execute("ALTER TABLE movements DROP location_id, DROP cost, DROP unit_cost, DROP supplier")
    op.execute("ALTER TABLE stock DROP backorder_limit, DROP backordered, DROP in_transit, DROP costed, DROP cost")
