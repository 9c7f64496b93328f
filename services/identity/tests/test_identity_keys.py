"""The keys that sign, and that nothing secret gets out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from chassis.fixtures import Harness
from identity import seed
from identity.jobs import tidy
from identity.service import build
from signing_in import demo, login, refresh, works


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running, public_url="https://shop.example") as harness:
        yield harness


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_honoured_after(shop: Harness) -> None:
    async def kids() -> list[str]:
        return [key["kid"] for key in (await shop.client.get("/.well-known/jwks.json")).json()["keys"]]

    (old,) = await kids()
    new = await shop.service.signing.rotate()  # type: ignore[attr-defined]
    assert await kids() == [new, old]
    assert jwt.get_unverified_header((await login(shop))["access_token"])["kid"] == old
    shop.clock.advance(timedelta(minutes=9))
    before = await login(shop)
    assert jwt.get_unverified_header(before["access_token"])["kid"] == old
    shop.clock.advance(timedelta(minutes=1))
    after = await login(shop)
    assert jwt.get_unverified_header(after["access_token"])["kid"] == new
    assert await works(shop, before)
    assert await works(shop, after)
    shop.clock.advance(timedelta(minutes=18))
    assert await kids() == [new]
    shop.clock.advance(timedelta(days=2))
    assert "1 keys" in await tidy(shop.service)
    assert await kids() == [new]


async def test_the_published_keys_hold_nothing_private(shop: Harness) -> None:
    answer = await shop.client.get("/.well-known/jwks.json")
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    signing = await shop.service.signing.active()  # type: ignore[attr-defined]
    assert "private" not in repr(signing).lower()


async def test_replicas_that_start_together_share_one_key(shop: Harness) -> None:
    service = shop.service
    await service.database.pool.execute("DELETE FROM signing_keys")
    replicas = [build(service.settings, service.world) for _ in range(4)]  # type: ignore[arg-type]
    await asyncio.gather(*(replica.open_database() for replica in replicas))
    try:
        names = {(await replica.signing.active()).kid for replica in replicas}
        assert len(names) == 1
    finally:
        for replica in replicas:
            await replica.stop()


async def test_nothing_secret_is_logged(shop: Harness, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        tokens = await login(shop)
        await refresh(shop, tokens["refresh_token"])
        await refresh(shop, tokens["refresh_token"])
    logged = json.dumps([record.getMessage() for record in caplog.records])
    for secret in (seed.DEMO_PASSWORD, tokens["refresh_token"], tokens["access_token"], "PRIVATE KEY"):
        assert secret not in logged
