"""Identity's tables. What is personal here is identity's own fact: it is stored once, here, and asked for by others."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text),
    Column("username", Text),
    Column("phone", Text),
    # A number the owner has set but not proven serves as a contact, never as a login.
    Column("phone_verified", Boolean, nullable=False),
    # What the owner wants instead, until the code that was sent there comes back.
    Column("pending_email", Text),
    Column("pending_phone", Text),
    Column("password_hash", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("role IN ('customer', 'staff', 'admin')", name="users_role_known"),
)
Index("users_email_unique", users.c.email, unique=True)
Index("users_username_unique", func.lower(users.c.username), unique=True)
Index("users_phone_unique", users.c.phone, unique=True, postgresql_where=users.c.phone_verified)
Index("users_created", users.c.created_at, users.c.id)

# A phone that is registered with belongs to one account at a time, until it is confirmed or given up.
Index("users_phone_unconfirmed", users.c.phone, unique=True, postgresql_where=~users.c.verified)

codes = Table(
    "codes",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Text, primary_key=True),
    # Keyed: all codes there are would be tried in a second.
    Column("hash", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    CheckConstraint("channel IN ('email', 'phone')", name="codes_channel_known"),
)

reset_tokens = Table(
    "reset_tokens",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    CheckConstraint("channel IN ('email', 'phone')", name="reset_tokens_channel_known"),
)

outside_identities = Table(
    "outside_identities",
    metadata,
    # Who somebody is elsewhere: no other account can be that, whatever the provider is called in the settings.
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("linked_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True), nullable=False),
)

outside_logins = Table(
    "outside_logins",
    metadata,
    # Of the state and of the secret in the browser's cookie: neither counts without the other.
    Column("hash", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("return_to", Text),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)

addresses = Table(
    "addresses",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("line1", Text, nullable=False),
    Column("line2", Text),
    Column("city", Text, nullable=False),
    Column("region", Text),
    Column("postal_code", Text),
    Column("country", Text, nullable=False),
    Column("instructions", Text),
    Column("is_default", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
Index("addresses_of_user", addresses.c.user_id, addresses.c.created_at)
Index("addresses_one_default", addresses.c.user_id, unique=True, postgresql_where=addresses.c.is_default)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("device", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
Index("sessions_of_user", sessions.c.user_id)
Index("sessions_expiry", sessions.c.expires_at)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", Text, primary_key=True),
    # A change of role gives a session another id, and its family of tokens follows.
    Column(
        "session_id",
        Text,
        ForeignKey("sessions.id", ondelete="CASCADE", onupdate="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
)

revocations = Table(
    "revocations",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    # When the last access token of the session has run out by itself.
    Column("needed_until", DateTime(timezone=True), nullable=False),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False, index=True),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kid", Text, nullable=False, unique=True),
    Column("public_jwk", Text, nullable=False),
    Column("private_pem", Text, nullable=False),
    Column("signs_from", DateTime(timezone=True), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("arrival", BigInteger, Identity(always=True), primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", Text),
    Column("by_id", Text),
    Column("details", JSONB, nullable=False),
    # Given once the row is committed, without gaps.
    Column("number", BigInteger),
    Column("hash", Text),
)
Index("audit_number_unique", audit.c.number, unique=True)
Index("audit_unnumbered", audit.c.arrival, postgresql_where=audit.c.number.is_(None))
Index("audit_of_user", audit.c.user_id, audit.c.arrival)
Index("audit_of_kind", audit.c.kind, audit.c.arrival)
