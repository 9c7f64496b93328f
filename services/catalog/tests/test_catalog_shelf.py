"""Replicas that share their answers in a real Redis: less is read, nothing old is shown, and none of it is needed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import httpx
import pytest
from catalog.cache import Answers, Period, Ready
from catalog.service import build
from catalog.settings import Settings
from catalog.shelf import LARGEST, RedisShelf
from chassis.fixtures import Harness, until
from chassis.redis import Circuit, connect
from chassis.servers.redis import PrivateRedis
from redis.asyncio import Redis
from shelves import Inventory, kes, kettle, replica, staff

PRODUCT = "/api/v1/products/kettle"
PLACES = "soko:catalog:*"
KEY = (PRODUCT, b"")
NOW = Period("1", datetime.max.replace(tzinfo=UTC))
A_WHILE = timedelta(minutes=1)


@pytest.fixture
async def redis(own_redis: PrivateRedis) -> AsyncIterator[Redis]:
    async with connect(own_redis.url()) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def shop(running: Callable[..., Any], own_redis: PrivateRedis, redis: Redis) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}, redis_url=own_redis.url()) as harness:
        yield harness


async def kept(redis: Redis) -> dict[bytes, bytes]:
    return {name: await redis.get(name) async for name in redis.scan_iter(PLACES)}


async def price(client: httpx.AsyncClient) -> str:
    answer = await client.get(PRODUCT)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["price"]["amount"])


async def change_price(shop: Harness, client: httpx.AsyncClient, amount: str) -> None:
    answer = await client.patch(PRODUCT, json={"price": kes(amount)}, headers=staff(shop))
    assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("enough_time")
async def test_what_one_replica_has_read_the_other_does_not_read_again(shop: Harness, redis: Redis) -> None:
    await kettle(shop)
    async with replica(shop, loops=False) as (_, one), replica(shop, loops=False) as (_, other):
        first = await one.get(PRODUCT)
        ((place, bytes_),) = (await kept(redis)).items()
        await redis.set(place, bytes_.replace(b"Kettle", b"Redis!"), keepttl=True)
        second = await other.get(PRODUCT)
        unchanged = await other.get(PRODUCT, headers={"If-None-Match": first.headers["etag"]})

    assert (first.json()["name"], second.json()["name"]) == ("Kettle", "Redis!")
    assert (second.headers["etag"], second.headers["cache-control"]) == (first.headers["etag"], "no-cache")
    assert unchanged.status_code == 304


@pytest.mark.usefixtures("enough_time")
async def test_nothing_is_kept_for_more_than_ten_minutes_and_no_word_of_what_was_asked(
    shop: Harness, redis: Redis
) -> None:
    await kettle(shop)
    async with replica(shop, loops=False) as (_, one):
        await one.get("/api/v1/products?search=wanjiku")
        ((place, bytes_),) = (await kept(redis)).items()
        lasts = await redis.pttl(place)

    assert 0 < lasts <= 600_000
    assert place.startswith(b"soko:catalog:")
    assert b"wanjiku" not in place + bytes_.partition(b"\n")[0]


@pytest.mark.usefixtures("enough_time")
async def test_what_tells_of_people_is_not_shared(shop: Harness, redis: Redis) -> None:
    await kettle(shop)
    await shop.client.post(f"{PRODUCT}/reviews", json={"rating": 4, "author": "Wanjiku"}, headers=shop.bearer("c-1"))
    async with replica(shop, loops=False) as (_, one):
        for path in (f"{PRODUCT}/reviews", "/api/v1/reviews"):
            assert (await one.get(path)).json()["total"] == 1

    assert await kept(redis) == {}


@pytest.mark.usefixtures("enough_time")
async def test_what_was_read_before_a_change_is_found_by_nobody_who_knows_of_it_however_late_it_is_kept(
    shop: Harness, redis: Redis
) -> None:
    """The harness's clock stands still: it goes on trusting its look, and does not hear of the change."""
    await kettle(shop)
    slow: Answers = shop.service.app.state.answers
    read, go = asyncio.Event(), asyncio.Event()

    async def reading() -> Ready:
        read.set()
        await go.wait()
        return Ready.of(b"as it was", 1)

    asking = asyncio.create_task(slow.make(KEY, reading))
    await read.wait()
    async with replica(shop, loops=False) as (_, one), replica(shop, loops=False) as (_, other):
        await change_price(shop, one, "1.00")
        go.set()
        await asking

        assert [value.endswith(b"as it was") for value in (await kept(redis)).values()] == [True]
        assert [await price(one), await price(other)] == ["1.00", "1.00"]


