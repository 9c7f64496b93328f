"""Payments as they stand, their refunds, the ledger of money moved, and what payers have to do."""

from alembic import op

revision = "payment_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE payments (
        id text PRIMARY KEY,
        order_id text,
        number text,
        customer_id text,
        method text NOT NULL,
        status text NOT NULL,
        amount bigint NOT NULL,
        currency text NOT NULL,
        captured bigint NOT NULL,
        refunded bigint NOT NULL,
        reason text,
        reference text,
        receipt text,
        charge_id text,
        revision integer NOT NULL,
        settled boolean NOT NULL,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON COLUMN payments.number IS 'the order''s'",
    "COMMENT ON COLUMN payments.amount IS 'minor units, like all amounts here'",
    "COMMENT ON COLUMN payments.reference IS 'what staff wrote'",
    "COMMENT ON COLUMN payments.charge_id IS 'the provider''s'",
    "COMMENT ON COLUMN payments.revision IS 'the provider''s count of changes, as far as it is known here'",
    "COMMENT ON COLUMN payments.settled IS 'nothing moves without the customer or staff'",
    "COMMENT ON COLUMN payments.version IS 'the stream''s'",
    "CREATE INDEX payments_of_order ON payments (order_id)",
    "CREATE INDEX payments_of_customer ON payments (customer_id, created_at)",
    "CREATE INDEX payments_by_time ON payments (created_at, id)",
    """
    CREATE TABLE refunds (
        payment_id text,
        refund_id text,
        amount bigint NOT NULL,
        status text NOT NULL,
        reason text,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (payment_id, refund_id)
    )
    """,
    "COMMENT ON COLUMN refunds.status IS 'pending, succeeded, failed'",
    """
    CREATE TABLE movements (
        payment_id text,
        version integer,
        method text NOT NULL,
        kind text NOT NULL,
        refund_id text,
        amount bigint NOT NULL,
        currency text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (payment_id, version)
    )
    """,
    "COMMENT ON COLUMN movements.version IS 'the stream''s'",
    "COMMENT ON COLUMN movements.kind IS 'capture, void, refund: as the provider''s ledger has it'",
    "CREATE INDEX movements_by_time ON movements (at)",
    """
    CREATE TABLE next_actions (
        payment_id text PRIMARY KEY,
        action jsonb
    )
    """,
    "COMMENT ON COLUMN next_actions.action IS 'for the payer alone; gone when the attempt ends'",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE payments, refunds, movements, next_actions")
