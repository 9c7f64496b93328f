"""Reviews: one of each customer for a product, verified by orders, hidden by staff, and what they come to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import Inventory, kettle, staff
from soko_contracts import catalog as public
from soko_contracts import identity, order

URL = "/api/v1/products/kettle/reviews"
COUNTED = """
SELECT rating_sum = (SELECT coalesce(sum(rating), 0) FROM reviews WHERE product_id = p.id AND NOT hidden)
    AND review_count = (SELECT count(*) FROM reviews WHERE product_id = p.id AND NOT hidden) FROM products p
"""


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as harness:
        yield harness


async def say(shop: Harness, who: str, rating: int = 5, **more: Any) -> httpx.Response:
    return await shop.client.post(URL, json={"rating": rating, **more}, headers=shop.bearer(who))


async def rating(shop: Harness) -> tuple[float | None, int]:
    assert await shop.service.database.pool.fetchval(COUNTED)
    shown = (await shop.client.get("/api/v1/products/kettle")).json()
    return shown["rating"], shown["review_count"]


async def change(shop: Harness, made: httpx.Response, who: dict[str, str], **body: Any) -> httpx.Response:
    return await shop.client.patch(f"/api/v1/reviews/{made.json()['id']}", json=body, headers=who)


def bought(customer: str | None, variant_id: str) -> order.Confirmed:
    line = order.OrderLine(sku="KET-1", variant_id=variant_id, name="Kettle", quantity=1, unit_price=1)
    totals = order.Totals(subtotal=1, discount=0, shipping=0, tax=0, rounding=0, total=1, currency="KES")
    return order.Confirmed(
        order_id="o-1",
        number="SO-1",
        customer_id=customer,
        lines=(line,),
        totals=totals,
        payment_method="card",
        confirmed_at=datetime.now(UTC),
    )


async def test_a_customer_reviews_a_product_once(shop: Harness) -> None:
    await kettle(shop)

    first, again, other = await say(shop, "c-1", 5, title="Fast"), await say(shop, "c-1", 1), await say(shop, "c-2", 2)

    assert (first.status_code, again.status_code, other.status_code) == (201, 409, 201)
    assert again.json()["type"] == "/problems/already-reviewed"
    assert (first.json()["title"], first.json()["verified_purchase"]) == ("Fast", False)
    assert await rating(shop) == (3.5, 2)
    listed = (await shop.client.get(f"{URL}?ordering=rating")).json()
    assert [each["rating"] for each in listed["items"]] == [2, 5]
    assert "c-1" not in str(listed)
    own = (await shop.client.get("/api/v1/reviews?mine=true", headers=shop.bearer("c-1"))).json()
    assert [each["id"] for each in own["items"]] == [first.json()["id"]]


async def test_a_purchase_is_verified_by_a_confirmed_order(shop: Harness) -> None:
    made = await kettle(shop)
    await shop.deliver(bought("c-1", made["variants"][0]["id"]), subject="o-1")
    await shop.deliver(bought(None, made["variants"][0]["id"]), subject="o-2")

    answers = [await say(shop, "c-1"), await say(shop, "c-2")]

    assert [each.json()["verified_purchase"] for each in answers] == [True, False]


async def test_staff_hide_a_review_and_it_no_longer_counts(shop: Harness) -> None:
    await kettle(shop)
    good, bad = await say(shop, "c-1", 5), await say(shop, "c-2", 1)

    assert (await change(shop, bad, shop.bearer("c-2"), hidden=True)).status_code == 403
    assert (await change(shop, bad, staff(shop), hidden=True)).json()["hidden"] is True

    assert await rating(shop) == (5.0, 1)
    url = f"/api/v1/reviews/{bad.json()['id']}"
    seen = [(await shop.client.get(url, headers=who)).status_code for who in ({}, shop.bearer("c-2"), staff(shop))]
    assert seen == [404, 200, 200]
    assert [each["id"] for each in (await shop.client.get(URL)).json()["items"]] == [good.json()["id"]]
    hidden = (await shop.client.get("/api/v1/reviews?hidden=true", headers=staff(shop))).json()
    assert [each["id"] for each in hidden["items"]] == [bad.json()["id"]]
    assert (await shop.client.get("/api/v1/reviews?hidden=true")).status_code == 403
    await change(shop, bad, staff(shop), hidden=False)
    assert await rating(shop) == (3.0, 2)


async def test_only_whose_it_is_changes_what_was_said(shop: Harness) -> None:
    await kettle(shop)
    made = await say(shop, "c-1", 5)

    assert (await change(shop, made, shop.bearer("c-2"), rating=1)).status_code == 404
    assert (await change(shop, made, staff(shop), rating=1)).status_code == 403
    assert (await change(shop, made, shop.bearer("c-1"), rating=3, author=None)).json()["rating"] == 3
    assert await rating(shop) == (3.0, 1)
    url = f"/api/v1/reviews/{made.json()['id']}"
    stale = await shop.client.delete(url, headers={**shop.bearer("c-1"), "If-Match": made.headers["etag"]})
    gone = await shop.client.delete(url, headers=shop.bearer("c-1"))
    assert (stale.status_code, gone.status_code) == (412, 204)
    assert await rating(shop) == (None, 0)
    assert (await say(shop, "c-1", 2)).status_code == 201


async def test_the_rating_that_is_kept_is_what_a_full_count_says(shop: Harness) -> None:
    await kettle(shop)
    made = await asyncio.gather(*(say(shop, f"c-{n}", n % 5 + 1) for n in range(20)))
    chance = Random(7)

    async def anything(n: int) -> None:
        url = f"/api/v1/reviews/{made[n].json()['id']}"
        for _ in range(4):
            what = chance.choice(["rating", "hide", "show", "delete"])
            if what == "delete" and chance.random() < 0.5:
                await shop.client.delete(url, headers=shop.bearer(f"c-{n}"))
            elif what == "rating":
                await shop.client.patch(url, json={"rating": chance.randint(1, 5)}, headers=shop.bearer(f"c-{n}"))
            else:
                await shop.client.patch(url, json={"hidden": what == "hide"}, headers=staff(shop))

    await asyncio.gather(*(anything(n) for n in range(20)))

    assert await shop.service.database.pool.fetchval(COUNTED)
    await shop.settle()
    told = [each for each in shop.sent if isinstance(each, public.ReviewPosted)]
    assert {each.status for each in told} == {"posted", "changed", "hidden", "shown", "deleted"}
    by_review: dict[str, list[int]] = {}
    for each in shop.recorder.envelopes:
        if each.type == "catalog.review_posted.v1":
            by_review.setdefault(each.subject, []).append(each.sequence)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_review.values())


async def test_of_an_erased_customer_only_the_rating_is_left(shop: Harness) -> None:
    made = await kettle(shop)
    await shop.deliver(bought("c-1", made["variants"][0]["id"]), subject="o-1")
    review = await say(shop, "c-1", 4, title="I am Jane", body="My phone is 1", author="Jane")

    await shop.deliver(identity.UserErased(user_id="c-1", role="customer", active=False), subject="c-1")

    shown = (await shop.client.get(f"/api/v1/reviews/{review.json()['id']}")).json()
    assert (shown["title"], shown["body"], shown["author"], shown["rating"]) == ("", "", None, 4)
    left = await shop.service.database.pool.fetch(
        "SELECT customer_id FROM purchases UNION SELECT customer_id FROM reviews"
    )
    assert "c-1" not in str(left)
    assert await rating(shop) == (4.0, 1)


async def test_nobody_reviews_without_logging_in_or_what_is_not_sold(shop: Harness) -> None:
    await kettle(shop, status="draft")

    assert (await shop.client.post(URL, json={"rating": 5})).status_code == 401
    assert (await say(shop, "c-1")).status_code == 404
    assert (await say(shop, "c-1", 6)).status_code == 422
    assert (await shop.client.get("/api/v1/reviews?mine=true")).status_code == 422
