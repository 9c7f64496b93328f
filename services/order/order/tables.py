"""What the order shows, made from its events; whose data is to be erased. Amounts are minor units."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Sequence,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

order_numbers = Sequence("order_numbers", start=1001, metadata=metadata)

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("customer_id", Text),
    Column("owner", Text, nullable=False, comment="user:<id>, or cart:<sha256 of the guest's cart token>"),
    Column("status", Text, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("return_status", Text, nullable=False),
    Column("reason", Text),
    Column("note", Text, comment="what the person who cancelled wrote"),
    Column("lines", JSONB, nullable=False),
    Column("skus", ARRAY(Text), nullable=False),
    Column("currency", Text, nullable=False),
    Column("subtotal", BigInteger, nullable=False),
    Column("discount", BigInteger, nullable=False),
    Column("shipping", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("rounding", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("shipping_method", Text, nullable=False),
    Column("address", JSONB, comment="the sealed part, opened"),
    Column("country", Text, nullable=False),
    Column("region", Text),
    Column("postal_code", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("payment", JSONB, comment="the attempt that counts"),
    Column("shipments", JSONB, nullable=False),
    Column("shortages", JSONB, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("cart_version", Integer, nullable=False),
    Column("settled", Boolean, nullable=False, comment="nothing moves without the customer or the staff"),
    Column("payment_failed", Boolean, nullable=False, comment="the last try to pay was in vain"),
    Column("done", Boolean, nullable=False, comment="name and address are needed no more"),
    Column("version", Integer, nullable=False, comment="the stream's"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("orders_newest", "created_at", "id"),
    Index("orders_owner", "owner", "created_at", "id"),
    Index("orders_unsettled", "created_at", postgresql_where=text("not settled")),
    Index("orders_undone", "customer_id", postgresql_where=text("not done")),
    Index("orders_skus", "skus", postgresql_using="gin"),
)

shipments = Table(
    "shipments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False, index=True),
    Column("number", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("carrier", Text),
    Column("tracking_number", Text),
    Column("lines", JSONB, nullable=False),
    Column("version", Integer, nullable=False, comment="the order's"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("shipments_newest", "created_at", "id"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False, index=True),
    Column("number", Text, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False, comment="the order's"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("refunds_newest", "created_at", "id"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("erased_at", DateTime(timezone=True), comment="null while an order still needs the name and address"),
)
