"""Parcels and refunds over HTTP, erasure, and views made again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from chassis.rebuild import Rebuild
from order.erasing import forget_erased
from order.testing_shop import TOTAL, Shop, open_shop
from soko_contracts import identity, payment
from soko_contracts import order as facts

WRITE = "payments:write"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with open_shop(running) as opened:
        yield opened


def kind(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


async def move(shop: Shop, shipment_id: str, *statuses: str) -> Any:
    answer: Any = None
    for status in statuses:
        answer = await shop.client.patch(
            f"/api/v1/shipments/{shipment_id}", json={"status": status}, headers=shop.staff()
        )
        assert answer.status_code == 200, answer.text
    await shop.settle()
    return answer.json()


# --- parcels ---


async def test_a_confirmed_order_has_one_shipment_that_staff_move_on(shop: Shop) -> None:
    order = await shop.confirmed()
    (shipment,) = order["shipments"]
    assert (shipment["status"], shipment["lines"]) == (
        "pending",
        [{"sku": "KET-1", "quantity": 2}, {"sku": "MUG-1", "quantity": 1}],
    )
    steps = {
        "packed": "processing",
        "in_transit": "shipped",
        "out_for_delivery": "shipped",
        "delivered": "delivered",
    }
    for status, then in steps.items():
        await move(shop, shipment["id"], status)
        now = await shop.order(order["id"])
        assert (now["status"], now["shipments"][0]["status"]) == (then, status)
    told = [type(message) for message in shop.harness.sent]
    assert told.count(facts.Shipped) == told.count(facts.Delivered) == 1


async def test_a_part_goes_by_itself(shop: Shop) -> None:
    order = await shop.confirmed()
    body = {"lines": [{"sku": "KET-1", "quantity": 1}], "carrier": "Posta", "tracking_number": "EK1KE"}
    answer = await shop.post(f"/orders/{order['id']}/shipments", body, shop.staff(), key="one")
    assert (answer.status_code, answer.json()["carrier"]) == (201, "Posta")
    again = await shop.post(f"/orders/{order['id']}/shipments", body, shop.staff(), key="one")
    await move(shop, answer.json()["id"], "packed", "in_transit")
    assert (await shop.order(order["id"]))["status"] == "partially_shipped"
    listed = (await shop.get(f"/orders/{order['id']}/shipments")).json()["items"]
    assert {each["id"]: each["lines"] for each in listed} == {
        order["shipments"][0]["id"]: [{"sku": "KET-1", "quantity": 1}, {"sku": "MUG-1", "quantity": 1}],
        answer.json()["id"]: [{"sku": "KET-1", "quantity": 1}],
    }
    assert (again.status_code, again.json()["id"]) == (201, answer.json()["id"])
    assert (await shop.post(f"/orders/{order['id']}/shipments", body)).status_code == 403
    too_many = await shop.post(
        f"/orders/{order['id']}/shipments", {"lines": [{"sku": "KET-1", "quantity": 2}]}, shop.staff()
    )
    assert (too_many.status_code, kind(too_many)) == (409, "not-shippable")


async def test_all_that_is_not_packed_goes_together(shop: Shop) -> None:
    order = await shop.confirmed()
    answer = await shop.post(f"/orders/{order['id']}/shipments", {"carrier": "Posta"}, shop.staff())
    assert answer.status_code == 201
    (only,) = (await shop.get(f"/orders/{order['id']}/shipments")).json()["items"]
    assert (only["id"], only["carrier"]) == (answer.json()["id"], "Posta")
    assert (await shop.get(f"/shipments/{order['shipments'][0]['id']}", shop.staff())).status_code == 404
    await move(shop, only["id"], "packed")
    nothing = await shop.post(f"/orders/{order['id']}/shipments", {}, shop.staff())
    assert kind(nothing) == "not-shippable"


async def test_a_shipment_does_not_jump(shop: Shop) -> None:
    order = await shop.confirmed()
    path = f"/api/v1/shipments/{order['shipments'][0]['id']}"
    answer = await shop.client.patch(path, json={"status": "delivered"}, headers=shop.staff())
    assert (answer.status_code, kind(answer)) == (409, "not-shippable")
    stale = await shop.client.patch(path, json={"status": "packed"}, headers={**shop.staff(), "If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await shop.client.patch(path, json={"status": "lost"}, headers=shop.staff())).status_code == 422


async def test_parcels_of_one_order_are_changed_at_once_each_by_its_own_version(shop: Shop) -> None:
    order = await shop.confirmed()
    line = order["items"][0]
    part = {"lines": [{"sku": line["sku"], "quantity": 1}]}
    other = (await shop.post(f"/orders/{order['id']}/shipments", part, shop.staff())).json()
    paths = [f"/api/v1/shipments/{each}" for each in (order["shipments"][0]["id"], other["id"])]
    tags = [(await shop.client.get(path, headers=shop.staff())).headers["ETag"] for path in paths]
    answers = await asyncio.gather(
        *[
            shop.client.patch(path, json={"carrier": carrier}, headers={**shop.staff(), "If-Match": tag})
            for path, tag in zip(paths, tags, strict=True)
            for carrier in ("Posta", "G4S")
        ]
    )
    codes = [answer.status_code for answer in answers]
    assert (sorted(codes[:2]), sorted(codes[2:])) == ([200, 412], [200, 412])


async def test_what_has_left_is_not_cancelled(shop: Shop) -> None:
    order = await shop.confirmed()
    await move(shop, order["shipments"][0]["id"], "in_transit")
    answer = await shop.post(f"/orders/{order['id']}/cancel")
    assert (answer.status_code, kind(answer)) == (409, "already-shipped")


async def test_shipments_are_listed_for_staff_and_owners(shop: Shop) -> None:
    order = await shop.confirmed()
    (mine,) = (await shop.get("/shipments")).json()["items"]
    assert mine["order_id"] == order["id"]
    assert (await shop.get("/shipments", shop.harness.bearer())).json()["items"] == []
    assert len((await shop.get("/shipments?status=pending", shop.staff())).json()["items"]) == 1
    assert (await shop.get("/shipments?status=packed", shop.staff())).json()["items"] == []
    path = f"/shipments/{mine['id']}"
    assert (await shop.get(path)).status_code == 200
    assert (await shop.get(path, shop.harness.bearer())).status_code == 404


# --- refunds ---


async def refund(shop: Shop, order: Any, amount: str | None = None, who: Any = None, key: str = "") -> Any:
    body = {"amount": {"amount": amount, "currency": "KES"}} if amount else {}
    return await shop.post(f"/orders/{order['id']}/refunds", body, who or shop.staff(WRITE), key=key)


async def test_staff_give_a_part_back_and_then_the_rest(shop: Shop) -> None:
    order = await shop.confirmed()
    part = await refund(shop, order, "748.00")
    assert (part.status_code, part.json()["status"]) == (201, "pending")
    rest = await refund(shop, order)
    assert rest.json()["amount"]["amount"] == "5000.00"
    assert kind(await refund(shop, order)) == "refund-too-large"
    asked = [message for message in shop.harness.sent if isinstance(message, payment.Refund)]
    assert sum(message.amount for message in asked) == TOTAL
    for one, status in zip(asked, ("partially_refunded", "refunded"), strict=True):
        done = payment.Refunded(
            payment_id=one.payment_id,
            order_id=order["id"],
            refund_id=one.refund_id,
            amount=one.amount,
            currency="KES",
        )
        await shop.deliver(done, subject=one.payment_id)
        assert (await shop.order(order["id"]))["payment_status"] == status
    reader = shop.staff("payments:read")
    listed = (await shop.get(f"/orders/{order['id']}/refunds", reader)).json()["items"]
    assert [each["status"] for each in listed] == ["succeeded", "succeeded"]


async def test_the_same_key_refunds_once(shop: Shop) -> None:
    order = await shop.confirmed()
    first, second = [await refund(shop, order, "1.00", key="one") for _ in range(2)]
    assert first.json()["id"] == second.json()["id"]
    assert sum(isinstance(message, payment.Refund) for message in shop.harness.sent) == 1


async def test_what_a_provider_would_not_return_is_listed_as_owed(shop: Shop) -> None:
    order = await shop.confirmed()
    made = (await refund(shop, order)).json()
    failed = payment.RefundFailed(
        payment_id=made["payment_id"],
        order_id=order["id"],
        refund_id=made["id"],
        amount=TOTAL,
        currency="KES",
        reason="closed",
    )
    await shop.deliver(failed, subject=made["payment_id"])
    owed = (await shop.get("/refunds?status=failed", shop.staff("payments:read"))).json()["items"]
    assert [each["id"] for each in owed] == [made["id"]]
    assert (await shop.order(order["id"]))["payment_status"] == "refund_failed"


async def refused(shop: Shop, made: Any, tries: int = 1) -> None:
    failed = payment.RefundFailed(
        payment_id=made["payment_id"],
        order_id=made["order_id"],
        refund_id=made["id"],
        amount=TOTAL,
        currency="KES",
        reason="closed",
        tries=tries,
    )
    await shop.deliver(failed, subject=made["payment_id"])


async def retry(shop: Shop, made: Any, key: str = "", who: Any = None) -> Any:
    path = f"/orders/{made['order_id']}/refunds/{made['id']}/retry"
    return await shop.post(path, None, who or shop.staff(WRITE), key=key)


async def test_what_a_provider_would_not_return_is_tried_again_by_staff(shop: Shop) -> None:
    order = await shop.confirmed()
    made = (await refund(shop, order)).json()
    assert kind(await retry(shop, made)) == "refund-not-failed"
    await refused(shop, made)
    first, same = [await retry(shop, made, key="once") for _ in range(2)]
    assert (first.status_code, first.json()["id"], first.json()["status"]) == (200, made["id"], "pending")
    assert (same.status_code, same.headers["idempotency-replayed"]) == (200, "true")
    assert (await shop.order(order["id"]))["payment_status"] == "captured"
    asked = [message.tries for message in shop.harness.sent if isinstance(message, payment.Refund)]
    assert asked == [1, 2]

    await refused(shop, made, tries=1)
    assert kind(await retry(shop, made)) == "refund-not-failed"
    done = payment.Refunded(
        payment_id=made["payment_id"], order_id=order["id"], refund_id=made["id"], amount=TOTAL, currency="KES"
    )
    await shop.deliver(done, subject=made["payment_id"])
    assert (await retry(shop, made, key="once")).json()["status"] == "succeeded"
    assert kind(await retry(shop, made)) == "refund-not-failed"
    assert (await shop.order(order["id"]))["payment_status"] == "refunded"
    entries = (await shop.get(f"/orders/{order['id']}/timeline", shop.staff())).json()["items"]
    told = [each["kind"] for each in entries if each["kind"].startswith("refund")]
    assert told == ["refund_started", "refund_failed", "refund_retried", "refunded"]


async def test_only_staff_and_only_with_a_key_have_a_refund_of_that_order_tried_again(shop: Shop) -> None:
    order, other = await shop.confirmed(), await shop.confirmed()
    made = (await refund(shop, order)).json()
    await refused(shop, made)
    assert (await retry(shop, made, who=shop.her)).status_code == 403
    assert (await retry(shop, {**made, "order_id": other["id"]})).status_code == 404
    assert (await retry(shop, {**made, "id": "none"})).status_code == 404
    assert (await retry(shop, {**made, "order_id": "none"})).status_code == 404
    path = f"/api/v1/orders/{order['id']}/refunds/{made['id']}/retry"
    keyless = await shop.client.post(path, headers=shop.staff(WRITE))
    assert kind(keyless) == "idempotency-key-required"


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1.005", "9999999.00"])
async def test_a_refund_has_to_make_sense(shop: Shop, amount: str) -> None:
    order = await shop.confirmed()
    assert (await refund(shop, order, amount)).status_code in (409, 422)


async def test_refunds_are_for_staff(shop: Shop) -> None:
    order = await shop.confirmed()
    assert (await refund(shop, order, who=shop.her)).status_code == 403
    assert (await shop.get("/refunds")).status_code == 403


# --- erasure ---


async def erase(shop: Shop) -> str:
    await shop.deliver(identity.UserErased(user_id=shop.amina, role="customer", active=False), subject=shop.amina)
    return await forget_erased(shop.harness.service)


async def test_an_erased_customer_is_forgotten_once_the_last_order_is_over(shop: Shop) -> None:
    first, second = await shop.confirmed(), await shop.placed()
    assert await erase(shop) == "0 customers forgotten"
    await move(shop, first["shipments"][0]["id"], "packed", "in_transit", "out_for_delivery", "delivered")
    assert await forget_erased(shop.harness.service) == "0 customers forgotten"
    await shop.post(f"/orders/{second['id']}/cancel", {"reason": "private"}, shop.staff())
    assert await forget_erased(shop.harness.service) == "1 customers forgotten"
    assert await forget_erased(shop.harness.service) == "0 customers forgotten"
    for each in (first, second):
        order = await shop.order(each["id"], shop.staff())
        assert (order["shipping_address"], order["email"]) == (None, "erased")
    assert (await shop.get("/orders?search=customer@soko", shop.staff())).json()["items"] == []


async def test_money_on_its_way_back_still_needs_the_address(shop: Shop) -> None:
    order = await shop.confirmed()
    await shop.post(f"/orders/{order['id']}/cancel")
    assert await erase(shop) == "0 customers forgotten"


async def test_a_key_made_by_a_checkout_under_way_is_found_too(shop: Shop) -> None:
    order = await shop.placed()
    await shop.post(f"/orders/{order['id']}/cancel")
    assert await erase(shop) == "1 customers forgotten"
    await shop.harness.service.seal(shop.amina, "late")
    assert await forget_erased(shop.harness.service) == "1 customers forgotten"


# --- views made again ---


async def rows(shop: Shop) -> list[Any]:
    pool = shop.harness.service.database.pool
    return [
        [dict(row) for row in await pool.fetch(f"select * from {table} order by id")]
        for table in ("orders", "shipments", "refunds")
    ]


async def test_views_made_again_are_the_same_rows(shop: Shop) -> None:
    paid = await shop.confirmed()
    await shop.post(f"/orders/{paid['id']}/shipments", {"lines": [{"sku": "KET-1", "quantity": 1}]}, shop.staff())
    await refund(shop, paid, "1.00")
    shop.harness.clock.advance(timedelta(minutes=1))
    cancelled = await shop.confirmed()
    await shop.post(f"/orders/{cancelled['id']}/cancel", {"reason": "no"})
    await shop.placed()
    before = await rows(shop)
    rebuilt = await Rebuild(shop.harness.service).run()
    assert {each.table: (each.rows, each.differed) for each in rebuilt} == {
        "orders": (3, False),
        "shipments": (2, False),
        "refunds": (2, False),
    }
    assert await rows(shop) == before
