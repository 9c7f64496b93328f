"""Who somebody is at an outside OpenID provider, and logins there that have begun."""

from alembic import op

revision = "identity_0007"
down_revision = "identity_0006"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE outside_identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    provider text NOT NULL,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX ix_outside_identities_user_id ON outside_identities (user_id);
CREATE TABLE outside_logins (
    hash text PRIMARY KEY,
    provider text NOT NULL,
    return_to text,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_outside_logins_expires_at ON outside_logins (expires_at)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE outside_logins")
    op.execute("DROP TABLE outside_identities")
