"""The keys that sign access tokens: made at first start, kept in the database, published without their private part."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ALGORITHM: Final = "EdDSA"

KEPT: Final = timedelta(seconds=60)
"""How long a process signs with what it read last: another replica's new key is taken up within this time."""

INSERT = """
INSERT INTO signing_keys (kid, public_jwk, private_pem, active, created_at) VALUES ($1, $2, $3, true, $4)
ON CONFLICT (active) WHERE active DO NOTHING
"""

RETIRE = "UPDATE signing_keys SET active = false, retired_at = $1 WHERE active"

# Tokens of a retired key are honoured until the last of them has run out.
USABLE = """
SELECT kid, public_jwk, private_pem, active FROM signing_keys
WHERE active OR retired_at > $1 ORDER BY active DESC, created_at DESC
"""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key and its name; the private part never shows in a repr."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Known:
    read_at: datetime
    active: SigningKey
    public: tuple[dict[str, Any], ...]


class SigningKeys:
    """The shop's keys, as this process knows them."""

    def __init__(self, pool: Callable[[], asyncpg.Pool], clock: Callable[[], datetime], token_life: timedelta) -> None:
        self._pool, self._clock = pool, clock
        self._honoured = token_life + 2 * KEPT
        self._known: _Known | None = None

    async def active(self) -> SigningKey:
        """The one that signs now."""
        return (await self._current()).active

    async def jwks(self) -> dict[str, Any]:
        """The public parts, as RFC 7517 has them; the active one first."""
        return {"keys": list((await self._current()).public)}

    async def ensure(self) -> None:
        """Make the first key where there is none. Of two replicas that start together, one's key is taken."""
        await self._pool().execute(INSERT, *_made(), self._clock())
        self._known = None

    async def rotate(self) -> str:
        """Sign with a new key from now on; the old one is published until its last token has run out.

        Answers the new key's name.
        """
        async with self._pool().acquire() as connection, connection.transaction():
            await connection.execute(RETIRE, self._clock())
            await connection.execute(INSERT, *_made(), self._clock())
        self._known = None
        return (await self.active()).kid

    async def _current(self) -> _Known:
        now = self._clock()
        if self._known is None or now - self._known.read_at >= KEPT:
            rows = await self._pool().fetch(USABLE, now - self._honoured)
            private = load_pem_private_key(rows[0]["private_pem"].encode(), None)
            assert isinstance(private, Ed25519PrivateKey)
            public = tuple(json.loads(row["public_jwk"]) for row in rows)
            self._known = _Known(now, SigningKey(rows[0]["kid"], private), public)
        return self._known


def _made() -> tuple[str, str, str]:
    """A new key: its name (the thumbprint of RFC 7638), its public JWK and its private PEM."""
    private = Ed25519PrivateKey.generate()
    x = urlsafe_b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).rstrip(b"=").decode()
    required = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    kid = urlsafe_b64encode(hashlib.sha256(required.encode()).digest()).rstrip(b"=").decode()
    public = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": ALGORITHM}
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return kid, json.dumps(public), pem
