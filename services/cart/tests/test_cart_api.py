"""Carts over HTTP, on a real database: whose they are, and what changes them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from carts import KES, Shop, opened, units
from chassis.http.testing import walk
from chassis.world import new_id
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with opened(running) as shop:
        yield shop


async def test_a_write_answers_the_whole_cart(shop: Shop) -> None:
    who = shop.customer()
    await shop.add(who, "MUG-1")
    answer = await shop.add(who, "KET-1", 2)
    assert answer.status_code == 201
    cart = answer.json()
    kettle = cart["items"][1]
    assert {name: kettle[name] for name in ("sku", "name", "quantity", "unit_price", "line_total")} == {
        "sku": "KET-1",
        "name": "The KET-1",
        "quantity": 2,
        "unit_price": {"amount": "2499.00", "currency": KES},
        "line_total": {"amount": "4998.00", "currency": KES},
    }
    assert (kettle["price_changed"], kettle["available"]) == (False, True)
    assert cart["total"] == {"amount": "5597.00", "currency": KES}
    assert await shop.cart(who) == cart


async def test_the_same_sku_again_adds_up(shop: Shop) -> None:
    who = shop.customer()
    first = (await shop.add(who, "KET-1", 2)).json()
    again = (await shop.add(who, "KET-1", 3)).json()
    assert units(again) == {"KET-1": 5}
    assert again["items"][0]["id"] == first["items"][0]["id"]


async def test_reading_makes_no_cart(shop: Shop) -> None:
    for who in ({}, shop.customer(), {"X-Cart-Token": "x" * 43}):
        answer = await shop.harness.client.get("/api/v1/cart", headers=who)
        assert answer.status_code == 200
        assert "x-cart-token" not in answer.headers
        assert answer.json() == {"id": None, "items": [], "total": {"amount": "0.00", "currency": KES}, "coupon": None}
    assert await shop.harness.service.database.pool.fetchval("select count(*) from events") == 0


async def test_a_guests_first_write_answers_their_token_which_is_not_stored(shop: Shop) -> None:
    answer = await shop.add({}, "KET-1")
    token = answer.headers["x-cart-token"]
    guest = {"X-Cart-Token": token}
    again = await shop.add(guest, "MUG-1")
    assert "x-cart-token" not in again.headers
    assert units(again.json()) == {"KET-1": 1, "MUG-1": 1}
    assert units(await shop.cart({"X-Cart-Token": token[::-1]})) == {}
    kept = await shop.harness.service.database.pool.fetch("select data::text || meta::text as text from events")
    assert kept
    assert all(token not in row["text"] for row in kept)


async def test_a_token_that_this_shop_never_gave_out_is_replaced(shop: Shop) -> None:
    answer = await shop.add({"X-Cart-Token": "y" * 43}, "KET-1", 1, **{"Idempotency-Key": "k"})
    assert answer.headers["x-cart-token"] != "y" * 43
    assert units(await shop.cart({"X-Cart-Token": answer.headers["x-cart-token"]})) == {"KET-1": 1}


async def test_carts_are_their_owners_own(shop: Shop) -> None:
    mine, other = shop.customer(), shop.customer()
    item = (await shop.add(mine, "KET-1")).json()["items"][0]["id"]
    client = shop.harness.client
    assert units(await shop.cart(other)) == {}
    assert (await client.patch(f"/api/v1/cart/items/{item}", json={"quantity": 9}, headers=other)).status_code == 404
    assert (await client.delete(f"/api/v1/cart/items/{item}", headers=other)).status_code == 404
    assert units(await shop.cart(mine)) == {"KET-1": 1}


async def test_lines_are_changed_and_taken_out(shop: Shop) -> None:
    who, client = shop.customer(), shop.harness.client
    await shop.add(who, "KET-1")
    item = (await shop.add(who, "MUG-1")).json()["items"][1]["id"]
    changed = await client.patch(f"/api/v1/cart/items/{item}", json={"quantity": 4}, headers=who)
    assert units(changed.json()) == {"KET-1": 1, "MUG-1": 4}
    assert units((await client.delete(f"/api/v1/cart/items/{item}", headers=who)).json()) == {"KET-1": 1}
    assert (await client.delete(f"/api/v1/cart/items/{item}", headers=who)).status_code == 404
    emptied = await client.delete("/api/v1/cart", headers=who)
    assert (emptied.status_code, units(emptied.json())) == (200, {})
    assert (await client.delete("/api/v1/cart", headers=shop.customer())).json()["id"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"sku": "NONE-1", "quantity": 1}, "/sku"),
        ({"variant_id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6", "quantity": 1}, "/variant_id"),
        ({"sku": "KET 1", "quantity": 1}, "/sku"),
        ({"quantity": 1}, "/sku"),
        ({"sku": "KET-1", "variant_id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"}, "/sku"),
        ({"sku": "KET-1", "quantity": 0}, "/quantity"),
        ({"sku": "KET-1", "quantity": "2"}, "/quantity"),
        ({"sku": "KET-1", "quantity": 11}, "/quantity"),
        ({"sku": "KET-1", "quantity": 1, "unit_price": 1}, "/unit_price"),
    ],
)
async def test_bad_input_is_named(shop: Shop, body: dict[str, Any], pointer: str) -> None:
    answer = await shop.harness.client.post("/api/v1/cart/items", json=body, headers=shop.customer())
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_limits_are_said(shop: Shop) -> None:
    who = shop.customer()
    shop.catalog.sells("POT-1", 1)
    await shop.add(who, "KET-1", 6)
    over = await shop.add(who, "KET-1", 5)
    assert (over.status_code, over.json()["type"], over.json()["limit"]) == (409, "/problems/quantity-limit", 10)
    await shop.add(who, "MUG-1")
    full = await shop.add(who, "POT-1")
    assert (full.status_code, full.json()["type"], full.json()["limit"]) == (409, "/problems/cart-full", 2)


async def test_one_key_adds_once(shop: Shop) -> None:
    who, key = shop.customer(), {"Idempotency-Key": "k-1"}
    first = await shop.add(who, "KET-1", 2, **key)
    again = await shop.add(who, "KET-1", 2, **key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json()
    other = await shop.add(who, "KET-1", 3, **key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert units(await shop.cart(who)) == {"KET-1": 2}


async def test_a_refusal_is_not_kept(shop: Shop) -> None:
    who, key = shop.customer(), {"Idempotency-Key": "k-1"}
    await shop.add(who, "KET-1", 6)
    assert (await shop.add(who, "KET-1", 5, **key)).status_code == 409
    await shop.harness.client.delete("/api/v1/cart", headers=who)
    assert units((await shop.add(who, "KET-1", 5, **key)).json()) == {"KET-1": 5}


async def test_the_etag_follows_what_is_shown(shop: Shop) -> None:
    who, client = shop.customer(), shop.harness.client
    written = await shop.add(who, "KET-1")
    read = await client.get("/api/v1/cart", headers=who)
    assert read.headers["etag"] == written.headers["etag"]
    assert read.headers["cache-control"] == "no-cache"
    same = await client.get("/api/v1/cart", headers={**who, "If-None-Match": read.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await shop.harness.deliver(shop.catalog.event("KET-1", name="Another name"), subject="p1")
    changed = await client.get("/api/v1/cart", headers={**who, "If-None-Match": read.headers["etag"]})
    assert changed.status_code == 200
    stale = {**who, "If-Match": read.headers["etag"]}
    item = read.json()["items"][0]["id"]
    for answer in (
        await shop.add(stale, "MUG-1"),
        await client.patch(f"/api/v1/cart/items/{item}", json={"quantity": 2}, headers=stale),
        await client.delete(f"/api/v1/cart/items/{item}", headers=stale),
        await client.delete("/api/v1/cart", headers=stale),
    ):
        assert answer.status_code == 412
    fresh = {**who, "If-Match": changed.headers["etag"]}
    assert (await client.delete(f"/api/v1/cart/items/{item}", headers=fresh)).status_code == 200


async def test_of_changes_made_at_once_by_who_knows_one_cart_exactly_one_counts(shop: Shop) -> None:
    who, client = shop.customer(), shop.harness.client
    nothing = {**who, "If-Match": (await client.get("/api/v1/cart", headers=who)).headers["etag"]}
    answers = await asyncio.gather(*(shop.add(nothing, "KET-1", quantity) for quantity in (1, 2, 3)))
    assert sorted(answer.status_code for answer in answers) == [201, 412, 412]
    (first,) = [answer for answer in answers if answer.status_code == 201]
    item = first.json()["items"][0]["id"]
    same = {**who, "If-Match": first.headers["etag"]}
    answers = await asyncio.gather(
        *(
            client.patch(f"/api/v1/cart/items/{item}", json={"quantity": quantity}, headers=same)
            for quantity in (4, 5, 6)
        ),
        shop.add(same, "MUG-1"),
        client.delete("/api/v1/cart", headers=same),
    )
    codes = [answer.status_code for answer in answers]
    assert sorted(code == 412 for code in codes) == [False, True, True, True, True], codes
    (counted,) = [answer for answer in answers if answer.status_code != 412]
    assert await shop.cart(who) == counted.json()


async def test_a_key_that_comes_twice_at_once_is_replayed_though_the_cart_is_another_by_then(shop: Shop) -> None:
    who, client = shop.customer(), shop.harness.client
    await shop.add(who, "KET-1")
    tag = (await client.get("/api/v1/cart", headers=who)).headers["etag"]
    again = {"If-Match": tag, "Idempotency-Key": "k-1"}
    answers = await asyncio.gather(*(shop.add(who, "MUG-1", 2, **again) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert units(await shop.cart(who)) == {"KET-1": 1, "MUG-1": 2}


async def test_merging_takes_a_guests_cart_over_once(shop: Shop) -> None:
    guest = {"X-Cart-Token": (await shop.add({}, "KET-1", 2)).headers["x-cart-token"]}
    who = shop.customer()
    await shop.add(who, "KET-1", 1)
    client = shop.harness.client
    for _ in range(2):
        merged = await client.post("/api/v1/cart/merge", headers={**who, **guest})
        assert (merged.status_code, units(merged.json())) == (200, {"KET-1": 3})
    assert units(await shop.cart(guest)) == {}
    assert "x-cart-token" not in (await shop.add(guest, "MUG-1")).headers
    assert units(await shop.cart(guest)) == {"MUG-1": 1}
    assert units(await shop.cart(who)) == {"KET-1": 3}


async def test_merging_needs_both_a_login_and_a_token(shop: Shop) -> None:
    client = shop.harness.client
    assert (await client.post("/api/v1/cart/merge", headers={"X-Cart-Token": "x" * 43})).status_code == 401
    missing = await client.post("/api/v1/cart/merge", headers=shop.customer())
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/header/X-Cart-Token")


async def test_carts_are_listed_for_their_owner_and_for_staff(shop: Shop) -> None:
    user_id, client = new_id(), shop.harness.client
    mine = shop.harness.bearer(user_id)
    await shop.add(mine, "KET-1")
    await shop.add({}, "MUG-1")
    own = (await client.get("/api/v1/carts", headers=mine)).json()
    assert [(each["customer_id"], each["status"], each["item_count"]) for each in own["items"]] == [
        (user_id, "open", 1)
    ]
    staff = shop.harness.bearer(new_id(), role="staff", rights=["carts:read"])
    assert (await client.get("/api/v1/carts", headers=staff)).json()["total"] == 2
    assert (await client.get("/api/v1/carts?mine=true", headers=staff)).json()["total"] == 0
    assert (await client.get("/api/v1/carts?status=merged", headers=staff)).json()["items"] == []
    assert (await client.get("/api/v1/carts")).status_code == 401
    assert (await client.get("/api/v1/carts?colour=red", headers=mine)).status_code == 422


async def test_many_first_writes_at_once_open_one_cart(shop: Shop) -> None:
    who = shop.customer()
    await shop.add(shop.customer(), "KET-1")
    answers = await asyncio.gather(*(shop.add(who, "KET-1") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert units(await shop.cart(who)) == {"KET-1": 10}
    pool = shop.harness.service.database.pool
    assert await pool.fetchval("select count(*) from events where type = 'opened.v1'") == 2


async def test_another_services_questions_need_its_token(shop: Shop) -> None:
    who = shop.customer()
    client = shop.harness.client
    assert (await client.get("/internal/v1/cart", headers=who)).status_code == 401
    assert (await shop.internal(who)).status_code == 404
    assert (await shop.internal({})).status_code == 404
    await shop.add(who, "KET-1", 2)
    cart = (await shop.internal(who)).json()
    assert (cart["version"], cart["total"], cart["owner"]) == (1, 499800, f"user:{cart['customer_id']}")
    assert [(line["sku"], line["quantity"], line["unit_price"]) for line in cart["lines"]] == [("KET-1", 2, 249900)]


async def test_a_merge_takes_no_more_than_there_is(shop: Shop) -> None:
    """Sold out it comes along as it is, to be seen; while inventory is away, the limits alone count."""
    levels = {"KET-1": {"available": 2, "backorderable": 1}, "MUG-1": {"available": 0, "backorderable": 0}}

    async def stock(request: Request) -> Response:
        return JSONResponse({"items": [{"sku": sku, **levels[sku]} for sku in request.query_params.getlist("sku")]})

    for answers, kettles in ((True, 3), (False, 8)):
        shop.harness.peers["inventory"] = Starlette(routes=[Route("/internal/v1/stock", stock)] if answers else [])
        who, guest = shop.customer(), await shop.add({}, "KET-1", 6)
        token = {"X-Cart-Token": guest.headers["X-Cart-Token"]}
        await shop.add(token, "MUG-1", 2)
        await shop.add(who, "KET-1", 2)
        merged = await shop.harness.client.post("/api/v1/cart/merge", headers={**who, **token})
        assert units(merged.json()) == {"KET-1": kettles, "MUG-1": 2}


async def test_every_route_says_who_may(shop: Shop) -> None:
    found = {(each.method, each.path): each.access for each in walk(shop.harness.service.app)}
    assert found.pop(("POST", "/api/v1/cart/merge")) == "shopper"
    inside = {key: access for key, access in found.items() if key[1].startswith("/internal/")}
    assert set(inside.values()) == {"service_only"}
    staff = {key: access for key, access in found.items() if key[1].startswith("/api/v1/coupons")}
    assert set(staff.values()) == {"coupons:write"}
    assert {access for key, access in found.items() if key not in {**inside, **staff}} == {"cart_holder", "known"}
