"""What orders do to carts, by message and over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cart.service import build
from cart.settings import Settings
from chassis.fixtures import Harness
from chassis.rebuild import Rebuild
from chassis.world import new_id
from soko_contracts import cart as contract
from soko_contracts import catalog, order

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PRICES = {"KET-1": 249900, "MUG-1": 59900, "POT-1": 100}
TOTALS = order.Totals(subtotal=0, discount=0, shipping=0, tax=0, rounding=0, total=0, currency="KES")


class Shopper:
    """Somebody with a cart, and what order does about it."""

    def __init__(self, harness: Harness, headers: dict[str, str]) -> None:
        self.harness, self.headers = harness, headers

    async def add(self, sku: str, quantity: int = 1) -> None:
        body = {"sku": sku, "quantity": quantity}
        answer = await self.harness.client.post("/api/v1/cart/items", json=body, headers=self.headers)
        assert answer.status_code == 201, answer.text
        if token := answer.headers.get("x-cart-token"):
            self.headers = {"X-Cart-Token": token}

    async def units(self) -> dict[str, int]:
        """What stands in the cart."""
        cart = (await self.harness.client.get("/api/v1/cart", headers=self.headers)).json()
        return {item["sku"]: item["quantity"] for item in cart["items"]}

    async def read(self) -> Any:
        """The cart as order reads it."""
        headers = {**self.headers, **self.harness.service_token("order")}
        return (await self.harness.client.get("/internal/v1/cart", headers=headers)).json()

    async def close(self, read: Any) -> Any:
        """Order closes what it read, over HTTP."""
        body = {name: read[name] for name in ("order_id", "version", "lines")}
        path = f"/internal/v1/carts/{read['cart_id']}/close"
        return await self.harness.client.post(path, json=body, headers=self.harness.service_token("order"))

    async def placed(self, read: Any) -> None:
        """The event comes that the order was placed."""
        lines = tuple(
            order.OrderLine(
                sku=line["sku"],
                variant_id=line["variant_id"],
                name=line["name"],
                quantity=line["quantity"],
                unit_price=line["unit_price"],
            )
            for line in read["lines"]
        )
        facts = order.Placed(
            order_id=read["order_id"],
            number="SO-1",
            customer_id=read["customer_id"],
            lines=lines,
            totals=TOTALS,
            cart_id=read["cart_id"],
            cart_version=read["version"],
            placed_at=NOW,
        )
        await self.harness.deliver(facts, subject=read["order_id"])

    async def given_up(self, read: Any, coupon: str | None = None) -> None:
        """The order's command to put everything back comes."""
        lines = tuple(
            contract.CartLine(
                sku=line["sku"],
                variant_id=line["variant_id"],
                quantity=line["quantity"],
                unit_price=line["unit_price"],
                priced_at=datetime.fromisoformat(line["priced_at"]),
            )
            for line in read["lines"]
        )
        command = contract.PutBack(
            order_id=read["order_id"],
            cart_id=read["cart_id"],
            customer_id=read["customer_id"],
            lines=lines,
            coupon=coupon,
        )
        await self.harness.deliver(command, subject=read["order_id"])


@pytest.fixture
async def harness(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings) as harness:
        for sku, price in PRICES.items():
            told = catalog.VariantCreated(
                variant_id=new_id(), product_id=sku, sku=sku, name=sku, price=price, currency="KES", active=True
            )
            await harness.deliver(told, subject=sku)
        yield harness


@pytest.fixture(params=["customer", "guest"])
async def shopper(harness: Harness, request: pytest.FixtureRequest) -> Shopper:
    return Shopper(harness, harness.bearer(new_id()) if request.param == "customer" else {})


async def test_a_placed_order_closes_its_cart(shopper: Shopper) -> None:
    await shopper.add("KET-1", 2)
    read = await shopper.read()
    await shopper.placed(read)
    assert await shopper.units() == {}
    await shopper.add("MUG-1")
    after = await shopper.read()
    assert await shopper.units() == {"MUG-1": 1}
    assert after["order_id"] != read["order_id"]
    assert after["cart_id"] != read["cart_id"]


async def test_what_was_added_meanwhile_is_in_the_next_cart(shopper: Shopper) -> None:
    await shopper.add("KET-1", 2)
    read = await shopper.read()
    await shopper.add("KET-1", 1)
    await shopper.add("MUG-1", 4)
    await shopper.placed(read)
    assert await shopper.units() == {"KET-1": 1, "MUG-1": 4}
    assert (await shopper.read())["order_id"] != read["order_id"]


async def test_the_event_is_stale_news_after_the_close_over_http(shopper: Shopper) -> None:
    await shopper.add("KET-1", 2)
    read = await shopper.read()
    await shopper.add("KET-1", 1)
    for _ in range(2):
        closed = await shopper.close(read)
        assert (closed.status_code, closed.json()["order_id"]) == (200, read["order_id"])
    next_one = await shopper.read()
    await shopper.placed(read)
    assert await shopper.read() == next_one
    assert await shopper.units() == {"KET-1": 1}


