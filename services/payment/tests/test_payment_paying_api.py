"""Paying over HTTP: an order, which decides itself, or without one."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from chassis.fixtures import Harness
from payment.service import build
from payment.settings import Settings
from till import CUSTOMER, Order, paid_in, promised, staff


@pytest.fixture
def order() -> Order:
    return Order()


@pytest.fixture
async def shop(running: Callable[..., Any], order: Order) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"order": order.app()}) as harness:
        yield harness


PAYING = {"order_id": "o-1", "method": "card", "token": "tok_success"}


class TestPayingAnOrder:
    def answer(self, payment_id: str) -> dict[str, Any]:
        return {
            "id": "o-1",
            "number": "SO-1",
            "payment": {"id": payment_id, "method": "card"},
            "total": {"amount": "1250.00", "currency": "KES"},
            "updated_at": "2026-01-05T12:00:00Z",
        }

    async def pay(self, shop: Harness, headers: dict[str, str] | None = None, **changes: Any) -> Any:
        given = {**shop.bearer(CUSTOMER), "Idempotency-Key": "k-1", "Prefer": "wait=5", **(headers or {})}
        return await shop.client.post("/api/v1/payments", json={**PAYING, **changes}, headers=given)

    async def test_asks_the_order_with_the_callers_token_and_key(self, shop: Harness, order: Order) -> None:
        order.body = self.answer(await promised(shop))
        answer = await self.pay(shop)
        ((path, body, headers),) = order.asked
        assert path == "/internal/v1/orders/o-1/pay"
        assert body == {"method": "card", "token": "tok_success", "phone": None}
        assert headers["idempotency-key"] == "k-1"
        assert headers["prefer"] == "wait=5"
        assert headers["authorization"].startswith("Bearer ")
        assert (answer.status_code, answer.json()["status"]) == (200, "authorised")

    async def test_answers_what_the_order_began_before_its_command_is_here(self, shop: Harness, order: Order) -> None:
        order.status, order.body = 202, self.answer("p-9")
        answer = await self.pay(shop)
        assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (202, "p-9", "processing")

    async def test_a_guest_pays_with_the_cart_token(self, shop: Harness, order: Order) -> None:
        order.status, order.body = 202, self.answer("p-9")
        headers = {"X-Cart-Token": "a" * 43, "Idempotency-Key": "k-1"}
        answer = await shop.client.post("/api/v1/payments", json=PAYING, headers=headers)
        assert answer.status_code == 202
        assert order.asked[0][2]["x-cart-token"] == "a" * 43

    async def test_passes_the_orders_no_on(self, shop: Harness, order: Order) -> None:
        order.status = 402
        order.body = {
            "type": "/problems/payment-failed",
            "title": "Failed",
            "status": 402,
            "detail": "declined",
            "order": {},
        }
        answer = await self.pay(shop)
        assert (answer.status_code, answer.json()["type"]) == (402, "/problems/payment-failed")
        assert answer.json()["instance"] == "/api/v1/payments"

    async def test_an_order_that_is_down_is_said_to_be(self, shop: Harness, order: Order) -> None:
        shop.peers.pop("order")
        answer = await self.pay(shop)
        assert (answer.status_code, answer.json()["service"]) == (503, "order")

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"method": "shells"}, "/method"),
            ({"token": None}, "/token"),
            ({"amount": {"amount": "1.00", "currency": "KES"}}, "/amount"),
            ({"reference": "mine"}, "/reference"),
            ({"phone": "0700"}, "/phone"),
            ({"tip": 1}, "/tip"),
        ],
    )
    async def test_what_is_wrong_is_named(
        self, shop: Harness, order: Order, changes: dict[str, Any], pointer: str
    ) -> None:
        answer = await self.pay(shop, **changes)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert order.asked == []

    async def test_needs_a_key_and_a_caller(self, shop: Harness) -> None:
        keyless = await shop.client.post("/api/v1/payments", json=PAYING, headers=shop.bearer(CUSTOMER))
        assert keyless.status_code == 400
        nobody = await shop.client.post("/api/v1/payments", json=PAYING, headers={"Idempotency-Key": "k"})
        assert nobody.status_code == 401


class TestWithoutAnOrder:
    async def test_staff_take_cash_and_mark_it_paid(self, shop: Harness) -> None:
        begun = await paid_in(shop)
        assert begun.status_code == 202
        payment_id = begun.json()["id"]
        await shop.settle()
        marked = await shop.client.post(
            f"/api/v1/payments/{payment_id}/mark-paid", json={"reference": "R-17"}, headers=staff(shop)
        )
        assert marked.status_code == 202
        await shop.settle()
        shown = (await shop.client.get(f"/api/v1/payments/{payment_id}", headers=staff(shop))).json()
        assert (shown["status"], shown["receipt"], shown["reference"]) == ("captured", "R-17", "market stall")
        assert [type(message).__name__ for message in shop.sent] == ["Started", "Authorised", "Captured"]

    async def test_the_same_key_is_the_same_payment(self, shop: Harness) -> None:
        first, second = await paid_in(shop), await paid_in(shop)
        assert first.json()["id"] == second.json()["id"]
        assert second.headers["idempotency-replayed"] == "true"
        assert (await paid_in(shop, reference="another")).status_code == 422

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"amount": None}, "/amount"),
            ({"amount": {"amount": "0.00", "currency": "KES"}}, "/amount/amount"),
            ({"amount": {"amount": "5.00", "currency": "USD"}}, "/amount/currency"),
            ({"reference": None}, "/reference"),
            ({"method": "card"}, "/token"),
        ],
    )
    async def test_what_is_wrong_is_named(self, shop: Harness, changes: dict[str, Any], pointer: str) -> None:
        answer = await paid_in(shop, **changes)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

    async def test_customers_do_not(self, shop: Harness) -> None:
        body = {"method": "cash_on_delivery", "amount": {"amount": "5.00", "currency": "KES"}, "reference": "mine"}
        answer = await shop.client.post(
            "/api/v1/payments", json=body, headers={**shop.bearer(CUSTOMER), "Idempotency-Key": "k"}
        )
        assert answer.status_code == 403

    async def test_rules_are_told(self, shop: Harness) -> None:
        payment_id = (await paid_in(shop)).json()["id"]
        early = await shop.client.post(f"/api/v1/payments/{payment_id}/capture", headers=staff(shop))
        assert (early.status_code, early.json()["type"]) == (409, "/problems/payment-not-authorised")
        await shop.settle()
        await shop.client.post(f"/api/v1/payments/{payment_id}/void", headers=staff(shop))
        await shop.settle()
        late = await shop.client.post(f"/api/v1/payments/{payment_id}/void", headers=staff(shop))
        assert (late.status_code, late.json()["type"]) == (409, "/problems/payment-over")
