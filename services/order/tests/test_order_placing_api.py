"""POST /orders and POST /cart/quote, on a real database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from chassis.http import Caller
from chassis.world import new_id
from order.testing_shop import (
    ADDRESS_ID,
    CARD,
    CASH,
    GUEST_TOKEN,
    KES,
    TOTAL,
    Shop,
    open_shop,
)
from soko_contracts import cart, inventory, notification, payment
from soko_contracts import order as facts

GUEST = {"X-Cart-Token": GUEST_TOKEN}
GUEST_OWNER = Caller(cart_token=GUEST_TOKEN).key


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with open_shop(running) as opened:
        yield opened


def kinds(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def pointers(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_an_order_is_placed_with_the_prices_of_the_cart(shop: Shop) -> None:
    cart_read = shop.neighbours.fill(f"user:{shop.amina}")
    answer = await shop.place()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/orders/{cart_read['order_id']}"
    order = answer.json()
    assert order["id"] == cart_read["order_id"]
    assert order["number"].startswith("SO-")
    assert (order["status"], order["payment_status"], order["return_status"]) == ("pending", "unpaid", "none")
    assert [(line["sku"], line["quantity"], line["line_total"]["amount"]) for line in order["items"]] == [
        ("KET-1", 2, "4998.00"),
        ("MUG-1", 1, "500.00"),
    ]
    amounts = {name: order[name]["amount"] for name in ("subtotal", "discount", "shipping", "tax", "rounding", "total")}
    assert amounts == {
        "subtotal": "5498.00",
        "discount": "0.00",
        "shipping": "250.00",
        "tax": "0.00",
        "rounding": "0.00",
        "total": "5748.00",
    }
    assert order["shipping_address"]["city"] == "Nairobi"
    assert order["email"] == "customer@soko.example"
    assert order["payment"]["method"] == "card"


async def test_the_other_services_are_told(shop: Shop) -> None:
    order = await shop.placed()
    placed, reserve, mail = shop.harness.sent
    assert isinstance(placed, facts.Placed)
    assert (placed.order_id, placed.cart_version, placed.totals.total) == (order["id"], 2, TOTAL)
    assert isinstance(reserve, inventory.ReserveStock)
    assert isinstance(mail, notification.Send)
    assert (mail.kind, mail.subject_id, mail.customer_id) == ("order_received", shop.amina, shop.amina)
    assert mail.contact == {"email": "customer@soko.example", "phone": "+254700000009", "language": "sw"}


async def test_the_token_reaches_payment_and_nothing_else(shop: Shop) -> None:
    order = await shop.awaiting()
    asked = shop.harness.sent[-1]
    assert isinstance(asked, payment.Authorise)
    assert (asked.payment_id, asked.token, asked.amount) == (order["payment"]["id"], "tok_success", TOTAL)
    stored = await shop.harness.service.database.pool.fetch("select data::text from events")
    assert not any("tok_success" in row["data"] or "Market" in row["data"] for row in stored)


async def test_its_key_is_forgotten_when_the_attempt_ends(shop: Shop) -> None:
    order = await shop.awaiting()
    subjects = "select subject from subject_keys order by subject"
    before = {row["subject"] for row in await shop.harness.service.database.pool.fetch(subjects)}
    assert before == {shop.amina, order["payment"]["id"]}
    await shop.decline(order)
    after = {row["subject"] for row in await shop.harness.service.database.pool.fetch(subjects)}
    assert after == {shop.amina}


async def test_an_address_of_ones_own_can_be_named(shop: Shop) -> None:
    order = await shop.placed(shipping_address=None, address_id=ADDRESS_ID)
    assert (order["shipping_address"]["line1"], order["shipping_address"]["region"]) == ("1 Market St", "Nairobi")
    shop.neighbours.fill(f"user:{shop.amina}")
    answer = await shop.place(shipping_address=None, address_id=new_id())
    assert (answer.status_code, pointers(answer)) == (422, ["/address_id"])


# --- the answers, in their order ---


async def test_200_when_the_cart_was_ordered_already(shop: Shop) -> None:
    order = await shop.placed()
    again = await shop.place()
    assert (again.status_code, again.json()["id"], again.json()["number"]) == (200, order["id"], order["number"])
    assert sum(isinstance(message, facts.Placed) for message in shop.harness.sent) == 1


async def test_that_key_names_the_order_from_then_on(shop: Shop) -> None:
    order = await shop.placed()
    await shop.place(key="late")
    shop.neighbours.carts.clear()
    replay = await shop.place(key="late")
    assert (replay.status_code, replay.json()["id"]) == (202, order["id"])
    assert replay.headers["idempotency-replayed"] == "true"


async def test_ten_keys_at_once_make_one_order(shop: Shop) -> None:
    cart_read = shop.neighbours.fill(f"user:{shop.amina}")
    answers = await asyncio.gather(*[shop.place(key=f"key-{number}") for number in range(10)])
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert {answer.json()["id"] for answer in answers} == {cart_read["order_id"]}
    assert sum(isinstance(message, facts.Placed) for message in shop.harness.sent) == 1
    keys = await shop.harness.service.database.pool.fetch("select subject from subject_keys")
    assert {row["subject"] for row in keys} == {shop.amina, answers[0].json()["payment"]["id"]}


async def test_409_when_there_is_nothing_to_order(shop: Shop) -> None:
    assert kinds(await shop.place()) == "cart-empty"
    shop.neighbours.fill(f"user:{shop.amina}", lines=[])
    assert kinds(await shop.place()) == "cart-empty"


async def test_409_when_what_was_in_the_cart_is_a_cancelled_order(shop: Shop) -> None:
    order = await shop.placed()
    await shop.post(f"/orders/{order['id']}/cancel")
    answer = await shop.place()
    assert (answer.status_code, kinds(answer)) == (409, "cart-empty")


async def test_what_was_added_since_is_the_next_order(shop: Shop) -> None:
    first = await shop.placed()
    owner = f"user:{shop.amina}"
    behind = dict(shop.neighbours.carts[owner], version=3)
    shop.neighbours.next_carts[owner] = dict(shop.neighbours.fill(owner), version=1)
    shop.neighbours.carts[owner] = behind
    answer = await shop.place()
    assert answer.status_code == 202
    assert answer.json()["id"] == shop.neighbours.next_carts[owner]["order_id"] != first["id"]
    (closed,) = shop.neighbours.closed
    assert (closed["order_id"], closed["version"]) == (first["id"], 2)
    assert closed["lines"] == [{"sku": "KET-1", "quantity": 2}, {"sku": "MUG-1", "quantity": 1}]


async def test_409_out_of_stock(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")

    async def reject(order_id: str) -> None:
        shortage = inventory.Shortage(sku="KET-1", requested=2, available=1)
        await shop.deliver(inventory.StockRejected(order_id=order_id, shortages=(shortage,)), subject=order_id)

    answer = await shop.meanwhile(shop.place(key="one", wait=10), reject)
    problem = answer.json()
    assert (answer.status_code, kinds(answer)) == (409, "out-of-stock")
    assert problem["shortages"] == [{"sku": "KET-1", "requested": 2, "available": 1}]
    assert (problem["order"]["status"], problem["order"]["reason"]) == ("cancelled", "out_of_stock")
    assert any(isinstance(message, cart.PutBack) for message in shop.harness.sent)
    assert (await shop.place(key="one")).status_code == 409


async def test_402_when_the_attempt_failed(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")

    async def decline(order_id: str) -> None:
        await shop.reserve(order_id)
        await shop.decline(await shop.order(order_id))

    answer = await shop.meanwhile(shop.place(key="one", wait=10), decline)
    assert (answer.status_code, kinds(answer)) == (402, "payment-failed")
    order = answer.json()["order"]
    assert (order["status"], order["payment_status"]) == ("awaiting_payment", "failed")
    assert order["expires_at"] is not None
    assert (await shop.place(key="one")).status_code == 402


async def test_201_when_it_settled_within_the_wait(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")

    async def pay(order_id: str) -> None:
        await shop.reserve(order_id)
        await shop.pay(await shop.order(order_id))

    answer = await shop.meanwhile(shop.place(key="one", wait=10), pay)
    assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")
    assert answer.json()["payment_status"] == "captured"
    replay = await shop.place(key="one")
    assert (replay.status_code, replay.headers["idempotency-replayed"]) == (201, "true")


async def test_201_with_next_action_when_the_payer_has_to_act(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    shop.neighbours.next_action = {"type": "redirect", "url": "https://bank.example/3ds"}

    async def ask(order_id: str) -> None:
        await shop.reserve(order_id)
        payment_id = (await shop.order(order_id))["payment"]["id"]
        needed = payment.ActionRequired(payment_id=payment_id, order_id=order_id, action="redirect")
        await shop.deliver(needed, subject=payment_id)

    answer = await shop.meanwhile(shop.place(wait=10), ask)
    assert (answer.status_code, answer.json()["payment_status"]) == (201, "requires_action")
    assert answer.json()["next_action"] == {"type": "redirect", "url": "https://bank.example/3ds"}
    assert (await shop.order(answer.json()["id"], shop.staff()))["next_action"] is None
    shop.neighbours.payment_is_away = True
    assert (await shop.order(answer.json()["id"]))["next_action"] is None


async def test_201_without_a_payment_when_it_awaits_one(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    answer = await shop.meanwhile(shop.place(wait=10, payment=None), shop.reserve)
    assert (answer.status_code, answer.json()["status"]) == (201, "awaiting_payment")
    assert (answer.json()["payment"], answer.json()["payment_status"]) == (None, "unpaid")


# --- idempotency ---


async def test_a_key_is_required(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    body = {"shipping_method": "standard"}
    answer = await shop.client.post("/api/v1/orders", json=body, headers=shop.her)
    assert answer.status_code in (400, 422)
    assert kinds(answer) == "idempotency-key-required"


async def test_the_same_key_is_one_order_and_reads_nothing_again(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    first = await shop.place(key="one")
    shop.neighbours.asked.clear()
    second = await shop.place(key="one")
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"
    assert shop.neighbours.asked == []


async def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    await shop.place(key="one")
    answer = await shop.place(key="one", shipping_method="express")
    assert (answer.status_code, kinds(answer)) == (422, "idempotency-key-reused")


async def test_a_refusal_is_not_kept(shop: Shop) -> None:
    assert (await shop.place(key="one")).status_code == 409
    shop.neighbours.fill(f"user:{shop.amina}")
    assert (await shop.place(key="one")).status_code == 202


# --- the price ---


async def test_an_expected_total_that_differs_is_refused(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    answer = await shop.place(expected_total={"amount": "5498.00", "currency": KES})
    assert (answer.status_code, kinds(answer)) == (409, "total-changed")
    assert answer.json()["total"] == {"amount": "5748.00", "currency": KES}
    good = await shop.place(expected_total={"amount": "5748.00", "currency": KES})
    assert good.status_code == 202


async def test_the_quote_and_the_order_cost_the_same(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    quoted = await shop.post("/cart/quote", {"shipping_method": "express"})
    assert quoted.status_code == 200
    assert quoted.json()["total"]["amount"] == "6098.00"
    placed = await shop.place(shipping_method="express")
    assert placed.json()["total"] == quoted.json()["total"]


async def test_a_quote_shows_every_way_to_send_it_and_what_is_wrong_with_a_line(shop: Shop) -> None:
    cart_read = shop.neighbours.fill(f"user:{shop.amina}")
    cart_read["lines"][0]["price_changed"] = True
    cart_read["lines"][1]["available"] = False
    quoted = (await shop.post("/cart/quote")).json()
    assert [
        (each["code"], each["price"]["amount"], each["total"]["amount"]) for each in quoted["shipping_methods"]
    ] == [
        ("standard", "250.00", "5748.00"),
        ("express", "600.00", "6098.00"),
        ("pickup", "0.00", "5498.00"),
    ]
    assert [line["problems"] for line in quoted["items"]] == [["price_changed"], ["unavailable"]]
    assert quoted["shipping_method"] == "standard"


async def test_no_cart_no_quote(shop: Shop) -> None:
    assert kinds(await shop.post("/cart/quote")) == "cart-empty"
    nobody = await shop.client.post("/api/v1/cart/quote", json={})
    assert (nobody.status_code, kinds(nobody)) == (409, "cart-empty")


async def test_the_shipping_methods_are_for_all(shop: Shop) -> None:
    answer = await shop.client.get("/api/v1/shipping-methods")
    assert [each["code"] for each in answer.json()["items"]] == ["standard", "express", "pickup"]


# --- what is refused ---


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"shipping_address": None}, "/shipping_address"),
        ({"address_id": ADDRESS_ID}, "/shipping_address"),
        ({"shipping_method": "balloon"}, "/shipping_method"),
        ({"coupon": "TEN PER CENT"}, "/coupon"),
        ({"payment": {"method": "barter"}}, "/payment/method"),
        ({"payment": {"method": "card"}}, "/payment/token"),
        ({"payment": {**CARD, "amount": "1"}}, "/payment/amount"),
        ({"expected_total": {"amount": "1.00", "currency": "EUR"}}, "/expected_total/currency"),
        ({"expected_total": {"amount": "1.005", "currency": KES}}, "/expected_total/amount"),
        ({"total": "1"}, "/total"),
        ({"shipping_address": {"name": "A"}}, "/shipping_address/line1"),
        ({"email": "nobody"}, "/email"),
    ],
)
async def test_bad_input_is_named(shop: Shop, body: dict[str, Any], pointer: str) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    answer = await shop.place(**body)
    assert answer.status_code == 422
    assert pointer in pointers(answer)


@pytest.mark.parametrize(
    ("field", "value"),
    [("country", "Kenya"), ("country", "XX"), ("phone", "0700"), ("city", ""), ("city", " "), ("line1", "a\nb")],
)
async def test_a_bad_address_is_named(shop: Shop, field: str, value: str) -> None:
    address = {"name": "A", "phone": "+254700000001", "line1": "1", "city": "N", "country": "KE", field: value}
    answer = await shop.place(shipping_address=address)
    assert (answer.status_code, pointers(answer)) == (422, [f"/shipping_address/{field}"])


async def test_while_payment_is_away_an_order_is_taken_all_the_same(shop: Shop) -> None:
    shop.neighbours.payment_is_away = True
    await shop.placed(payment=CASH)


async def test_while_the_cart_is_away_the_answer_says_so(shop: Shop) -> None:
    del shop.harness.peers["cart"]
    answer = await shop.place()
    assert (answer.status_code, answer.json()["service"]) == (503, "cart")


# --- guests ---


async def test_a_guest_orders_with_cart_token_and_email(shop: Shop) -> None:
    shop.neighbours.fill(GUEST_OWNER)
    answer = await shop.place(GUEST, email="Guest@Soko.example")
    assert answer.status_code == 202
    order = answer.json()
    assert (order["customer_id"], order["email"]) == (None, "guest@soko.example")
    assert (await shop.order(order["id"], GUEST))["shipping_address"]["name"] == "A. Customer"
    mail = shop.harness.sent[-1]
    assert isinstance(mail, notification.Send)
    assert (mail.subject_id, mail.customer_id) == (order["id"], None)
    assert shop.neighbours.asked == ["cart"]


async def test_a_guest_has_to_give_an_email_and_no_address_of_an_account(shop: Shop) -> None:
    shop.neighbours.fill(GUEST_OWNER)
    assert pointers(await shop.place(GUEST)) == ["/email"]
    answer = await shop.place(GUEST, email="g@soko.example", shipping_address=None, address_id=ADDRESS_ID)
    assert pointers(answer) == ["/address_id"]


async def test_nobody_orders_nothing(shop: Shop) -> None:
    answer = await shop.client.post(
        "/api/v1/orders", json={"shipping_method": "standard"}, headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 401