async def test_a_write_whose_process_dies_before_it_could_say_so_is_seen_all_the_same(shop: Harness) -> None:
    await kettle(shop)
    async with replica(shop) as (_, one), replica(shop) as (_, other):
        assert [await price(one), await price(other)] == ["2499.00", "2499.00"]
        pool = shop.service.database.pool
        await pool.execute("UPDATE offers SET price = 100")  # which no process has dropped anything for
        await pool.execute("UPDATE products SET price = 100, current_price = 100")
        committed = monotonic()

        async def both_show_it() -> bool:
            return [await price(one), await price(other)] == ["1.00", "1.00"]

        await until(both_show_it, 10)
    assert monotonic() - committed < 1


@pytest.mark.usefixtures("enough_time")
async def test_after_its_own_write_a_replica_shows_it_at_once(shop: Harness) -> None:
    await kettle(shop)
    async with replica(shop) as (_, one), replica(shop) as (_, other):
        for n in range(1, 20):
            await asyncio.gather(price(one), price(other))
            await change_price(shop, one, f"{n}.00")
            assert await price(one) == f"{n}.00"


@dataclass
class Readers:
    """Customers who look at the price all the time, and what they should have seen."""

    shop: Harness
    replicas: list[httpx.AsyncClient]
    changed: list[float] = field(default_factory=lambda: [monotonic()])
    seen: list[tuple[float, int]] = field(default_factory=list)

    async def change(self) -> None:
        number = len(self.changed)
        await change_price(self.shop, self.replicas[number % len(self.replicas)], f"{number}.00")
        self.changed.append(monotonic())

    async def read(self, client: httpx.AsyncClient) -> None:
        while True:
            began = monotonic()
            self.seen.append((began, int(float(await price(client)))))
            await asyncio.sleep(0.005)

    async def change_for(self, seconds: float) -> None:
        began = monotonic()
        while monotonic() - began < seconds:
            await self.change()
            await asyncio.sleep(0.25)

    @property
    def late(self) -> list[float]:
        """How much longer than a second ago what was seen had changed, where it had."""
        found = []
        for began, number in self.seen:
            if number + 1 < len(self.changed) and began > self.changed[number + 1] + 1:
                found.append(began - self.changed[number + 1])
        return found


@asynccontextmanager
async def readers(shop: Harness) -> AsyncIterator[Readers]:
    await kettle(shop)
    async with replica(shop) as (_, one), replica(shop) as (_, other):
        they = Readers(shop, [one, other])
        await they.change()
        reading = [asyncio.create_task(they.read(client)) for client in (one, other) for _ in range(2)]
        try:
            yield they
            assert not [task for task in reading if task.done()]
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)


async def killed(server: PrivateRedis, client: Redis, meanwhile: Awaitable[None]) -> None:
    server.kill()
    await meanwhile
    server.start()


async def frozen(server: PrivateRedis, client: Redis, meanwhile: Awaitable[None]) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    await meanwhile
    os.kill(server.pid, signal.SIGCONT)


async def full(server: PrivateRedis, client: Redis, meanwhile: Awaitable[None]) -> None:
    await client.config_set("maxmemory-policy", "noeviction")
    await client.config_set("maxmemory", 1)
    await meanwhile
    await client.config_set("maxmemory", 0)


async def emptied(server: PrivateRedis, client: Redis, meanwhile: Awaitable[None]) -> None:
    going_on = asyncio.ensure_future(meanwhile)
    while not going_on.done():
        await client.flushall()
        await asyncio.sleep(0.05)
    await going_on


