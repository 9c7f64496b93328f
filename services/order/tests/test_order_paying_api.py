"""Orders over HTTP while they are paid, and what time does to those that are not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from chassis.fixtures import until
from chassis.world import new_id
from order.testing_shop import CARD, CASH, GUEST_TOKEN, TOTAL, Shop, open_shop
from soko_contracts import cart, inventory, payment
from soko_contracts import order as facts

GUEST = {"X-Cart-Token": GUEST_TOKEN}

ELSEWHERE = {"name": "B", "phone": "+254700000002", "line1": "2 Hill Rd", "city": "Kisumu", "country": "ke"}


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with open_shop(running) as opened:
        yield opened


def kind(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


# --- paying ---


async def test_another_card_pays_what_the_first_did_not(shop: Shop) -> None:
    order = await shop.awaiting()
    await shop.decline(order)
    answer = await shop.post(f"/orders/{order['id']}/pay", {"method": "card", "token": "tok_other"})
    assert (answer.status_code, answer.json()["payment_status"]) == (202, "processing")
    assert answer.json()["payment"]["id"] != order["payment"]["id"]
    asked = [message for message in shop.harness.sent if isinstance(message, payment.Authorise)]
    assert [message.token for message in asked] == ["tok_success", "tok_other"]
    await shop.pay(answer.json())
    assert (await shop.order(order["id"]))["status"] == "confirmed"


async def test_pay_answers_what_became_of_it_within_the_wait(shop: Shop) -> None:
    order = await shop.awaiting(payment=None)
    path, body = f"/orders/{order['id']}/pay", {"method": "card", "token": "tok"}

    async def end(wanted: str) -> Any:
        request = asyncio.create_task(shop.post(path, body, key=wanted, wait=10))

        async def begun() -> Any:
            found = await shop.order(order["id"])
            return found if found["payment_status"] == "processing" else None

        now = await until(begun)
        await (shop.pay(now) if wanted == "paid" else shop.decline(now))
        return await request

    declined = await end("declined")
    assert (declined.status_code, kind(declined)) == (402, "payment-failed")
    assert declined.json()["order"]["status"] == "awaiting_payment"
    paid = await end("paid")
    assert (paid.status_code, paid.json()["status"]) == (200, "confirmed")
    replay = await shop.post(path, body, key="paid")
    assert (replay.status_code, replay.headers["idempotency-replayed"]) == (200, "true")


async def test_nothing_is_paid_twice(shop: Shop) -> None:
    order = await shop.placed()
    path = f"/orders/{order['id']}/pay"
    assert kind(await shop.post(path, CARD)) == "not-payable"
    await shop.reserve(order["id"])
    assert kind(await shop.post(path, CARD)) == "payment-in-progress"
    await shop.pay(await shop.order(order["id"]))
    answer = await shop.post(path, CARD)
    assert (answer.status_code, kind(answer)) == (409, "not-payable")


async def test_the_same_key_pays_once(shop: Shop) -> None:
    order = await shop.awaiting(payment=None)
    answers = await asyncio.gather(*[shop.post(f"/orders/{order['id']}/pay", CARD, key="one") for _ in range(5)])
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert sum(isinstance(message, payment.Authorise) for message in shop.harness.sent) == 1


async def test_only_the_owner_pays(shop: Shop) -> None:
    order = await shop.awaiting(payment=None)
    answer = await shop.post(f"/orders/{order['id']}/pay", CARD, shop.staff())
    assert (answer.status_code, kind(answer)) == (403, "forbidden")


async def test_a_way_to_pay_that_is_not_offered_is_refused(shop: Shop) -> None:
    order = await shop.awaiting(payment=None)
    answer = await shop.post(f"/orders/{order['id']}/pay", {"method": "mpesa", "phone": "+254700000001"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/method")
    without = await shop.client.post(f"/api/v1/orders/{order['id']}/pay", json=CARD, headers=shop.her)
    assert (without.status_code, kind(without)) == (400, "idempotency-key-required")


# --- time ---


async def test_left_alone_it_is_cancelled_at_its_deadline_and_everything_goes_back(shop: Shop) -> None:
    order = await shop.awaiting(payment=None)
    shop.harness.clock.advance(timedelta(minutes=15))
    await shop.settle()
    late = await shop.order(order["id"])
    assert (late["status"], late["reason"], late["expires_at"]) == ("cancelled", "payment_timeout", None)
    said = [type(message) for message in shop.harness.sent]
    assert inventory.ReleaseStock in said
    assert cart.PutBack in said


async def test_no_answer_about_stock_cancels_after_a_minute(shop: Shop) -> None:
    order = await shop.placed()
    shop.harness.clock.advance(timedelta(seconds=60))
    await shop.settle()
    assert (await shop.order(order["id"]))["reason"] == "stock_timeout"
    await shop.reserve(order["id"])
    releases = [message for message in shop.harness.sent if isinstance(message, inventory.ReleaseStock)]
    assert len(releases) == 2


async def test_money_that_comes_after_the_cancel_is_given_back(shop: Shop) -> None:
    order = await shop.awaiting()
    shop.harness.clock.advance(timedelta(minutes=15))
    await shop.settle()
    assert (await shop.order(order["id"]))["status"] == "cancelled"
    await shop.pay(order)
    (refund,) = [message for message in shop.harness.sent if isinstance(message, payment.Refund)]
    assert (refund.payment_id, refund.amount) == (order["payment"]["id"], TOTAL)
    await shop.deliver(
        payment.Refunded(
            payment_id=refund.payment_id, order_id=order["id"], refund_id=refund.refund_id, amount=TOTAL, currency="KES"
        ),
        subject=refund.payment_id,
    )
    assert (await shop.order(order["id"]))["payment_status"] == "refunded"
    assert any(isinstance(message, facts.Refunded) for message in shop.harness.sent)


async def test_a_cancel_that_payment_never_answers_is_one_after_an_hour(shop: Shop) -> None:
    order = await shop.awaiting()
    ids: dict[str, Any] = {"payment_id": order["payment"]["id"], "order_id": order["id"]}
    promise = payment.Authorised(**ids, method="card", amount=TOTAL, currency="KES")
    await shop.deliver(promise, subject=order["payment"]["id"])
    answer = await shop.post(f"/orders/{order['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")
    for _ in range(60):
        shop.harness.clock.advance(timedelta(minutes=1))
        await shop.settle()
    assert (await shop.order(order["id"]))["status"] == "cancelled"
    assert sum(isinstance(message, payment.Void) for message in shop.harness.sent) > 5


async def test_asked_about_the_reservation_the_order_answers(shop: Shop) -> None:
    order = await shop.awaiting(payment=None)
    asked = inventory.ReservationExpiring(order_id=order["id"], expires_at=shop.harness.clock())
    await shop.deliver(asked, subject=order["id"])
    assert isinstance(shop.harness.sent[-1], inventory.ExtendReservation)


# --- payment passes on ---


async def test_payment_passes_on_a_customers_try_to_pay(shop: Shop) -> None:
    order = await shop.awaiting(payment=None)
    path = f"/internal/v1/orders/{order['id']}/pay"
    headers = {**shop.her, "Idempotency-Key": "one"}
    assert (await shop.client.post(path, json=CARD, headers=headers)).status_code == 401
    passed = {**headers, **shop.harness.service_token("payment")}
    answer = await shop.client.post(path, json=CARD, headers=passed)
    assert (answer.status_code, answer.json()["payment"]["method"]) == (202, "card")
    again = await shop.client.post(path, json=CARD, headers=passed)
    assert again.headers["idempotency-replayed"] == "true"
    other = {**shop.harness.bearer(), **shop.harness.service_token("payment"), "Idempotency-Key": "two"}
    assert (await shop.client.post(path, json=CARD, headers=other)).status_code == 404


async def test_cash_is_marked_paid_through_payment(shop: Shop) -> None:
    order = await shop.awaiting(payment=CASH)
    ids: dict[str, Any] = {"payment_id": order["payment"]["id"], "order_id": order["id"]}
    promise = payment.Authorised(**ids, method="cash_on_delivery", amount=TOTAL, currency="KES")
    await shop.deliver(promise, subject=order["payment"]["id"])
    promised = await shop.order(order["id"])
    assert (promised["status"], promised["payment_status"]) == ("confirmed", "authorised")
    path = f"/internal/v1/orders/{order['id']}/payments/{ids['payment_id']}/mark-paid"
    token = shop.harness.service_token("payment")
    refused = await shop.client.post(path, json={"reference": "R-1"}, headers={**token, **shop.her})
    assert refused.status_code == 403
    by_staff = {**token, **shop.staff("payments:write")}
    assert (await shop.client.post(path, json={"reference": "R-1"}, headers=by_staff)).status_code == 200
    await shop.settle()
    capture = shop.harness.sent[-1]
    assert isinstance(capture, payment.Capture)
    assert (capture.payment_id, capture.amount, capture.reference) == (ids["payment_id"], TOTAL, "R-1")
    for what in ("capture", "void"):
        path = f"/internal/v1/orders/{order['id']}/payments/{new_id()}/{what}"
        answer = await shop.client.post(path, json={}, headers=by_staff)
        assert (answer.status_code, kind(answer)) == (409, f"nothing-to-{what}")
