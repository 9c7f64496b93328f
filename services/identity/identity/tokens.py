"""Access tokens that every service can check, and refresh tokens that only identity can."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import jwt

from identity.keys import ALGORITHM, SigningKey
from identity.openid import scopes

ISSUER: Final = "soko"
AUDIENCE: Final = "soko"
PROVIDER: Final = "soko-provider"
"""The audience of what clients are given: this service's own pages under ``/oauth2``, which tell whom it is about."""


def access_token(
    key: SigningKey,
    *,
    user_id: str,
    role: str,
    scope: str,
    session_id: str,
    token_id: str,
    now: datetime,
    lifetime: timedelta,
) -> str:
    """A signed token for ``lifetime``: who, in which session, with which rights."""
    said = {"sub": user_id, "sid": session_id, "role": role, "scope": scope, "jti": token_id}
    return _signed(key, {"iss": ISSUER, "aud": AUDIENCE, **said}, now, lifetime)


def client_token(
    key: SigningKey,
    *,
    client_id: str,
    user_id: str | None,
    session_id: str,
    scope: frozenset[str],
    token_id: str,
    now: datetime,
    lifetime: timedelta,
) -> str:
    """The same for a client, of a user or (None) its own. The shop takes it only if anything in it is of the shop."""
    audience = [PROVIDER, AUDIENCE] if scope & scopes.SHOP else [PROVIDER]
    said = {"sub": user_id or client_id, "client_id": client_id, "sid": session_id, "jti": token_id}
    return _signed(key, {"iss": ISSUER, "aud": audience, **said, "scope": scopes.joined(scope)}, now, lifetime)


def id_token(
    key: SigningKey,
    *,
    issuer: str,
    client_id: str,
    user_id: str,
    nonce: str | None,
    authenticated_at: datetime,
    now: datetime,
    lifetime: timedelta,
) -> str:
    """What tells the client ``client_id`` who has logged in, when, and that it answers the request with ``nonce``."""
    said = {"iss": issuer, "aud": client_id, "sub": user_id, "auth_time": int(authenticated_at.timestamp())}
    return _signed(key, said | ({"nonce": nonce} if nonce else {}), now, lifetime)


def _signed(key: SigningKey, said: dict[str, Any], now: datetime, lifetime: timedelta) -> str:
    issued = int(now.timestamp())
    claims = said | {"iat": issued, "exp": issued + int(lifetime.total_seconds())}
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})


def refresh_token() -> str:
    """256 random bits, for a client's secret and a code too: long enough that a plain hash of it may be stored."""
    return secrets.token_urlsafe(32)


def stored_form(token: str) -> str:
    """What the database keeps of such a one."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(token: str) -> str:
    """What a page has to send beside the refresh cookie. Only someone who can read the shop's cookies knows it."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()
