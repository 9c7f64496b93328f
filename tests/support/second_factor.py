"""An account with a second factor, and the app that makes its codes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pyotp
from chassis.fixtures import Harness
from identity.seed import DEMO_PASSWORD
from signing_in import Tokens, bearing, login

MFA = "/api/v1/users/me/mfa"


@dataclass
class App:
    """What is on the phone: a secret and the recovery codes. ``tokens`` are of the session that set it up."""

    shop: Harness
    tokens: Tokens
    secret: str
    codes: list[str]

    def code(self, steps: int = 0) -> str:
        """What it shows now, or so many steps later."""
        return pyotp.TOTP(self.secret).at(self.shop.clock() + steps * timedelta(seconds=30))

    def next(self) -> str:
        """A code that was not used before: half a minute passes."""
        self.shop.clock.advance(timedelta(seconds=30))
        return self.code()

    async def ask(self, method: str, path: str = "", **body: Any) -> httpx.Response:
        """Its owner, about the second factor."""
        return await mfa(self.shop, self.tokens, method, path, **body)


async def mfa(shop: Harness, tokens: Tokens, method: str, path: str = "", **body: Any) -> httpx.Response:
    return await shop.client.request(method, MFA + path, json=body or None, headers=bearing(tokens))


async def enrolled(shop: Harness, who: str = "customer") -> App:
    """Set up and confirmed."""
    tokens = await login(shop, who)
    made = await mfa(shop, tokens, "POST", password=DEMO_PASSWORD)
    assert made.status_code == 201, made.text
    app = App(shop, tokens, made.json()["secret"], [])
    confirmed = await app.ask("POST", "/confirm", code=app.code())
    assert confirmed.status_code == 200, confirmed.text
    app.codes = confirmed.json()["recovery_codes"]
    return app


async def with_code(
    shop: Harness, totp: str | None, password: str = DEMO_PASSWORD, network: str = "203.0.113.7"
) -> Any:
    """A login of the customer."""
    body = {"email": "customer@soko.example", "password": password} | ({"totp": totp} if totp is not None else {})
    return await shop.client.post("/api/v1/auth/login", json=body, headers={"X-Forwarded-For": network})
