"""Logins that go by way of a provider: begun in one browser, ended in the same, once, within ten minutes."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from chassis.http import Problem

from identity.app import Identity
from identity.outside.provider import Provider
from identity.problems import PROVIDER_LOGIN_OVER

LIFE: Final = timedelta(minutes=10)

BEGIN: Final = "INSERT INTO outside_logins (hash, provider, return_to, expires_at) VALUES ($1, $2, $3, $4)"
END: Final = "DELETE FROM outside_logins WHERE hash = $1 AND provider = $2 RETURNING return_to, expires_at"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the secret that it keeps meanwhile."""

    url: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """What was sent to the provider, and where the browser wants to be in the end."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str | None


async def begin(service: Identity, provider: Provider, return_to: str | None) -> Begun:
    """A login at ``provider``. Raises 503.

    The nonce and PKCE's verifier are made of the browser's own secret, so that what is stored opens nothing.
    """
    state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    url = await provider.login_url(state, _made(browser, state, "nonce"), _made(browser, state, "verifier"))
    expires_at = service.world.clock() + LIFE
    await service.database.pool.execute(BEGIN, _hash(browser, state), provider.name, return_to, expires_at)
    return Begun(url, browser)


async def end(service: Identity, provider: Provider, state: str | None, browser: str | None) -> Ended:
    """The login that this browser began there; it has ended now, whatever comes of it. Raises 403."""
    found = None
    if state and browser:
        found = await service.database.pool.fetchrow(END, _hash(browser, state), provider.name)
    if found is None or not state or not browser or found["expires_at"] <= service.world.clock():
        raise Problem(PROVIDER_LOGIN_OVER)
    nonce, verifier = (_made(browser, state, what) for what in ("nonce", "verifier"))
    return Ended(nonce, verifier, found["return_to"])


def _made(browser: str, state: str, what: str) -> str:
    digest = hmac.new(browser.encode(), f"{what}:{state}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(browser: str, state: str) -> str:
    return hashlib.sha256(f"{browser}:{state}".encode()).hexdigest()
