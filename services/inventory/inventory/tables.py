"""What the inventory shows, made from the events: each SKU as it stands, the ledger of its movements, its locations.

And what it heard: the prices that the catalog told, for what the stock is worth.
"""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, MetaData, Table, Text, text

metadata = MetaData()

stock = Table(
    "stock",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("on_hand", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("shortage", BigInteger, nullable=False),
    Column("threshold", BigInteger, nullable=False),
    Column("version", Integer, nullable=False, comment="the stream's"),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("backorder_limit", BigInteger, nullable=False, server_default=text("0")),
    Column("backordered", BigInteger, nullable=False, server_default=text("0")),
    Column("in_transit", BigInteger, nullable=False, server_default=text("0")),
    Column("costed", BigInteger, nullable=False, server_default=text("0"), comment="units whose cost is known"),
    Column("cost", BigInteger, nullable=False, server_default=text("0"), comment="of those, in minor units"),
    Index("stock_low", "available", "sku", postgresql_where=text("available <= threshold")),
    Index("stock_backordered", "sku", postgresql_where=text("backordered > 0")),
)

shelves = Table(
    "shelves",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("location_id", Text, primary_key=True),
    Column("on_hand", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("shortage", BigInteger, nullable=False),
    Column("version", Integer, nullable=False, comment="the stock stream's"),
    Index("shelves_by_location", "location_id", "sku"),
    comment="of SKUs that are or were in other places than the main location; of all others stock says it all",
)

movements = Table(
    "movements",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("version", Integer, primary_key=True, comment="the stream's, so it orders a SKU's movements"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reference", Text, comment="the order, the delivery note, the stocktake, the transfer"),
    Column("note", Text),
    Column("on_hand", BigInteger, nullable=False, comment="after the movement, over all locations"),
    Column("location_id", Text, nullable=False, server_default=text("'main'")),
    Column("cost", BigInteger, nullable=False, server_default=text("0"), comment="what the value changed by"),
    Column("unit_cost", BigInteger, comment="as it was received, in minor units"),
    Column("supplier", Text),
)

transfers = Table(
    "transfers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("reference", Text),
    Column("status", Text, nullable=False, comment="in_transit or arrived"),
    Column("sent_at", DateTime(timezone=True)),
    Column("arrived_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False, comment="the stock stream's"),
    Index("transfers_by_status", "status", "id"),
    Index("transfers_by_sku", "sku", "id"),
)

locations = Table(
    "locations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("priority", Integer, nullable=False, comment="the lowest gives first"),
    Column("version", Integer, nullable=False, comment="the stream's"),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    comment="the main one is here once somebody has changed it",
)

prices = Table(
    "prices",
    metadata,
    Column("variant_id", Text, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("price", BigInteger, nullable=False, comment="minor units"),
    Column("currency", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Index("prices_by_sku", "sku"),
)
