"""Access tokens that every service can check, and refresh tokens that only identity can."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import jwt

from identity.keys import ALGORITHM, SigningKey

ISSUER: Final = "soko"
AUDIENCE: Final = "soko"


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
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user_id,
        "sid": session_id,
        "role": role,
        "scope": scope,
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
        "jti": token_id,
    }
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})


def refresh_token() -> str:
    """256 random bits: long enough that a plain hash of it may be stored."""
    return secrets.token_urlsafe(32)


def stored_form(token: str) -> str:
    """What the database keeps of a refresh token."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(token: str) -> str:
    """What a page has to send beside the refresh cookie. Only someone who can read the shop's cookies knows it."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()
