"""An idempotency key names one intent, on every route that creates; and amounts that nobody can owe are refused."""

from typing import Any

import httpx
import pytest
from cast import Cast, gathered, picture
from chassis.world import new_id
from shopping import Person
from surface import Endpoint, document, public

KEYED = [each for each in public() if any(h["name"] == "Idempotency-Key" for h in each.those_in("header"))]
TOOK_EFFECT = (200, 201, 202, 402)

IN_ORDER = (
    "merge_carts",
    "place_order",
    "create_payment",
    "pay_order",
    "create_shipment",
    "refund_order",
    "cancel_order",
)
"""What has to come one after the other: each leaves things as the next one needs them."""


def place_of(endpoint: Endpoint) -> int:
    """Where it comes: the others first."""
    name = endpoint.operation_id
    return IN_ORDER.index(name) + 1 if name in IN_ORDER else 0


def caller(cast: Cast, endpoint: Endpoint) -> Person:
    if endpoint.operation_id == "create_review":
        # The owner has said already what they think.
        return cast.customer
    return cast.admin if ":" in endpoint.access else cast.owner


OTHERWISE = {
    "quantity": 7,
    "delta": -7,
    "name": "another",
    "reason": "another",
    "reference": "another",
    "carrier": "Another",
    "role": "customer",
    "initial_stock": 7,
    "max_uses": 7,
    "token": "tok_insufficient_funds",
    "shipping_method": "express",
    "rating": 2,
    "items": [{"sku": "another"}],
}
"""Another value for one field of each body is another intent."""


CAN_BE_DELETED = ("add_address", "create_category", "create_client", "create_discount", "define_role")

IN_TURN = sorted(KEYED, key=place_of)


def other(body: dict[str, Any] | bytes | None) -> dict[str, Any] | bytes:
    """A body that asks for something else."""
    if isinstance(body, bytes):
        return picture("white")
    if body is None:
        return {}
    name = next(name for name in OTHERWISE if name in body)
    return {**body, name: OTHERWISE[name]}


async def sized(cast: Cast) -> str:
    """A product that comes in sizes."""
    price = {"amount": "1200.00", "currency": "KES"}
    product = {"name": "Shirt", "category_id": cast.things["category_id"], "price": price}
    body = {**product, "sku": f"TEE-{new_id()[-12:]}", "options": {"size": "M"}}
    made = await cast.admin.call("POST", "/products", body)
    assert made.status_code == 201, made.text
    id_: str = made.json()["id"]
    return id_


def test_every_route_that_creates_takes_a_key() -> None:
    """Besides those that only open a session, ask, or do what a second time changes nothing."""
    without = {each.operation_id for each in public() if each.method == "POST"} - {e.operation_id for e in KEYED}
    assert without == {
        "login",
        "refresh_token",
        "logout",
        "verify_token",
        "register",
        "resend_code",
        "verify_address",
        "change_password",
        "reset_password",
        "confirm_password_reset",
        "enrol_mfa",
        "confirm_mfa",
        "renew_recovery_codes",
        "quote_cart",
        "receive_payment_webhook",
        "unsubscribe",
        "receive_africastalking_report",
        "receive_gateway_report",
        "receive_mail_report",
        "receive_transfer",
        "replay_dead_letter",
        "run_job",
    }


@pytest.fixture(scope="module")
async def fresh(cast: Cast) -> Cast:
    """A cast whose things these tests use up."""
    return await gathered(cast.shop)


@pytest.mark.parametrize("endpoint", IN_TURN, ids=str)
async def test_a_key_takes_effect_once_and_for_one_body_only(endpoint: Endpoint, fresh: Cast) -> None:
    person, key = caller(fresh, endpoint), new_id()
    body: Any = fresh.body(endpoint) if endpoint.body is not None else None
    headers = {**person.headers, "Idempotency-Key": key, "Prefer": "wait=10"}
    path = fresh.path(endpoint)
    match endpoint.operation_id:
        case "merge_carts":
            guest = fresh.shop.guest()
            await guest.add(fresh.things["sku"])
            headers |= guest.headers
        case "create_variant":
            path = endpoint.at(key=await sized(fresh))
        case "add_image":
            body = picture("black")
            headers["Content-Type"] = "image/png"
        case "create_payment":
            body = {**body, "token": "tok_declined"}
        case "refund_order":
            body = {**body, "amount": {"amount": "1.00", "currency": "KES"}}

    async def send(body: Any) -> httpx.Response:
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await fresh.shop.door.request("POST", path, headers=headers, **sent)

    first = await send(body)
    if endpoint.operation_id in ("capture_payment", "void_payment", "mark_payment_paid"):
        # A payment that is captured already: refused, and so the key is not kept.
        assert first.status_code == 409, first.text
        return
    assert first.status_code in TOOK_EFFECT, first.text
    again = await send(body)
    assert again.headers.get("idempotency-replayed") == "true", again.text
    assert again.json().get("id") == first.json().get("id")
    reused = await send(other(body))
    assert (reused.status_code, reused.json()["type"]) == (422, "/problems/idempotency-key-reused"), reused.text


