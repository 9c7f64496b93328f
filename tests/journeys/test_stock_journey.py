"""Stock at several places, promised before it comes, and fought over, in a whole shop."""

import asyncio
import time
from collections import Counter

import httpx
import pytest
from chassis.fixtures import until
from chassis.world import new_id
from shopping import ADDRESS, OpenShop, environment
from soko.operations import republish
from soko.services import variable

SOME, ALL = 120, 1_000
UNITS = 10


async def test_what_was_promised_before_it_came_is_sold_as_soon_as_it_comes(shop: OpenShop) -> None:
    sku, staff, customer = await shop.product(stock=0), await shop.staff(), await shop.customer()
    port = (await staff.call("POST", "/inventory/locations", {"name": "Port", "priority": 0})).json()["id"]
    await staff.call("PATCH", f"/inventory/{sku}", {"backorder_limit": 2})
    await customer.add(sku, 2)
    bought = await customer.checkout()
    assert (bought.status_code, bought.json()["status"]) == (201, "confirmed")
    assert await shop.stock(sku) == (0, 2)
    other = await shop.customer()
    await other.add(sku)
    refused = await other.checkout()
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/out-of-stock")
    receipt = await staff.call("POST", f"/inventory/{sku}/receipts", {"quantity": 3, "location_id": port})
    assert receipt.status_code == 201

    async def sold() -> bool:
        return await shop.stock(sku) == (1, 0)

    await until(sold)
    moved = (await staff.get(f"/inventory/{sku}/movements?reason=sold"))["items"]
    assert [(each["delta"], each["location_id"], each["reference"]) for each in moved] == [
        (-2, port, bought.json()["id"])
    ]
    assert await shop.at_rest() == []


async def test_what_is_promised_before_it_comes_is_shown_as_for_sale_until_the_promises_are_used_up(
    shop: OpenShop,
) -> None:
    sku, staff, customer = await shop.product(stock=0), await shop.staff(), await shop.customer()

    async def shown(there: bool, comes_later: bool) -> None:
        async def so() -> bool:
            found = await customer.get(f"/products?search={sku}")
            (variant,) = found["items"][0]["variants"]
            return (variant["in_stock"], variant["backorder"]) == (there or comes_later, comes_later)

        await until(so)

    async def available() -> bool:
        (line,) = (await customer.get("/cart"))["items"]
        return bool(line["available"])

    await shown(there=False, comes_later=False)
    await staff.call("PATCH", f"/inventory/{sku}", {"backorder_limit": 2})
    await shown(there=False, comes_later=True)
    await customer.add(sku, 2)
    assert await available()
    bought = (await customer.checkout()).json()
    await shown(there=False, comes_later=False)
    await customer.call("POST", f"/orders/{bought['id']}/cancel", {})
    await shown(there=False, comes_later=True)
    assert await shop.at_rest() == []

    catalog = shop.shop.services["catalog"].database.pool
    await catalog.execute("update stock set available = 0, backorderable = 0, sequence = -1")
    for table in ("seen", "done"):
        await catalog.execute(f"delete from {table} where subscription = 'stock_level'")
    await shown(there=False, comes_later=False)
    with environment({variable(name, "DATABASE_URL"): url for name, url in shop.urls.items()}):
        await republish("inventory", "catalog", [], lambda done, total: None)
        await shown(there=False, comes_later=True)
    assert (await staff.call("POST", f"/inventory/{sku}/receipts", {"quantity": 1})).status_code == 201
    await shown(there=True, comes_later=False)
    assert await shop.at_rest() == []


async def flash_sale(shop: OpenShop, buyers: int, units: int) -> None:
    """So many buyers at once for so many units: each is answered, nobody waits for ever, each unit is sold once."""
    sku = await shop.product(stock=units)
    guests = [shop.guest() for _ in range(buyers)]
    for start in range(0, buyers, 50):
        await asyncio.gather(*(guest.add(sku) for guest in guests[start : start + 50]))

    async def buy(headers: dict[str, str]) -> httpx.Response:
        key, body = (
            new_id(),
            {
                "email": "guest@soko.example",
                "shipping_address": ADDRESS,
                "shipping_method": "standard",
                "payment": {"method": "card", "token": "tok_success"},
            },
        )
        headers = {**headers, "Idempotency-Key": key, "Prefer": "wait=20"}
        for _ in range(20):  # who is answered 202 asks for the same order again
            answer = await shop.door.post("/api/v1/orders", json=body, headers=headers)
            if answer.status_code != 202:
                return answer
        return answer

    began = time.monotonic()
    answers = await asyncio.gather(*(buy(guest.headers) for guest in guests))
    took = time.monotonic() - began
    assert Counter(answer.status_code for answer in answers) == {201: units, 409: buyers - units}
    assert {answer.json()["status"] for answer in answers if answer.status_code == 201} == {"confirmed"}
    refused = {answer.json()["type"] for answer in answers if answer.status_code == 409}
    assert refused == {"/problems/out-of-stock"}
    assert took < buyers * 0.3, took
    assert await shop.at_rest() == []
    assert await shop.stock(sku) == (0, 0)


async def test_a_flash_sale_sells_each_unit_once_and_answers_everybody(shop: OpenShop) -> None:
    await flash_sale(shop, SOME, UNITS)


@pytest.mark.long
async def test_a_thousand_buyers_at_once_for_a_hundred_units(shop: OpenShop) -> None:
    await flash_sale(shop, ALL, 100)