@pytest.mark.parametrize("trouble", [killed, frozen, full, emptied])
async def test_whatever_befalls_redis_readers_are_served_and_see_nothing_older_than_a_second(
    shop: Harness,
    redis: Redis,
    own_redis: PrivateRedis,
    caplog: pytest.LogCaptureFixture,
    trouble: Callable[[PrivateRedis, Redis, Awaitable[None]], Awaitable[None]],
) -> None:
    async with readers(shop) as they:

        async def is_used() -> bool:
            if monotonic() - they.changed[-1] > 1:
                await they.change()
            return bool(await kept(redis))

        await until(is_used, 10)
        await trouble(own_redis, redis, they.change_for(3))
        await redis.flushall()

        await until(is_used, 10)
        await they.change_for(0.5)

    assert they.late == []
    assert len(they.seen) > 100
    said = {record.message.partition(" for ")[0] for record in caplog.records if record.name == "chassis.redis"}
    assert trouble is emptied or said == {"Redis is not there", "Redis is there again"}


async def test_a_replica_that_was_frozen_shows_nothing_old_when_it_goes_on(shop: Harness) -> None:
    """Without loops it does not look by itself: as far as it knows no time has passed."""
    await kettle(shop)
    async with replica(shop, loops=False) as (frozen_, one), replica(shop, loops=False) as (_, other):
        await price(one)
        assert frozen_.app.state.answers.get(KEY) is not None
        await change_price(shop, other, "1.00")

        async def a_second_has_passed() -> bool:
            return frozen_.app.state.answers.get(KEY) is None

        await until(a_second_has_passed, 1)
        assert await price(one) == "1.00"


async def test_while_its_database_is_away_a_replica_shows_nothing_that_may_have_changed(shop: Harness) -> None:
    await kettle(shop)
    async with replica(shop, loops=False) as (service, one):
        await price(one)
        service.database.pool.terminate()

        async def a_second_has_passed() -> bool:
            return service.app.state.answers.get(KEY) is None

        await until(a_second_has_passed, 1)
        answer = await one.get(PRODUCT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.usefixtures("enough_time")
async def test_an_answer_stands_for_its_period_its_question_and_its_shape_alone(redis: Redis) -> None:
    shelf, other_shop = RedisShelf(redis, Circuit, "one"), RedisShelf(redis, Circuit, "other")
    made = Ready.of(b"{\n}", 7)
    await shelf.put(NOW, KEY, made, A_WHILE)

    assert await shelf.get(NOW, KEY) == made
    assert await shelf.get(Period("2", NOW.until), KEY) is None
    assert await shelf.get(Period("1", NOW.until - A_WHILE), KEY) is None
    assert await shelf.get(NOW, (PRODUCT, b"page=2")) is None
    assert await other_shop.get(NOW, KEY) is None


@pytest.mark.usefixtures("enough_time")
async def test_places_are_counted_and_what_is_too_large_gets_none(redis: Redis) -> None:
    shelf = RedisShelf(redis, Circuit, "one")
    for n in range(9000):
        await shelf.put(NOW, (PRODUCT, str(n).encode()), Ready.of(b"{}"), A_WHILE)
    assert 3000 < await redis.dbsize() <= 4096

    await redis.flushall()
    await shelf.put(NOW, KEY, Ready.of(b"x" * (LARGEST + 1)), A_WHILE)
    assert await redis.dbsize() == 0


@pytest.mark.usefixtures("enough_time")
async def test_what_somebody_else_has_put_in_its_place_is_not_shown(redis: Redis) -> None:
    shelf = RedisShelf(redis, Circuit, "one")
    await shelf.put(NOW, KEY, Ready.of(b"{}"), A_WHILE)
    (place,) = await kept(redis)
    for garbage in (b"", b"\n\n", b"garbage", bytes(range(256))):
        await redis.set(place, garbage)
        assert await shelf.get(NOW, KEY) is None
