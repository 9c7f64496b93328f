"""Following orders costs one question a look, however many follow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from order.domain import order
from order.following import MOVED, Followers
from order.testing_shop import Shop, open_shop


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with open_shop(running) as shop:
        yield shop


class Counting:
    """A pool that counts the looks."""

    def __init__(self, pool: Any) -> None:
        self._pool, self.looks = pool, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    async def fetch(self, sql: str, *values: Any) -> Any:
        self.looks += sql == MOVED
        return await self._pool.fetch(sql, *values)


async def test_fifty_who_follow_an_order_ask_as_one_and_hear_of_it_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, followers = shop.harness.service, Followers()
    moving, resting = [await shop.placed() for _ in range(2)]
    known = {each["id"]: (await service.load(order, each["id"])).version for each in (moving, resting)}

    def following(id_: str) -> asyncio.Task[None]:
        return asyncio.create_task(followers.moved(service, order.name(id_), known[id_], 30))

    told, patient = [following(moving["id"]) for _ in range(50)], following(resting["id"])
    pool = Counting(service.database.pool)
    monkeypatch.setattr(service.database, "_pool", pool)
    await shop.reserve(moving["id"])
    await asyncio.wait_for(asyncio.gather(*told), 20)
    assert 0 < pool.looks < 25
    assert not patient.done()
    patient.cancel()
    await asyncio.gather(patient, return_exceptions=True)
