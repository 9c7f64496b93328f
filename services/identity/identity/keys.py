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

AHEAD: Final = timedelta(minutes=10)
"""How long a new key is published before it signs. Services read the keys every five minutes, so none is surprised."""

# Numbers make of two replicas that insert at once one who does.
INSERT = """
INSERT INTO signing_keys (number, kid, public_jwk, private_pem, signs_from)
SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM signing_keys HAVING $5 OR count(*) = 0
ON CONFLICT DO NOTHING
"""

# A key signs until the next one does.
ALL = """
SELECT kid, public_jwk, private_pem, signs_from, lead(signs_from) OVER (ORDER BY number) AS signs_until
FROM signing_keys ORDER BY number DESC
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
        """The public parts, as RFC 7517 has them: what signs now, what will, and what has until lately."""
        return {"keys": list((await self._current()).public)}

    async def ensure(self) -> None:
        """Make the first key where there is none. Of two replicas that start together, one's key is taken."""
        await self._pool().execute(INSERT, *_made(), self._clock(), False)
        self._known = None

    async def told(self) -> list[dict[str, Any]]:
        """Every key that there is, the newest first: ``kid``, ``signs_from``, ``signs_until``, ``honoured_until``.

        The last two are None while no other key follows.
        """
        return [
            {
                "kid": row["kid"],
                "signs_from": row["signs_from"],
                "signs_until": row["signs_until"],
                "honoured_until": row["signs_until"] and row["signs_until"] + self._honoured,
            }
            for row in await self._pool().fetch(ALL)
        ]

    async def rotate(self) -> str:
        """Publish a new key, which signs from ``AHEAD`` on; the old one is honoured until its last token has run out.

        Answers the new key's name.
        """
        await self._pool().execute(INSERT, *_made(), self._clock() + AHEAD, True)
        self._known = None
        return str((await self._current()).public[0]["kid"])

    async def _current(self) -> _Known:
        now = self._clock()
        if self._known is None or now - self._known.read_at >= KEPT:
            rows = await self._pool().fetch(ALL)
            honoured = [row for row in rows if not row["signs_until"] or row["signs_until"] > now - self._honoured]
            # The oldest where all are still to come: another replica's clock is ahead of this one's.
            active = next((row for row in honoured if row["signs_from"] <= now), honoured[-1])
            private = load_pem_private_key(active["private_pem"].encode(), None)
            assert isinstance(private, Ed25519PrivateKey)
            public = tuple(json.loads(row["public_jwk"]) for row in honoured)
            self._known = _Known(now, SigningKey(active["kid"], private), public)
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
