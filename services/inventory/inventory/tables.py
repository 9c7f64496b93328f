"""What the inventory shows: each SKU as it stands, and the ledger of its movements. Both are made from the events."""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, MetaData, Table, Text, text

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
    Index("stock_low", "available", "sku", postgresql_where=text("available <= threshold")),
)

movements = Table(
    "movements",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("version", Integer, primary_key=True, comment="the stream's, so it orders a SKU's movements"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reference", Text, comment="the order, the delivery note, the stocktake"),
    Column("note", Text),
    Column("on_hand", BigInteger, nullable=False, comment="after the movement"),
)
