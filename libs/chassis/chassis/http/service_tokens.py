"""How services prove to each other who asks: a short-lived token, signed with the key they share."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Final

import jwt

HEADER: Final = "x-service-token"
AUDIENCE: Final = "soko-internal"
LIFETIME: Final = 300
"""Seconds. A new one is made when less than a fifth is left."""


class ServiceTokens:
    """Makes this service's token and checks those of others; both are remembered."""

    def __init__(self, service: str, internal_key: str, clock: Callable[[], datetime]) -> None:
        self.service = service
        # HS256 wants 32 bytes, the setting is whatever an operator typed.
        self._key = hashlib.sha256(internal_key.encode()).digest()
        self._clock = clock
        self._own: tuple[str, float] = ("", 0.0)
        self._seen: dict[str, tuple[str, float]] = {}

    def digest(self, body: bytes) -> str:
        """A keyed hash of a body, in hex: kept beside idempotency keys, it must not tell a password in the body."""
        return hmac.digest(self._key, body, "sha256").hex()

    def own(self) -> str:
        """The token to send."""
        now = self._clock().timestamp()
        if self._own[1] - now < LIFETIME / 5:
            said = {"sub": self.service, "aud": AUDIENCE, "iat": int(now), "exp": int(now) + LIFETIME}
            self._own = jwt.encode(said, self._key, algorithm="HS256"), now + LIFETIME
        return self._own[0]

    def verify(self, token: str) -> str | None:
        """The name of the service that sent ``token``; None where it proves nothing."""
        known = self._seen.get(token)
        if known is None:
            try:
                said = jwt.decode(
                    token,
                    self._key,
                    algorithms=["HS256"],
                    audience=AUDIENCE,
                    options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False},
                )
            except (jwt.PyJWTError, ValueError):
                return None
            if len(self._seen) >= 256:
                self._seen.clear()
            known = self._seen[token] = str(said["sub"]), float(said["exp"])
        return known[0] if self._clock().timestamp() < known[1] else None
