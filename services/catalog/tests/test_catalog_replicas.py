"""Two replicas on one database: what one of them changes, the other does not show for long as it was."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import httpx
import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import Inventory, kes, kettle, make, replica, staff

PRODUCT = "/api/v1/products/kettle"


@pytest.fixture(params=["memory", "redis"])
async def shop(running: Callable[..., Any], request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    async with running(build, Settings, peers={"inventory": Inventory().app()}, redis_url=url) as harness:
        yield harness


async def seconds_until(client: httpx.AsyncClient, path: str, shows: Callable[[Any], bool]) -> float:
    began = perf_counter()
    while not shows((await client.get(path)).json()):
        assert perf_counter() - began < 10
        await asyncio.sleep(0.01)  # the replica's own loops want their turn
    return perf_counter() - began


def costs(amount: str) -> Callable[[Any], bool]:
    return lambda shown: bool(shown["price"] == kes(amount))


async def test_no_reader_sees_a_price_older_than_a_second_after_its_change(shop: Harness) -> None:
    await kettle(shop)
    async with replica(shop) as (_, other):
        late = []
        for n in range(1, 8):
            await other.get(PRODUCT)
            await shop.client.patch(PRODUCT, json={"price": kes(f"{n}.00")}, headers=staff(shop))
            assert (await shop.client.get(PRODUCT)).json()["price"] == kes(f"{n}.00")
            late.append(await seconds_until(other, PRODUCT, costs(f"{n}.00")))

    assert max(late) < 1, late


async def test_a_discount_a_review_and_a_category_are_seen_by_the_other_too(shop: Harness) -> None:
    await make(shop, "/api/v1/categories", name="Home")
    await kettle(shop, category_id="home")
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    async with replica(shop) as (_, other):
        for path in (PRODUCT, "/api/v1/categories/tree"):
            await other.get(path)
        await make(shop, "/api/v1/discounts", name="Sale", percent=10, ends_at=ends_at, category_ids=["home"])
        assert await seconds_until(other, PRODUCT, lambda shown: shown["discount_percent"] == 10) < 1
        await shop.client.post(f"{PRODUCT}/reviews", json={"rating": 4}, headers=shop.bearer("c-1"))
        assert await seconds_until(other, PRODUCT, lambda shown: shown["rating"] == 4.0) < 1
        await shop.client.patch("/api/v1/categories/home", json={"name": "House"}, headers=staff(shop))
        tree = "/api/v1/categories/tree"
        assert await seconds_until(other, tree, lambda shown: shown["items"][0]["name"] == "House") < 1
