"""Security events, which are only ever added to."""

from alembic import op

revision = "identity_0003"
down_revision = "identity_0002"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE audit (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL,
    kind text NOT NULL,
    user_id text,
    by_id text,
    details jsonb NOT NULL,
    number bigint,
    hash text
);
CREATE UNIQUE INDEX audit_number_unique ON audit (number);
CREATE INDEX audit_unnumbered ON audit (arrival) WHERE number IS NULL;
CREATE INDEX audit_of_user ON audit (user_id, arrival);
CREATE INDEX audit_of_kind ON audit (kind, arrival)
"""

KEPT = """
CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'audit is only ever added to'; END $$
"""
TRIGGER = """
CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW WHEN (OLD.number IS NOT NULL) EXECUTE FUNCTION audit_is_kept()
"""


def upgrade() -> None:
    for statement in (*TABLE.split(";\n"), KEPT, TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE audit")
    op.execute("DROP FUNCTION audit_is_kept")
