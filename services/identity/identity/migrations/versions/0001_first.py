"""Accounts, their addresses and sessions, failed logins, revocations, and the keys that sign."""

from alembic import op

revision = "identity_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE users (
    id text PRIMARY KEY,
    email text,
    username text,
    phone text,
    phone_verified boolean NOT NULL,
    password_hash text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    language text NOT NULL,
    role text NOT NULL CONSTRAINT users_role_known CHECK (role IN ('customer', 'staff', 'admin')),
    active boolean NOT NULL,
    verified boolean NOT NULL,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_email_unique ON users (email);
CREATE UNIQUE INDEX users_username_unique ON users (lower(username));
CREATE UNIQUE INDEX users_phone_unique ON users (phone) WHERE phone_verified;
CREATE INDEX users_created ON users (created_at, id);

CREATE TABLE addresses (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    phone text NOT NULL,
    line1 text NOT NULL,
    line2 text,
    city text NOT NULL,
    region text,
    postal_code text,
    country text NOT NULL,
    instructions text,
    is_default boolean NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX addresses_of_user ON addresses (user_id, created_at);
CREATE UNIQUE INDEX addresses_one_default ON addresses (user_id) WHERE is_default;

CREATE TABLE sessions (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device text NOT NULL,
    address text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash text PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id);

CREATE TABLE revocations (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    needed_until timestamptz NOT NULL
);

CREATE TABLE login_failures (
    key text PRIMARY KEY,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL
);
CREATE INDEX ix_login_failures_last_at ON login_failures (last_at);

CREATE TABLE signing_keys (
    number integer PRIMARY KEY,
    kid text NOT NULL UNIQUE,
    public_jwk text NOT NULL,
    private_pem text NOT NULL,
    signs_from timestamptz NOT NULL
)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    for table in ("signing_keys", "login_failures", "revocations", "refresh_tokens", "sessions", "addresses", "users"):
        op.execute(f"DROP TABLE {table}")
