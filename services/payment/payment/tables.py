"""What payment shows: payments as they stand, their refunds, and the ledger of money moved. All made from events."""

from sqlalchemy import BigInteger, Boolean, Column, Computed, DateTime, Index, Integer, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

payments = Table(
    "payments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text),
    Column("number", Text, comment="the order's"),
    Column("customer_id", Text),
    Column("method", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("amount", BigInteger, nullable=False, comment="minor units, like all amounts here"),
    Column("currency", Text, nullable=False),
    Column("captured", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("reason", Text),
    Column("reference", Text, comment="what staff wrote"),
    Column("receipt", Text),
    Column("charge_id", Text, comment="the provider's"),
    Column("revision", Integer, nullable=False, comment="the provider's count of changes, as far as it is known here"),
    Column("settled", Boolean, nullable=False, comment="nothing moves without the customer or staff"),
    Column("version", Integer, nullable=False, comment="the stream's"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    # An index on what changes is paid for with each change, and with it all the others. This changes when a payment
    # comes to rest; until then it is found among the few that still move.
    Column("settled_status", Text, Computed("case when settled then status end", persisted=True)),
    Index("payments_of_order", "order_id"),
    Index("payments_of_customer", "customer_id", "created_at", "id"),
    Index("payments_by_time", "created_at", "id"),
    Index("payments_unsettled", "created_at", "id", postgresql_where=text("not settled")),
    Index("payments_by_status", "settled_status", "created_at", "id", postgresql_where=text("settled")),
    Index("payments_by_method", "method", "created_at", "id"),
    Index("payments_by_amount", "amount", "id"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("payment_id", Text, primary_key=True),
    Column("refund_id", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("status", Text, nullable=False, comment="pending, succeeded, failed"),
    Column("reason", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

movements = Table(
    "movements",
    metadata,
    Column("payment_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, comment="the stream's"),
    Column("method", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="capture, void, refund: as the provider's ledger has it"),
    Column("refund_id", Text),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("movements_by_time", "at"),
)

next_actions = Table(
    "next_actions",
    metadata,
    Column("payment_id", Text, primary_key=True),
    Column("action", JSONB, comment="for the payer alone; gone when the attempt ends"),
)
