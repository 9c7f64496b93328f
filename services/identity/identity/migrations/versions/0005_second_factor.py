"""A second factor for whoever wants one, and the codes to recover by."""

from alembic import op

revision = "identity_0005"
down_revision = "identity_0004"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE users ADD COLUMN mfa_since timestamptz;
CREATE TABLE second_factors (
    user_id text PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret text NOT NULL,
    last_step bigint NOT NULL,
    expires_at timestamptz
);
CREATE INDEX second_factors_unconfirmed ON second_factors (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE recovery_codes (
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash text NOT NULL,
    PRIMARY KEY (user_id, hash)
)
"""


def upgrade() -> None:
    for statement in CHANGES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE recovery_codes")
    op.execute("DROP TABLE second_factors")
    op.execute("ALTER TABLE users DROP COLUMN mfa_since")
