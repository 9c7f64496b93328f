"""Carts that nobody touches: told of after a day, closed after thirty, deleted after sixty."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from cart.idle import abandon, expire
from cart.service import build
from cart.settings import Settings
from chassis.fixtures import Harness
from chassis.rebuild import Rebuild
from chassis.world import new_id
from soko_contracts import cart as contract
from soko_contracts import catalog

DAY = timedelta(days=1)


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings) as harness:
        facts: dict[str, Any] = {"product_id": new_id(), "name": "Kettle", "price": 249900, "currency": "KES"}
        await harness.deliver(
            catalog.VariantCreated(**facts, variant_id=new_id(), sku="KET-1", active=True), subject="p"
        )
        yield harness


async def add(shop: Harness, who: dict[str, str], quantity: int = 1) -> dict[str, str]:
    """Put kettles in the cart; the headers of whoever has it."""
    answer = await shop.client.post("/api/v1/cart/items", json={"sku": "KET-1", "quantity": quantity}, headers=who)
    assert answer.status_code == 201, answer.text
    token = answer.headers.get("x-cart-token")
    return {"X-Cart-Token": token} if token else who


async def cart_of(shop: Harness, who: dict[str, str]) -> Any:
    return (await shop.client.get("/api/v1/cart", headers=who)).json()


async def told(shop: Harness) -> list[contract.Abandoned]:
    await shop.settle()
    return [each for each in shop.sent if isinstance(each, contract.Abandoned)]


async def pass_(shop: Harness, time: timedelta) -> None:
    shop.clock.advance(time)
    await abandon(shop.service)
    await expire(shop.service)


async def count(shop: Harness, stream: str) -> int:
    return int(await shop.service.database.pool.fetchval("select count(*) from events where stream = $1", stream))


async def test_a_customers_cart_is_told_of_once_after_a_day(shop: Harness) -> None:
    me = new_id()
    who = await add(shop, shop.bearer(me), 2)
    await pass_(shop, DAY - timedelta(seconds=1))
    assert await told(shop) == []
    for _ in range(3):
        await pass_(shop, timedelta(seconds=2))
    (left,) = await told(shop)
    assert (left.customer_id, [(line.sku, line.quantity) for line in left.lines]) == (me, [("KET-1", 2)])
    await add(shop, shop.bearer(me))
    await pass_(shop, 2 * DAY)
    assert len(await told(shop)) == 1
    assert who


async def test_guests_and_empty_carts_are_not_told_of(shop: Harness) -> None:
    await add(shop, {})
    who = await add(shop, shop.bearer(new_id()))
    await shop.client.delete("/api/v1/cart", headers=who)
    await pass_(shop, 2 * DAY)
    assert await told(shop) == []


async def test_a_cart_that_is_touched_is_not_left(shop: Harness) -> None:
    me = new_id()
    for _ in range(3):
        await add(shop, shop.bearer(me))
        await pass_(shop, 0.9 * DAY)
    assert await told(shop) == []


async def test_after_thirty_idle_days_a_cart_is_closed(shop: Harness) -> None:
    me = new_id()
    await add(shop, shop.bearer(me), 2)
    await pass_(shop, 2 * DAY)
    await pass_(shop, 27.9 * DAY)
    assert (await cart_of(shop, shop.bearer(me)))["items"] != []
    await pass_(shop, 0.2 * DAY)
    assert (await cart_of(shop, shop.bearer(me)))["items"] == []
    carts = (await shop.client.get("/api/v1/carts", headers=shop.bearer(me))).json()["items"]
    assert [each["status"] for each in carts] == ["expired"]
    await add(shop, shop.bearer(me))
    assert [item["quantity"] for item in (await cart_of(shop, shop.bearer(me)))["items"]] == [1]


async def test_thirty_days_later_nothing_of_it_is_left_and_a_customer_goes_on(shop: Harness) -> None:
    me = new_id()
    await add(shop, shop.bearer(me))
    guest = await add(shop, {})
    ids = [(await cart_of(shop, who))["id"] for who in (shop.bearer(me), guest)]
    await pass_(shop, 31 * DAY)
    await pass_(shop, 29 * DAY)
    assert [await count(shop, f"cart-{id_}") for id_ in ids] == [3, 2]
    await pass_(shop, 2 * DAY)
    assert [await count(shop, f"cart-{id_}") for id_ in ids] == [1, 0]
    assert (await shop.client.get("/api/v1/carts", headers=shop.bearer(me))).json()["items"] == []
    await add(shop, shop.bearer(me), 3)
    now = await cart_of(shop, shop.bearer(me))
    assert now["id"] not in ids
    assert [item["quantity"] for item in now["items"]] == [3]
    again = await add(shop, guest)
    assert (await cart_of(shop, again))["id"] not in ids
    assert not [each.table for each in await Rebuild(shop.service).run() if each.differed]
