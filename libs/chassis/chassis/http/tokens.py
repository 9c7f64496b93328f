"""Access tokens: checked against identity's published keys, remembered until they expire."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import jwt

ISSUER: Final = "soko"
AUDIENCE: Final = "soko"
ALGORITHMS: Final = ["EdDSA", "ES256"]
REMEMBERED: Final = 20_000
"""Tokens; about 1 KiB each."""
EVERY: Final = timedelta(minutes=5)
SOON: Final = timedelta(seconds=1)
"""How soon identity is asked again after it could not be reached."""

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
FetchKeys = Callable[[], Awaitable[Mapping[str, Any]]]
"""Answers identity's JWKS document; raises when identity cannot be reached."""


class Unverified(Exception):
    """A token that proves nothing; the message says why, without the token."""


class Unreachable(Exception):
    """Identity could not be asked for the key of a token: nobody can say whether it is good."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says. ``user_id`` is None for a client that acts for itself."""

    user_id: str | None
    client_id: str | None
    role: str | None
    rights: frozenset[str]
    session_id: str | None
    issued_at: int
    expires_at: int


class Keys:
    """Identity's public keys by ``kid``. An unknown one is asked for, not more often than every ``pause``.

    The last good keys are kept while identity cannot be reached.
    """

    def __init__(self, fetch: FetchKeys, clock: Clock, pause: timedelta = timedelta(seconds=5)) -> None:
        self._fetch, self._clock, self._pause = fetch, clock, pause
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at: datetime | None = None
        self._reached = True
        self._asking = asyncio.Lock()

    @property
    def known(self) -> bool:
        """False until keys were read once."""
        return bool(self._keys)

    async def get(self, kid: str) -> jwt.PyJWK | None:
        """The key called ``kid``; None where identity has none such. ``Unreachable`` where it could not be asked."""
        if kid not in self._keys:
            async with self._asking:
                if kid not in self._keys and self._may_ask():
                    await self.refresh()
            if kid not in self._keys and not (self._reached and self._keys):
                raise Unreachable
        return self._keys.get(kid)

    async def refresh(self) -> bool:
        """Read the keys now; False, and the old ones stay, where identity cannot be reached."""
        self._asked_at = self._clock()
        try:
            document = await self._fetch()
            self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(document)).keys if key.key_id}
            self._reached = True
        except Exception as error:
            # Told once an outage, not at every poll.
            log.log(logging.WARNING if self._reached else logging.DEBUG, "signing keys could not be read: %r", error)
            self._reached = False
        return self._reached

    async def poll_once(self) -> bool:
        """Read the keys where there are none, or they are five minutes old: a key that was taken back goes too."""
        old = self._asked_at is None or self._clock() - self._asked_at >= EVERY
        return await self.refresh() if old or not self.known else True

    def _may_ask(self) -> bool:
        pause = self._pause if self._reached and self._keys else min(self._pause, SOON)
        return self._asked_at is None or self._clock() - self._asked_at >= pause


class Verifier:
    """Checks access tokens. A signature is checked once; the token is then known until it expires."""

    def __init__(self, keys: Keys, clock: Clock, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> None:
        self.keys = keys
        self._clock, self._issuer, self._audience = clock, issuer, audience
        self._remembered: dict[str, Claims] = {}

    async def verify(self, token: str) -> Claims:
        """What ``token`` says. Raises ``Unverified``, or ``Unreachable`` where its key cannot be had now."""
        claims = self._remembered.get(token)
        if claims is None:
            claims = await self._checked(token)
            if len(self._remembered) >= REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[token] = claims
        if self._clock().timestamp() >= claims.expires_at:
            self._remembered.pop(token, None)
            raise Unverified("The access token has expired")
        return claims

    async def _checked(self, token: str) -> Claims:
        try:
            header = jwt.get_unverified_header(token)
            key = await self.keys.get(str(header.get("kid")))
            if key is None:
                raise Unverified("The access token is signed with an unknown key")
            said = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                # Times are checked against the clock that was handed in.
                options={
                    "require": ["exp", "iat", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            return _claims(said)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unverified("The access token is not valid") from error


def _claims(said: Mapping[str, Any]) -> Claims:
    client_id = said.get("client_id")
    is_client = client_id is not None and client_id == said["sub"]
    return Claims(
        user_id=None if is_client else str(said["sub"]),
        client_id=None if client_id is None else str(client_id),
        role=said.get("role"),
        rights=frozenset(str(said.get("scope", "")).split()),
        session_id=said.get("sid"),
        issued_at=int(said["iat"]),
        expires_at=int(said["exp"]),
    )