@pytest.mark.parametrize(
    "endpoint", [each for each in KEYED if each.operation_id in CAN_BE_DELETED], ids=lambda each: each.operation_id
)
async def test_a_key_brings_nothing_back_that_was_deleted_since(endpoint: Endpoint, fresh: Cast) -> None:
    person, key, known = caller(fresh, endpoint), {"Idempotency-Key": new_id()}, fresh.body(endpoint)
    assert isinstance(known, dict)
    path, body = endpoint.path.removeprefix("/api/v1"), {**known, "name": f"name-{new_id()[-12:]}"}
    made = await person.call("POST", path, body, key)
    assert made.status_code == 201, made.text
    gone = await person.call("DELETE", made.headers["location"].removeprefix("/api/v1"))
    assert gone.status_code == 204, gone.text
    again = await person.call("POST", path, body, key)
    assert (again.status_code, again.json()["type"]) == (404, "/problems/not-found"), again.text
    assert "404" in document()["paths"][endpoint.path]["post"]["responses"]


async def test_an_answer_that_is_a_no_says_too_that_it_is_a_replay(cast: Cast) -> None:
    """A failed payment is an effect: the key is kept, and the answer comes from the order as it is now."""
    buyer, key = await cast.shop.customer(), new_id()
    await buyer.add(cast.things["sku"])
    first, again = [await buyer.checkout("tok_declined", key=key) for _ in range(2)]
    assert (first.status_code, "idempotency-replayed" in first.headers) == (402, False)
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (402, "true")
    assert again.json()["order"]["id"] == first.json()["order"]["id"]


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "-0.00", "0.001", "99999999.00"])
async def test_a_refund_is_of_money_that_there_is(amount: str, cast: Cast) -> None:
    path = f"/orders/{cast.things['paid_order_id']}/refunds"
    before = await cast.staff.get(path)
    body = {"amount": {"amount": amount, "currency": "KES"}}
    answer = await cast.staff.call("POST", path, body, {"Idempotency-Key": new_id()})
    assert answer.status_code == (409 if amount == "99999999.00" else 422), answer.text
    assert await cast.staff.get(path) == before


@pytest.mark.parametrize("amount", ["0.00", "-5.00", "0.009"])
async def test_a_payment_is_of_some_money(amount: str, cast: Cast) -> None:
    body = {
        "method": "card",
        "token": "tok_success",
        "reference": "R-1",
        "amount": {"amount": amount, "currency": "KES"},
    }
    answer = await cast.staff.call("POST", "/payments", body, {"Idempotency-Key": new_id()})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/amount/amount"), answer.text


@pytest.mark.parametrize("field", ["unit_price", "total", "price", "discount", "customer_id", "status", "order_id"])
async def test_what_a_customer_pays_is_not_theirs_to_say(field: str, cast: Cast) -> None:
    money = {"amount": "0.01", "currency": "KES"}
    for path, body in (
        ("/cart/items", {"sku": cast.things["sku"], "quantity": 1}),
        ("/orders", {"shipping_method": "standard", "address_id": cast.things["address_id"]}),
        ("/cart/quote", {}),
    ):
        answer = await cast.owner.call("POST", path, {**body, field: money}, {"Idempotency-Key": new_id()})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{field}"), answer.text


async def test_a_key_is_nobodys_business_where_nobody_asks(cast: Cast) -> None:
    """Two guests without a cart send the same key: each gets a cart of their own."""
    answers = [
        await cast.shop.guest().call(
            "POST", "/cart/items", {"sku": cast.things["sku"], "quantity": 1}, {"Idempotency-Key": "the-same"}
        )
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]
