"""Identity with the demo's accounts, and how people log in to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from chassis.fixtures import Harness
from identity import seed
from identity.service import build
from identity.settings import IdentitySettings

Tokens = dict[str, Any]

NEW = {"email": "Packer@Soko.example", "password": "a long sentence", "role": "staff", "first_name": "Pat"}
NOBODY = "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"


@asynccontextmanager
async def demo(running: Callable[..., Any], **settings: Any) -> AsyncIterator[Harness]:
    """The service with the demo's accounts; nothing of their making is in ``sent``."""
    async with running(build, IdentitySettings, **settings) as harness:
        await seed.demo_accounts(harness.service)
        await harness.settle()
        harness.recorder.envelopes.clear()
        yield harness


async def login(
    shop: Harness, who: str = "customer", password: str = seed.DEMO_PASSWORD, headers: dict[str, str] | None = None
) -> Tokens:
    """What a login answers."""
    body = {"email": f"{who}@soko.example", "password": password}
    answer = await shop.client.post("/api/v1/auth/login", json=body, headers=headers)
    found: Tokens = answer.json()
    assert answer.status_code == 200, found
    return found


def bearing(tokens: Tokens) -> dict[str, str]:
    """The header of a request with this access token."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def bearer(shop: Harness, who: str = "customer") -> dict[str, str]:
    """The header of a request by somebody who has logged in now."""
    return bearing(await login(shop, who))


async def works(shop: Harness, tokens: Tokens) -> bool:
    """Whether the access token counts, once what was revoked is known."""
    await shop.service.revocations.poll_once()
    return (await shop.client.get("/api/v1/users/me", headers=bearing(tokens))).status_code == 200


async def refresh(shop: Harness, token: str) -> httpx.Response:
    return await shop.client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def create(shop: Harness, **changes: Any) -> httpx.Response:
    """A new account, by an administrator."""
    return await shop.client.post("/api/v1/users", json=NEW | changes, headers=await bearer(shop, "admin"))
