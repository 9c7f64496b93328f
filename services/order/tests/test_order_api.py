"""Orders over HTTP after they were placed: seen, changed, called off, and told of."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from chassis.http import Caller
from chassis.http.testing import walk
from order.testing_shop import CARD, CASH, GUEST_TOKEN, TOTAL, Shop, open_shop
from soko_contracts import payment

GUEST = {"X-Cart-Token": GUEST_TOKEN}

ELSEWHERE = {"name": "B", "phone": "+254700000002", "line1": "2 Hill Rd", "city": "Kisumu", "country": "ke"}


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with open_shop(running) as opened:
        yield opened


def kind(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


# --- who sees what ---


async def test_an_order_is_found_by_id_and_by_number(shop: Shop) -> None:
    order = await shop.placed()
    assert (await shop.order(order["number"]))["id"] == order["id"]


async def test_another_customers_order_is_not_there(shop: Shop) -> None:
    order = await shop.placed()
    for path in ("", "/timeline", "/tracking", "/shipments"):
        answer = await shop.get(f"/orders/{order['id']}{path}", shop.harness.bearer())
        assert (answer.status_code, kind(answer)) == (404, "not-found")
    for path, body in (("/pay", CARD), ("/cancel", {})):
        answer = await shop.post(f"/orders/{order['id']}{path}", body, shop.harness.bearer())
        assert answer.status_code == 404


async def test_nobody_sees_nothing(shop: Shop) -> None:
    order = await shop.placed()
    for path in (f"/orders/{order['id']}", "/orders", "/shipments"):
        assert (await shop.client.get(f"/api/v1{path}")).status_code == 401


async def test_a_guest_sees_what_was_placed_with_the_token_and_no_other_guest_does(shop: Shop) -> None:
    shop.neighbours.fill(Caller(cart_token=GUEST_TOKEN).key)
    order = (await shop.place(GUEST, email="g@soko.example")).json()
    assert (await shop.order(order["id"], GUEST))["email"] == "g@soko.example"
    other = {"X-Cart-Token": "another-token-of-another-guest"}
    assert (await shop.get(f"/orders/{order['id']}", other)).status_code == 404
    both = {**shop.harness.bearer(), **GUEST}
    assert (await shop.get(f"/orders/{order['id']}", both)).status_code == 200


async def test_staff_see_all_and_addresses_only_with_that_right(shop: Shop) -> None:
    order = await shop.placed()
    assert (await shop.order(order["id"], shop.staff()))["shipping_address"]["line1"] == "1 Market St"
    without = await shop.order(order["id"], shop.staff("orders:read"))
    assert (without["shipping_address"], without["email"]) == (None, None)
    assert (await shop.get(f"/orders/{order['id']}", shop.staff("carts:read"))).status_code == 404


async def test_an_order_that_did_not_change_is_not_sent_again(shop: Shop) -> None:
    order = await shop.placed()
    tag = (await shop.get(f"/orders/{order['id']}")).headers["etag"]
    same = await shop.get(f"/orders/{order['id']}", None, **{"If-None-Match": tag})
    assert same.status_code == 304
    await shop.reserve(order["id"])
    changed = await shop.get(f"/orders/{order['id']}", None, **{"If-None-Match": tag})
    assert changed.status_code == 200


@pytest.mark.parametrize("unknown", ["nothing", "SO-0", "../x", "'", "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"])
async def test_what_is_not_there_is_404(shop: Shop, unknown: str) -> None:
    answer = await shop.client.get(f"/api/v1/orders/{unknown}", headers=shop.her)
    assert answer.status_code == 404


# --- the list ---


async def test_ones_own_orders_the_newest_first(shop: Shop) -> None:
    first = await shop.placed()
    shop.harness.clock.advance(timedelta(minutes=1))
    second = await shop.placed()
    other = shop.harness.bearer("somebody")
    shop.neighbours.fill("user:somebody")
    await shop.place(other)
    mine = (await shop.get("/orders")).json()
    assert ([each["id"] for each in mine["items"]], mine["total"]) == ([second["id"], first["id"]], 2)
    assert (await shop.get("/orders", shop.staff())).json()["total"] == 3
    assert (await shop.get("/orders?mine=true", shop.staff())).json()["total"] == 0


async def test_the_list_is_filtered(shop: Shop) -> None:
    waiting = await shop.awaiting()
    shop.harness.clock.advance(timedelta(minutes=1))
    pending = await shop.placed(shipping_method="pickup", payment=CASH)

    async def found(query: str, who: dict[str, str] | None = None) -> list[str]:
        answer = await shop.get(f"/orders?{query}", who)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert await found("status=pending") == [pending["id"]]
    assert await found("status=pending&status=awaiting_payment&ordering=created_at") == [waiting["id"], pending["id"]]
    assert await found("payment_status=processing") == [waiting["id"]]
    assert await found("total_min=5500.00") == [waiting["id"]]
    assert await found("total_max=5498.00") == [pending["id"]]
    assert await found("total_max=0.75") == []
    assert await found("total_max=05498") == [pending["id"]]
    after = shop.harness.clock().isoformat().replace("+00:00", "Z")
    assert await found(f"created_after={after}") == [pending["id"]]
    assert await found(f"created_before={after}") == [waiting["id"]]
    assert await found(f"search={waiting['number'].lower()}") == [waiting["id"]]
    assert set(await found("search=KET-1")) == {waiting["id"], pending["id"]}
    assert await found("search=KET") == []
    assert len(await found("search=customer@soko", shop.staff())) == 2
    assert await found("search=customer@soko", shop.staff("orders:read")) == []
    assert len(await found("search=0000009", shop.staff())) == 2
    assert await found("ordering=total") == [pending["id"], waiting["id"]]


@pytest.mark.parametrize(
    "query", ["status=lost", "total_min=x", "total_min=1.005", "colour=red", "ordering=email", "created_after=soon"]
)
async def test_a_filter_that_makes_no_sense_is_refused(shop: Shop, query: str) -> None:
    assert (await shop.get(f"/orders?{query}")).status_code == 422


async def test_a_long_list_goes_on_by_page_and_by_cursor(shop: Shop) -> None:
    for _ in range(5):
        shop.harness.clock.advance(timedelta(seconds=1))
        await shop.placed()
    first = (await shop.get("/orders?page_size=2")).json()
    second = (await shop.client.get(first["next"], headers=shop.her)).json()
    assert (second["total"], second["previous"]) == (5, "/api/v1/orders?page=1&page_size=2")
    pages, following = list[str](), "/api/v1/orders?cursor=&limit=2"
    while following:
        page = (await shop.client.get(following, headers=shop.her)).json()
        pages += [each["id"] for each in page["items"]]
        following = page["next"]
    assert pages == [each["id"] for each in (await shop.get("/orders")).json()["items"]]


# --- changing, calling off ---


async def test_the_address_can_change_until_the_order_is_confirmed(shop: Shop) -> None:
    order = await shop.awaiting()
    path = f"/api/v1/orders/{order['id']}"
    body = {"shipping_address": ELSEWHERE}
    changed = await shop.client.patch(path, json=body, headers=shop.her)
    assert (changed.status_code, changed.json()["shipping_address"]["city"]) == (200, "Kisumu")
    assert changed.json()["shipping_address"]["country"] == "KE"
    stale = await shop.client.patch(path, json=body, headers={**shop.her, "If-Match": '"1"'})
    assert (stale.status_code, kind(stale)) == (412, "precondition-failed")
    await shop.pay(order)
    final = await shop.client.patch(path, json=body, headers=shop.her)
    assert (final.status_code, kind(final)) == (409, "conflict")


async def test_of_changes_made_at_once_by_who_knows_one_version_exactly_one_counts(shop: Shop) -> None:
    order = await shop.awaiting()
    path = f"/api/v1/orders/{order['id']}"
    known = (await shop.get(f"/orders/{order['id']}")).headers["ETag"]
    cities = ["Kisumu", "Nakuru", "Mombasa", "Eldoret"]
    answers = await asyncio.gather(
        *[
            shop.client.patch(
                path,
                json={"shipping_address": {**ELSEWHERE, "city": city}},
                headers={**shop.her, "If-Match": known},
            )
            for city in cities
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    (city,) = [city for city, answer in zip(cities, answers, strict=True) if answer.status_code == 200]
    assert (await shop.order(order["id"]))["shipping_address"]["city"] == city


async def test_a_customer_calls_it_off(shop: Shop) -> None:
    order = await shop.confirmed()
    answer = await shop.post(f"/orders/{order['id']}/cancel", {"reason": "found it cheaper"})
    assert answer.status_code == 200
    cancelled = answer.json()
    assert (cancelled["status"], cancelled["reason"], cancelled["note"]) == (
        "cancelled",
        "by_customer",
        "found it cheaper",
    )
    assert any(isinstance(message, payment.Refund) for message in shop.harness.sent)
    stored = await shop.harness.service.database.pool.fetch("select data::text from events")
    assert not any("cheaper" in row["data"] for row in stored)
    again = await shop.client.post(f"/api/v1/orders/{order['id']}/cancel", headers=shop.her)
    assert again.status_code == 200


async def test_staff_call_it_off_and_others_do_not(shop: Shop) -> None:
    order = await shop.awaiting()
    assert (await shop.post(f"/orders/{order['id']}/cancel", {}, shop.staff("orders:read"))).status_code == 404
    answer = await shop.post(f"/orders/{order['id']}/cancel", {}, shop.staff())
    assert answer.json()["reason"] == "by_staff"


async def test_cancel_and_the_money_race_and_nothing_is_kept(shop: Shop) -> None:
    for _ in range(10):
        order = await shop.awaiting()
        await asyncio.gather(shop.post(f"/orders/{order['id']}/cancel"), shop.pay(order))
        await shop.settle()
        assert (await shop.order(order["id"]))["status"] == "cancelled"
        given = [message for message in shop.harness.sent if isinstance(message, payment.Refund)]
        assert [(one.order_id, one.amount) for one in given if one.order_id == order["id"]] == [(order["id"], TOTAL)]


# --- its story ---


async def test_the_timeline_tells_what_happened(shop: Shop) -> None:
    order = await shop.confirmed()
    entries = (await shop.get(f"/orders/{order['id']}/timeline")).json()["items"]
    assert [entry["kind"] for entry in entries] == [
        "placed",
        "awaiting_payment",
        "payment_started",
        "payment_authorised",
        "payment_captured",
        "confirmed",
    ]
    assert entries[4]["amount"] == {"amount": "5748.00", "currency": "KES"}
    assert all(entry["at"].endswith("Z") for entry in entries)


async def test_the_timeline_goes_on_as_things_happen(shop: Shop) -> None:
    order = await shop.placed()
    headers = {**shop.her, "Accept": "text/event-stream", "Last-Event-ID": "1"}
    body, seen = asyncio.Queue[bytes](), b""
    hung_up = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await body.put(message["body"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": f"/api/v1/orders/{order['id']}/timeline",
        "raw_path": b"",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    listening = asyncio.create_task(shop.harness.service.app(scope, receive, send))
    await shop.reserve(order["id"])
    while b"payment_started" not in seen:
        seen += await asyncio.wait_for(body.get(), 10)
    hung_up.set()
    await asyncio.wait_for(listening, 10)
    assert b"event: placed" not in seen
    assert b"id: 2\nevent: awaiting_payment\ndata: {" in seen


async def test_tracking_shows_parcels_without_names(shop: Shop) -> None:
    order = await shop.confirmed()
    tracking = (await shop.get(f"/orders/{order['id']}/tracking")).json()
    assert (tracking["status"], [each["status"] for each in tracking["shipments"]]) == ("confirmed", ["pending"])
    assert "address" not in str(tracking)


# --- access ---


async def test_every_route_declares_who_may(shop: Shop) -> None:
    found = {(each.method, each.path): each.access for each in walk(shop.harness.service.app)}
    inside = {key: access for key, access in found.items() if key[1].startswith("/internal/")}
    assert set(inside.values()) == {"service_only"}
    assert found[("GET", "/api/v1/shipping-methods")] == "anyone"
    rights = {key: access for key, access in found.items() if ":" in access}
    assert rights == {
        ("POST", "/api/v1/orders/{order_id}/shipments"): "orders:fulfil",
        ("PATCH", "/api/v1/shipments/{shipment_id}"): "orders:fulfil",
        ("GET", "/api/v1/orders/{order_id}/refunds"): "payments:read",
        ("POST", "/api/v1/orders/{order_id}/refunds"): "payments:write",
        ("POST", "/api/v1/orders/{order_id}/refunds/{refund_id}/retry"): "payments:write",
        ("GET", "/api/v1/refunds"): "payments:read",
    }
