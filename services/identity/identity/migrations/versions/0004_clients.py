"""Applications that log people in here, what they were given, and who let them."""

from alembic import op

revision = "identity_0004"
down_revision = "identity_0003"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE clients (
    id text PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL CONSTRAINT clients_kind_known CHECK (kind IN ('public', 'confidential', 'machine')),
    secret_hash text,
    redirect_uris text[] NOT NULL,
    scope text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX clients_created ON clients (created_at, id);
ALTER TABLE sessions ADD COLUMN client_id text REFERENCES clients (id) ON DELETE CASCADE, ADD COLUMN scope text;
CREATE INDEX sessions_of_client ON sessions (client_id) WHERE client_id IS NOT NULL;
CREATE TABLE authorization_codes (
    hash text PRIMARY KEY,
    client_id text NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
    redirect_uri text NOT NULL,
    scope text NOT NULL,
    nonce text,
    challenge text NOT NULL,
    expires_at timestamptz NOT NULL,
    grant_id text REFERENCES sessions (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX ix_authorization_codes_client_id ON authorization_codes (client_id);
CREATE INDEX ix_authorization_codes_session_id ON authorization_codes (session_id);
CREATE INDEX ix_authorization_codes_grant_id ON authorization_codes (grant_id);
CREATE INDEX ix_authorization_codes_expires_at ON authorization_codes (expires_at);
CREATE TABLE consents (
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id text NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope text NOT NULL,
    given_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX ix_consents_client_id ON consents (client_id)
"""


def upgrade() -> None:
    for statement in CHANGES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE consents")
    op.execute("DROP TABLE authorization_codes")
    op.execute("DELETE FROM sessions WHERE client_id IS NOT NULL")
    op.execute("ALTER TABLE sessions DROP COLUMN client_id, DROP COLUMN scope")
    op.execute("DROP TABLE clients")
