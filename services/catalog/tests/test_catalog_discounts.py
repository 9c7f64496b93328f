"""Discounts: what things cost while a sale is on, by the clock alone, and what is told of it."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from catalog.domain import sale_price
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from hypothesis import given
from hypothesis import strategies as st
from shelves import Inventory, kes, kettle, make, staff
from soko_contracts import catalog as public

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as harness:
        yield harness


def at(shop: Harness, hours: float) -> str:
    return (shop.clock.now + hours * HOUR).isoformat()


async def discount(shop: Harness, percent: int, start: float = 0, end: float = 1, **targets: Any) -> dict[str, Any]:
    body = {"name": "Sale", "percent": percent, "starts_at": at(shop, start), "ends_at": at(shop, end), **targets}
    return await make(shop, "/api/v1/discounts", **body)


async def change(shop: Harness, made: dict[str, Any], **body: Any) -> httpx.Response:
    return await shop.client.patch(f"/api/v1/discounts/{made['id']}", json=body, headers=staff(shop))


async def costs(shop: Harness, key: str = "kettle") -> tuple[str | None, int | None]:
    shown = (await shop.client.get(f"/api/v1/products/{key}")).json()
    sale = shown["sale_price"]
    assert shown["variants"][0]["sale_price"] == sale
    return sale and sale["amount"], shown["discount_percent"]


async def told(shop: Harness) -> list[Any]:
    """What was told since the last time."""
    await shop.settle()
    sent = shop.sent
    shop.recorder.envelopes.clear()
    return sent


async def test_a_sale_begins_and_ends_by_the_clock_without_a_write(shop: Harness) -> None:
    made = await kettle(shop)
    await discount(shop, 15, 1, 2, product_ids=[made["id"]])

    assert await costs(shop) == (None, None)
    shop.clock.advance(HOUR)
    assert await costs(shop) == ("2124.15", 15)
    shop.clock.advance(HOUR - timedelta(microseconds=1))
    assert await costs(shop) == ("2124.15", 15)
    shop.clock.advance(timedelta(microseconds=1))
    assert await costs(shop) == (None, None)


async def test_a_kept_answer_does_not_outlive_the_sale_that_it_shows(shop: Harness) -> None:
    made = await kettle(shop)
    await discount(shop, 15, 1, 2, product_ids=[made["id"]])
    await shop.settle()
    for expected in ((None, None), ("2124.15", 15), (None, None)):
        assert await costs(shop) == await costs(shop) == expected
        assert shop.service.app.state.answers.get(("/api/v1/products/kettle", b"")) is not None
        shop.clock.advance(HOUR)
        assert shop.service.app.state.answers.get(("/api/v1/products/kettle", b"")) is None
        await shop.settle()
        assert shop.service.app.state.answers.get(("/api/v1/products/kettle", b"")) is None


async def test_nothing_is_kept_for_longer_than_ten_minutes(shop: Harness) -> None:
    shop.clock.now = shop.clock.now.replace(minute=20, second=0, microsecond=0)
    await kettle(shop)
    await shop.settle()
    await costs(shop)
    answers, key = shop.service.app.state.answers, ("/api/v1/products/kettle", b"")

    shop.clock.advance(timedelta(minutes=9, seconds=59))
    await shop.settle()
    assert answers.get(key) is not None
    shop.clock.advance(timedelta(seconds=1))
    assert answers.get(key) is None
    await shop.settle()
    assert answers.get(key) is None


async def test_the_highest_of_several_discounts_counts(shop: Harness) -> None:
    home = await make(shop, "/api/v1/categories", name="Home")
    kitchen = await make(shop, "/api/v1/categories", name="Kitchen", parent_id=home["id"])
    made = await kettle(shop, category_ids=[kitchen["id"]])
    await discount(shop, 10, 0, 4, category_ids=["home"])
    await discount(shop, 30, 1, 2, product_ids=[made["slug"]])
    await discount(shop, 20, 1, 3, category_ids=[kitchen["id"]])

    seen = []
    for _ in range(5):
        seen.append((await costs(shop))[1])
        shop.clock.advance(HOUR)

    assert seen == [10, 30, 20, 10, None]


async def test_a_product_that_comes_into_a_category_on_sale_is_on_sale(shop: Harness) -> None:
    await make(shop, "/api/v1/categories", name="Home")
    await discount(shop, 10, category_ids=["home"])

    await kettle(shop)
    await kettle(shop, "POT-1", name="Pot", category_id="home")
    assert [await costs(shop, key) for key in ("kettle", "pot")] == [(None, None), ("2249.10", 10)]
    url = "/api/v1/products/{}"
    await shop.client.patch(url.format("kettle"), json={"category_id": "home"}, headers=staff(shop))
    await shop.client.patch(url.format("pot"), json={"price": kes("10.05")}, headers=staff(shop))
    assert [await costs(shop, key) for key in ("kettle", "pot")] == [("2249.10", 10), ("9.05", 10)]
    await shop.client.patch(url.format("pot"), json={"category_ids": []}, headers=staff(shop))
    assert await costs(shop, "pot") == (None, None)


async def test_a_category_that_moves_takes_its_products_to_the_sales_of_its_new_place(shop: Harness) -> None:
    for name in ("Sale", "Plain"):
        await make(shop, "/api/v1/categories", name=name)
    await make(shop, "/api/v1/categories", name="Kitchen", parent_id="plain")
    made = await kettle(shop, category_id="kitchen")
    await discount(shop, 10, category_ids=["sale"])
    await told(shop)

    for parent, percent in (("sale", 10), ("plain", None)):
        await shop.client.patch("/api/v1/categories/kitchen", json={"parent_id": parent}, headers=staff(shop))
        assert (await costs(shop))[1] == percent
        news = [each for each in await told(shop) if isinstance(each, public.ProductUpdated)]
        assert [(each.product_id, [sale.percent for sale in each.sales]) for each in news] == [
            (made["id"], [percent] if percent else [])
        ]


async def test_variants_with_a_price_of_their_own_are_on_sale_too(shop: Harness) -> None:
    lines = [{"sku": "S", "options": {"size": "S"}}, {"sku": "L", "options": {"size": "L"}, "price": kes("33.33")}]
    made = await make(shop, name="Tee", price=kes("20.00"), variants=lines)
    await discount(shop, 50, product_ids=[made["id"]])

    shown = (await shop.client.get("/api/v1/products/tee")).json()
    assert [each["sale_price"] for each in shown["variants"]] == [kes("10.00"), kes("16.67")]
    one = (await shop.client.get(f"/api/v1/variants/{shown['variants'][1]['id']}")).json()
    assert (one["price"], one["sale_price"]) == (kes("33.33"), kes("16.67"))


async def test_the_world_is_told_of_each_product_and_when_the_sale_is_on(shop: Harness) -> None:
    made = await kettle(shop)
    other = await kettle(shop, "POT-1", name="Pot")
    await told(shop)

    sale = await discount(shop, 15, 1, 2, product_ids=[made["id"]])
    (news,) = await told(shop)
    assert isinstance(news, public.ProductUpdated)
    assert news.product_id == made["id"] != other["id"]
    start = datetime.fromisoformat(at(shop, 1))
    expected = public.Sale(price=212415, percent=15, starts_at=start, ends_at=start + HOUR)
    assert news.sales == news.variants[0].sales == (expected,)
    assert [news.variants[0].price_at(start + n * HOUR / 2) for n in (-1, 0, 1, 2)] == [249900, 212415, 212415, 249900]

    shop.clock.advance(HOUR)
    (started,) = await told(shop)
    assert (type(started), started.discount_id, started.percent) == (public.DiscountStarted, sale["id"], 15)
    shop.clock.advance(HOUR)
    (ended,) = await told(shop)
    assert (type(ended), ended.product_ids) == (public.DiscountEnded, (made["id"],))
    assert await told(shop) == []


async def test_a_discount_that_is_changed_while_it_is_on_is_told_again_and_one_taken_back_has_ended(
    shop: Harness,
) -> None:
    await kettle(shop)
    made = await discount(shop, 15, product_ids=["kettle"])
    await told(shop)

    changed = await change(shop, made, percent=20)
    assert changed.json()["percent"] == 20
    assert await costs(shop) == ("1999.20", 20)
    assert [type(each) for each in await told(shop)] == [public.DiscountStarted, public.ProductUpdated]

    await shop.client.delete(f"/api/v1/discounts/{made['id']}", headers=staff(shop))
    assert await costs(shop) == (None, None)
    assert [type(each) for each in await told(shop)] == [public.DiscountEnded, public.ProductUpdated]


async def test_each_message_about_a_product_has_the_next_sequence(shop: Harness) -> None:
    made = await kettle(shop)
    await discount(shop, 15, product_ids=["kettle"])
    await shop.settle()
    await shop.client.patch("/api/v1/products/kettle", json={"price": kes("5.00")}, headers=staff(shop))
    await shop.settle()

    about = [each.sequence for each in shop.recorder.envelopes if each.subject == made["id"]]
    assert about == [1, 2, 3, 4]


async def test_the_other_services_are_told_the_sales_of_a_sku(shop: Harness) -> None:
    await kettle(shop)
    await discount(shop, 15, 1, 2, product_ids=["kettle"])

    answer = await shop.client.get("/internal/v1/variants?sku=KET-1", headers=shop.service_token("cart"))

    (item,) = answer.json()["items"]
    assert (item["price"], [(each["price"], each["percent"]) for each in item["sales"]]) == (249900, [(212415, 15)])


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "/product_ids"),
        ({"product_ids": ["nothing"]}, "/product_ids/0"),
        ({"category_ids": ["kitchen", "nothing"]}, "/category_ids/1"),
        ({"product_ids": ["kettle"], "percent": 0}, "/percent"),
        ({"product_ids": ["kettle"], "percent": 100}, "/percent"),
        ({"product_ids": ["kettle"], "ends_at": "2020-01-01T00:00:00Z", "starts_at": None}, "/ends_at"),
    ],
)
async def test_a_discount_that_cannot_be_is_refused(shop: Harness, body: dict[str, Any], where: str) -> None:
    await make(shop, "/api/v1/categories", name="Kitchen")
    await kettle(shop)
    whole = {"name": "Sale", "percent": 5, "starts_at": at(shop, 0), "ends_at": at(shop, 1), **body}

    answer = await shop.client.post("/api/v1/discounts", json=whole, headers=staff(shop))

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, where)


async def test_staff_list_discounts_and_change_the_version_they_know(shop: Harness) -> None:
    await kettle(shop)
    now = await discount(shop, 5, product_ids=["kettle"])
    later = await discount(shop, 6, 1, 2, product_ids=["kettle"])
    url = f"/api/v1/discounts/{later['id']}"
    tag = (await shop.client.get(url, headers=staff(shop))).headers["etag"]

    first = await shop.client.patch(url, json={"name": "A"}, headers={**staff(shop), "If-Match": tag})
    second = await shop.client.patch(url, json={"name": "B"}, headers={**staff(shop), "If-Match": tag})

    assert (first.status_code, second.status_code) == (200, 412)
    for query, ids in (("", [later, now]), ("?running=true", [now]), ("?running=false", [later])):
        answer = await shop.client.get(f"/api/v1/discounts{query}", headers=staff(shop))
        assert [each["id"] for each in answer.json()["items"]] == [each["id"] for each in ids]
    assert (await shop.client.get("/api/v1/discounts")).status_code == 401
    assert (await shop.client.get(url, headers=shop.bearer())).status_code == 403


async def test_past_periods_are_forgotten_and_the_price_of_now_is_not(shop: Harness) -> None:
    await kettle(shop)
    await discount(shop, 5, product_ids=["kettle"])
    shop.clock.advance(3 * HOUR)
    while await shop.service.jobs_once():
        pass

    left = await shop.service.database.pool.fetch("SELECT price, percent FROM offers")
    assert [tuple(each) for each in left] == [(249900, None)]


@given(st.integers(0, 10**14), st.integers(1, 99))
def test_a_sale_price_is_rounded_half_up_to_a_minor_unit(price: int, percent: int) -> None:
    exact = price * (100 - percent)
    assert -50 < exact - 100 * sale_price(price, percent) <= 50 or exact % 100 == 50
    assert 0 <= sale_price(price, percent) <= price


async def test_the_database_rounds_as_the_code_does(shop: Harness) -> None:
    cases = [(price, percent) for price in (0, 1, 3, 5, 10, 33, 249900, 10**14 - 1) for percent in (1, 15, 50, 90, 99)]
    for price, percent in cases:
        said = await shop.service.database.pool.fetchval("SELECT sale_price($1, $2)", price, percent)
        assert said == sale_price(price, percent)
