"""One-time codes, tokens for a new password, and what is registered and not confirmed yet."""

from alembic import op

revision = "identity_0002"
down_revision = "identity_0001"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE users ADD COLUMN pending_email text, ADD COLUMN pending_phone text;
CREATE TABLE codes (
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    channel text NOT NULL CONSTRAINT codes_channel_known CHECK (channel IN ('email', 'phone')),
    hash text NOT NULL,
    tries integer NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, channel)
);
CREATE INDEX ix_codes_expires_at ON codes (expires_at);
CREATE TABLE reset_tokens (
    hash text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    channel text NOT NULL CONSTRAINT reset_tokens_channel_known CHECK (channel IN ('email', 'phone')),
    address text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_reset_tokens_user_id ON reset_tokens (user_id);
CREATE INDEX ix_reset_tokens_expires_at ON reset_tokens (expires_at);
CREATE UNIQUE INDEX users_phone_unconfirmed ON users (phone) WHERE NOT verified
"""


def upgrade() -> None:
    for statement in CHANGES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN pending_email, DROP COLUMN pending_phone")
    op.execute("DROP INDEX users_phone_unconfirmed")
    op.execute("DROP TABLE reset_tokens")
    op.execute("DROP TABLE codes")