async def test_only_its_own_order_closes_a_cart_over_http(shopper: Shopper) -> None:
    await shopper.add("KET-1", 2)
    read = await shopper.read()
    refused = await shopper.close({**read, "order_id": new_id()})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-this-cart")
    assert (await shopper.close({**read, "cart_id": new_id()})).status_code == 409
    assert (await shopper.close({**read, "cart_id": "nonsense"})).status_code == 422
    assert await shopper.units() == {"KET-1": 2}


async def test_a_given_up_order_puts_its_lines_in_a_new_cart_once(shopper: Shopper) -> None:
    await shopper.add("KET-1", 2)
    read = await shopper.read()
    await shopper.placed(read)
    await shopper.given_up(read)
    await shopper.given_up(read)
    assert await shopper.units() == {"KET-1": 2}
    again = await shopper.read()
    assert again["order_id"] != read["order_id"]
    assert [line["priced_at"] for line in again["lines"]] == [line["priced_at"] for line in read["lines"]]


async def test_a_given_up_order_adds_to_the_cart_its_owner_has_by_then(shopper: Shopper) -> None:
    await shopper.add("KET-1", 2)
    read = await shopper.read()
    await shopper.placed(read)
    await shopper.add("KET-1", 1)
    await shopper.add("POT-1", 1)
    await shopper.given_up(read)
    assert await shopper.units() == {"KET-1": 3, "POT-1": 1}


async def test_the_coupon_of_a_given_up_order_is_in_the_cart_again_good_or_not(shopper: Shopper) -> None:
    client, staff = shopper.harness.client, shopper.harness.bearer(new_id(), "staff", ["coupons:write"])
    for code, problem in (("TEN", None), ("PAST", "/problems/coupon-unknown")):
        made = await client.post("/api/v1/coupons", json={"code": code, "percent": 10}, headers=staff)
        assert made.status_code == 201, made.text
        await shopper.add("KET-1", 2)
        assert (await client.put("/api/v1/cart/coupon", json={"code": code}, headers=shopper.headers)).is_success
        read = await shopper.read()
        await shopper.placed(read)
        if problem:
            assert (await client.delete(f"/api/v1/coupons/{code}", headers=staff)).status_code == 204
        await shopper.given_up(read, code)
        shown = (await client.get("/api/v1/cart", headers=shopper.headers)).json()["coupon"]
        assert (shown["code"], shown["problem"]) == (code, problem)
        again = await shopper.read()
        assert (again["coupon"] is None, again["refusal"] is None) == (bool(problem), problem is None)
        assert (await client.delete("/api/v1/cart", headers=shopper.headers)).status_code == 200
        assert (await client.delete("/api/v1/cart/coupon", headers=shopper.headers)).status_code == 200


async def test_an_old_order_finds_its_owner_many_carts_later(shopper: Shopper) -> None:
    reads = []
    for _ in range(3):
        await shopper.add("MUG-1")
        reads.append(await shopper.read())
        await shopper.placed(reads[-1])
    for read in reads:
        await shopper.given_up(read)
    assert await shopper.units() == {"MUG-1": 3}


async def test_a_put_back_before_the_close_waits_for_it(shopper: Shopper) -> None:
    await shopper.add("KET-1", 2)
    read = await shopper.read()
    await shopper.given_up(read)
    assert (await shopper.read())["order_id"] == read["order_id"]
    await shopper.placed(read)
    assert await shopper.units() == {"KET-1": 2}
    assert (await shopper.read())["order_id"] != read["order_id"]


async def test_no_unit_is_lost_or_doubled_while_adds_race_with_orders(shopper: Shopper) -> None:
    await shopper.add("KET-1")
    orders: dict[str, Any] = {}

    async def buys() -> None:
        for _ in range(2):
            read = await shopper.read()
            if "cart_id" in read:
                await shopper.close(orders.setdefault(read["order_id"], read))

    await asyncio.gather(*(shopper.add("KET-1") for _ in range(30)), buys(), buys())
    ordered = sum(line["quantity"] for read in orders.values() for line in read["lines"])
    assert ordered + sum((await shopper.units()).values()) == 31


async def test_an_opened_cart_is_told_without_its_guest(harness: Harness) -> None:
    user_id = new_id()
    for headers in (harness.bearer(user_id), {}):
        await Shopper(harness, headers).add("KET-1")
    await harness.settle()
    assert [message.customer_id for message in harness.sent] == [user_id, None]
    assert {type(message) for message in harness.sent} == {contract.Opened}


async def test_the_view_is_what_the_events_say(shopper: Shopper) -> None:
    await shopper.add("KET-1", 2)
    read = await shopper.read()
    await shopper.add("MUG-1")
    await shopper.placed(read)
    await shopper.given_up(read)
    rebuilt = await Rebuild(shopper.harness.service).run()
    assert not [each.table for each in rebuilt if each.differed]
    assert ("carts", 2) in [(each.table, each.rows) for each in rebuilt]
    assert await shopper.units() == {"KET-1": 2, "MUG-1": 1}
