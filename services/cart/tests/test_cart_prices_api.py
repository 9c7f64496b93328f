"""What a cart shows of the catalog and of the stock: prices that are kept, sales, what is not there."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from carts import Shop, opened, units
from chassis.world import new_id
from soko_contracts import catalog, inventory


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with opened(running) as shop:
        yield shop


async def test_the_catalog_is_asked_once_for_what_was_never_heard_of(shop: Shop) -> None:
    await shop.add(shop.customer(), "KET-1")
    await shop.add(shop.customer(), "KET-1")
    assert shop.catalog.asked == ["KET-1"]


async def test_the_catalog_is_not_asked_for_what_an_event_told(shop: Shop) -> None:
    variant_id = shop.catalog.sells("POT-1", 700)
    await shop.harness.deliver(shop.catalog.event("POT-1"), subject="p1")
    who = shop.customer()
    body = {"variant_id": variant_id, "quantity": 1}
    answer = await shop.harness.client.post("/api/v1/cart/items", json=body, headers=who)
    assert units(answer.json()) == {"POT-1": 1}
    assert shop.catalog.asked == []


async def test_a_variant_is_found_by_its_id_alone(shop: Shop) -> None:
    body = {"variant_id": shop.catalog.variants["KET-1"]["variant_id"]}
    answer = await shop.harness.client.post("/api/v1/cart/items", json=body, headers=shop.customer())
    assert units(answer.json()) == {"KET-1": 1}


async def test_while_the_catalog_is_away_a_known_sku_can_still_be_added(shop: Shop) -> None:
    who = shop.customer()
    await shop.add(who, "KET-1")
    shop.catalog.away = True
    assert units((await shop.add(who, "KET-1")).json()) == {"KET-1": 2}
    away = await shop.add(who, "MUG-1")
    assert (away.status_code, away.json()["service"]) == (503, "catalog")


async def test_what_is_not_sold_cannot_be_added(shop: Shop) -> None:
    answer = await shop.add(shop.customer(), "OLD-1")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-for-sale")


async def test_a_price_is_kept_for_a_day_and_then_is_todays_and_says_so(shop: Shop) -> None:
    user_id = new_id()
    await shop.add(shop.customer(user_id), "KET-1", 2)
    await shop.harness.deliver(shop.catalog.event("KET-1", price=300000), subject="p1")
    shop.harness.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    who = shop.customer(user_id)  # the first token has run out
    kept = await shop.cart(who)
    assert kept["items"][0]["unit_price"]["amount"] == "2499.00"
    assert kept["items"][0]["price_changed"] is False
    shop.harness.clock.advance(timedelta(seconds=1))
    today = await shop.cart(who)
    assert (today["items"][0]["unit_price"]["amount"], today["total"]["amount"]) == ("3000.00", "6000.00")
    assert today["items"][0]["price_changed"] is True
    line = (await shop.internal(who)).json()["lines"][0]
    assert (line["unit_price"], line["price_changed"]) == (300000, True)
    added = (await shop.add(who, "KET-1")).json()["items"][0]
    assert (added["quantity"], added["unit_price"]["amount"], added["price_changed"]) == (3, "3000.00", False)


@pytest.mark.parametrize("told", [True, False], ids=["told by an event", "asked for"])
async def test_a_sale_begins_and_ends_by_the_clock_without_a_message(shop: Shop, told: bool) -> None:
    now, hour = shop.harness.clock.now, timedelta(hours=1)
    sale: dict[str, Any] = {"price": 200000, "percent": 20, "starts_at": now + hour, "ends_at": now + 2 * hour}
    if told:
        event = shop.catalog.event("KET-1", sales=(catalog.Sale(**sale),))
        await shop.harness.deliver(event, subject=shop.catalog.variants["KET-1"]["product_id"])
    else:
        times = {name: sale[name].isoformat() for name in ("starts_at", "ends_at")}
        shop.catalog.variants["KET-1"]["sales"] = [{**sale, **times}]

    prices = []
    for _ in range(3):
        cart = (await shop.add(shop.customer(), "KET-1")).json()
        prices.append(cart["items"][0]["unit_price"]["amount"])
        shop.harness.clock.advance(hour)

    assert prices == ["2499.00", "2000.00", "2499.00"]


async def test_a_line_whose_price_is_kept_no_longer_takes_the_sale_price(shop: Shop) -> None:
    user_id = new_id()
    await shop.add(shop.customer(user_id), "KET-1")
    start = shop.harness.clock.now + timedelta(hours=24)
    sale = catalog.Sale(price=200000, percent=20, starts_at=start, ends_at=start + timedelta(hours=1))
    event = shop.catalog.event("KET-1", sales=(sale,))
    await shop.harness.deliver(event, subject=shop.catalog.variants["KET-1"]["product_id"])

    shop.harness.clock.advance(timedelta(hours=24))

    (line,) = (await shop.cart(shop.customer(user_id)))["items"]
    assert (line["unit_price"]["amount"], line["price_changed"]) == ("2000.00", True)


async def test_an_older_price_does_not_overwrite_a_newer_one(shop: Shop) -> None:
    newer, older = shop.catalog.event("KET-1", price=5), shop.catalog.event("KET-1", price=9)
    await shop.harness.deliver(newer, subject="p1", sequence=7)
    await shop.harness.deliver(older, subject="p1", sequence=6)
    assert (await shop.add(shop.customer(), "KET-1")).json()["total"]["amount"] == "0.05"


async def test_lines_say_what_is_not_available(shop: Shop) -> None:
    who = shop.customer()
    await shop.add(who, "KET-1")
    await shop.add(who, "MUG-1")
    none = inventory.StockLevel(sku="KET-1", on_hand=0, reserved=0, available=0)
    await shop.harness.deliver(none, subject="KET-1", sequence=4)
    await shop.harness.deliver(shop.catalog.event("MUG-1", active=False), subject="p2")
    assert [item["available"] for item in (await shop.cart(who))["items"]] == [False, False]
    some = inventory.StockLevel(sku="KET-1", on_hand=5, reserved=0, available=5)
    await shop.harness.deliver(some, subject="KET-1", sequence=5)
    assert [item["available"] for item in (await shop.cart(who))["items"]] == [True, False]


async def test_a_line_that_can_be_ordered_before_it_comes_is_available(shop: Shop) -> None:
    who = shop.customer()
    await shop.add(who, "KET-1", 3)
    for sequence, (more, available) in enumerate([(4, True), (0, False), (1, True)], 1):
        level = inventory.StockLevel(sku="KET-1", on_hand=0, reserved=0, available=0, backorderable=more)
        await shop.harness.deliver(level, subject="KET-1", sequence=sequence)
        (line,) = (await shop.cart(who))["items"]
        assert (line["available"], line["quantity"]) == (available, 3)
