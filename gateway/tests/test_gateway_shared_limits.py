"""Two gateways that count together in a real Redis, and alone while it does not answer."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from chassis.fixtures import Clock, Identity, until
from chassis.redis import connect
from chassis.servers.redis import PrivateRedis
from gateway.service import build
from gateway.settings import Settings
from redis.asyncio import Redis
from starlette.responses import JSONResponse

PATH = "/api/v1/products"
ADDRESS = "203.0.113.9"
KEY = "an internal key for these tests, 32 chars"
IDENTITY = Identity(Clock())


@asynccontextmanager
async def gateway(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    given = {"soko_env": "testing", "soko_internal_key": KEY, **settings}
    door = build(Settings(**given), {"identity": IDENTITY.app(), "catalog": JSONResponse({})}, IDENTITY.clock)
    await door.keys.refresh()
    transport = httpx.ASGITransport(app=door.app, raise_app_exceptions=False, client=(ADDRESS, 4000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            yield client
    finally:
        await door.stop()


def bearer(user_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {IDENTITY.token(user_id)}"}


@pytest.fixture
async def redis(own_redis: PrivateRedis) -> Redis:
    async with connect(own_redis.url()) as client:
        await client.flushall()
    return client


async def asked(client: httpx.AsyncClient, times: int) -> list[int]:
    return [(await client.get(PATH)).status_code for _ in range(times)]


@pytest.mark.usefixtures("enough_time")
async def test_what_one_gateway_has_let_through_counts_at_the_other(own_redis: PrivateRedis, redis: Redis) -> None:
    limited = {"rate_limit_address": "5/minute", "redis_url": own_redis.url()}
    async with gateway(**limited) as one, gateway(**limited) as other:
        assert await asked(one, 3) == [200] * 3
        assert await asked(other, 3) == [200, 200, 429]
        refused = await one.get(PATH)

    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60


@pytest.mark.usefixtures("enough_time")
async def test_users_and_addresses_cannot_be_read_in_redis(own_redis: PrivateRedis, redis: Redis) -> None:
    async with gateway(redis_url=own_redis.url()) as client:
        await client.get(PATH, headers=bearer("wanjiku"))
        await client.get(PATH)
    names = [name.decode() async for name in redis.scan_iter()]

    assert len(names) == 2
    assert all(name.startswith("soko:limits:") for name in names)
    assert not [name for name in names if "wanjiku" in name or ADDRESS in name]
    assert all([0 < await redis.ttl(name) <= 60 for name in names])


@pytest.mark.usefixtures("enough_time")
async def test_who_is_beyond_the_limit_is_refused_without_asking_redis(own_redis: PrivateRedis, redis: Redis) -> None:
    async with gateway(rate_limit_address="2/minute", redis_url=own_redis.url()) as client:
        assert await asked(client, 5) == [200, 200, 429, 429, 429]
        (name,) = [each async for each in redis.scan_iter()]
        assert await redis.get(name) == b"2"


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
async def test_while_redis_does_not_answer_each_gateway_counts_alone_and_then_together_again(
    own_redis: PrivateRedis, redis: Redis, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    limited = {"rate_limit_address": "4/minute", "redis_url": own_redis.url()}
    async with gateway(**limited) as one, gateway(**limited) as other:
        assert await asked(one, 2) + await asked(other, 1) == [200] * 3
        assert own_redis.pid is not None
        if trouble == "killed":
            own_redis.kill()
        else:
            os.kill(own_redis.pid, signal.SIGSTOP)
        assert await asked(one, 3) == [200, 200, 429]
        assert await asked(other, 4) == [200, 200, 200, 429]

        if trouble == "killed":
            own_redis.start()
        else:
            os.kill(own_redis.pid, signal.SIGCONT)

        async def counts_again() -> bool:
            await one.get(PATH, headers=bearer("somebody"))
            return bool([each async for each in redis.scan_iter()])

        await redis.flushall()
        await until(counts_again, 10)

    said = {record.message.partition(" for ")[0] for record in caplog.records if record.name == "chassis.redis"}
    assert said == {"Redis is not there", "Redis is there again"}


async def test_a_redis_that_is_not_there_from_the_start_changes_nothing() -> None:
    async with gateway(rate_limit_address="2/minute", redis_url="redis://127.0.0.1:9/0") as client:
        assert await asked(client, 3) == [200, 200, 429]
