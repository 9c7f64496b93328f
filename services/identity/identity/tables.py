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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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
    # Since when a login needs a second factor. Here, so that whoever locks the account knows it for certain.
    Column("mfa_since", DateTime(timezone=True)),
    Column("active", Boolean, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
Index("users_email_unique", users.c.email, unique=True)
Index("users_username_unique", func.lower(users.c.username), unique=True)
Index("users_phone_unique", users.c.phone, unique=True, postgresql_where=users.c.phone_verified)
# Who asks for a role asks for one of the few that not everybody has, and says so.
Index("users_role", users.c.role, postgresql_where=users.c.role != "customer")
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

# Those that administrators define: the presets are in soko_contracts.rights.
roles = Table(
    "roles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("rights", ARRAY(Text), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # As chassis.confiding keeps it: whoever reads the database alone cannot make codes.
    Column("secret", Text, nullable=False),
    # The time step of the last code that counted.
    Column("last_step", BigInteger, nullable=False),
    # When it runs out, while it was not confirmed.
    Column("expires_at", DateTime(timezone=True)),
)
Index(
    "second_factors_unconfirmed",
    second_factors.c.expires_at,
    postgresql_where=second_factors.c.expires_at.is_not(None),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, primary_key=True),
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

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # None where the client could not keep a secret.
    Column("secret_hash", Text),
    Column("redirect_uris", ARRAY(Text), nullable=False),
    Column("scope", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('public', 'confidential', 'machine')", name="clients_kind_known"),
)
Index("clients_created", clients.c.created_at, clients.c.id)

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
    # Both where it is a client's, which acts for the user as far as this scope says.
    Column("client_id", Text, ForeignKey("clients.id", ondelete="CASCADE")),
    Column("scope", Text),
)
Index("sessions_of_user", sessions.c.user_id)
Index("sessions_expiry", sessions.c.expires_at)
Index("sessions_of_client", sessions.c.client_id, postgresql_where=sessions.c.client_id.is_not(None))

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

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id", ondelete="CASCADE"), nullable=False, index=True),
    # The login in whose browser it was given: with that it ends.
    Column(
        "session_id",
        Text,
        ForeignKey("sessions.id", ondelete="CASCADE", onupdate="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("nonce", Text),
    Column("challenge", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    # The client's session that it was taken for, once it was.
    Column("grant_id", Text, ForeignKey("sessions.id", ondelete="CASCADE", onupdate="CASCADE"), index=True),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("scope", Text, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
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
