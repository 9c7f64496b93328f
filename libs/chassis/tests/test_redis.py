"""A Redis that may be away: what asks it goes on, soon, and says so once."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from chassis.fixtures import until
from chassis.redis import CONNECTIONS, PAUSE, WITHIN, Circuit, connect
from chassis.servers.redis import PrivateRedis
from redis.asyncio import Redis


@pytest.fixture
async def redis(own_redis: PrivateRedis) -> AsyncIterator[Redis]:
    async with connect(own_redis.url()) as client:
        await client.flushall()
        yield client


class Asked:
    """Asks by a circuit, and counts how often Redis was really asked."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.circuit, self.times = redis, Circuit("tests"), 0

    async def get(self, name: str) -> bytes | None:
        async def asked() -> bytes | None:
            self.times += 1
            found: bytes | None = await self.redis.get(name)
            return found

        return await self.circuit.ask(asked, b"otherwise")


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
async def test_while_nothing_answers_everybody_goes_on_and_one_a_second_tries(
    own_redis: PrivateRedis, redis: Redis, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    asked = Asked(redis)
    await redis.set("name", "value")
    assert await asked.get("name") == b"value"
    assert own_redis.pid is not None
    if trouble == "killed":
        own_redis.kill()
    else:
        os.kill(own_redis.pid, signal.SIGSTOP)

    async def all_ask() -> set[bytes | None]:
        return set(await asyncio.gather(*(asked.get("name") for _ in range(5))))

    assert await all_ask() == {b"otherwise"}
    began, asked.times = monotonic(), 0
    async with asyncio.timeout(10):
        while monotonic() - began < 2.5 * (PAUSE + WITHIN):
            assert await all_ask() == {b"otherwise"}
            await asyncio.sleep(0.01)

    assert 1 <= asked.times <= 3
    if trouble == "killed":
        own_redis.start()
    else:
        os.kill(own_redis.pid, signal.SIGCONT)

    async def answers() -> bool:
        return await asked.get("name") != b"otherwise"

    await until(answers, 10)
    said = [record.getMessage() for record in caplog.records if record.name == "chassis.redis"]
    why = {"killed": "Connect", "frozen": f"no answer within {WITHIN} s"}[trouble]
    assert len(said) == 2, said
    assert said[0].startswith("Redis is not there for tests: ")
    assert why in said[0]
    assert said[1] == "Redis is there again for tests"


async def test_nobody_is_given_the_answer_to_what_another_gave_up_waiting_for(
    own_redis: PrivateRedis, redis: Redis
) -> None:
    names = [f"name-{n}" for n in range(3 * CONNECTIONS)]
    for name in names:
        await redis.set(name, name)
    assert own_redis.pid is not None
    os.kill(own_redis.pid, signal.SIGSTOP)
    given_up = await asyncio.gather(*(Asked(redis).get(name) for name in names))
    os.kill(own_redis.pid, signal.SIGCONT)

    assert set(given_up) == {b"otherwise"}
    assert await asyncio.gather(*(redis.get(name) for name in reversed(names))) == [
        name.encode() for name in reversed(names)
    ]


async def test_a_wrong_password_is_said_without_it(
    own_redis: PrivateRedis, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(f"redis://:not-the-secret@127.0.0.1:{own_redis.port}/0") as stranger:
        assert await Asked(stranger).get("name") == b"otherwise"
    (said,) = [record.getMessage() for record in caplog.records if record.name == "chassis.redis"]
    assert said.startswith("Redis is not there for tests: ")
    assert "not-the-secret" not in said
