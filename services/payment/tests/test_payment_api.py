"""Paying and looking at payments over HTTP, with a stand-in for the order and for the card gateway."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from chassis.fixtures import Harness
from chassis.http.testing import walk
from chassis.world import new_id
from payment.service import build
from payment.settings import Settings
from pydantic import ValidationError
from soko_contracts import payment as contracts
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

STAFF = ["payments:read", "payments:write"]
CUSTOMER = "0198c0de-0000-7000-8000-000000000001"
SOMEBODY = "0198c0de-0000-7000-8000-000000000003"
ANOTHER = "0198c0de-0000-7000-8000-000000000002"


@dataclass
class Order:
    """Stands where the order would: answers what it is told to, and remembers what it was asked."""

    status: int = 200
    body: Any = None
    asked: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)

    def app(self) -> ASGIApp:
        async def answer(request: Request) -> Response:
            self.asked.append((request.url.path, orjson.loads(await request.body()), dict(request.headers)))
            return JSONResponse(self.body, self.status)

        return Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])


@pytest.fixture
def order() -> Order:
    return Order()


@pytest.fixture
async def shop(running: Callable[..., Any], order: Order) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"order": order.app()}) as harness:
        yield harness


async def promised(
    shop: Harness, customer_id: str | None = CUSTOMER, order_id: str = "o-1", amount: int = 125000
) -> str:
    """A cash on delivery order's payment: promised, not collected."""
    payment_id = new_id()
    message = contracts.Authorise(
        payment_id=payment_id,
        order_id=order_id,
        number="SO-1",
        customer_id=customer_id,
        method="cash_on_delivery",
        amount=amount,
        currency="KES",
    )
    await shop.deliver(message, subject=order_id)
    return payment_id


def staff(shop: Harness) -> dict[str, str]:
    return shop.bearer(SOMEBODY, role="staff", rights=STAFF)


async def paid_in(shop: Harness, key: str = "k-1", **changes: Any) -> Any:
    """Staff take a payment without an order."""
    body = {
        "method": "cash_on_delivery",
        "amount": {"amount": "1250.00", "currency": "KES"},
        "reference": "market stall",
        **changes,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return await shop.client.post("/api/v1/payments", json=body, headers={**staff(shop), "Idempotency-Key": key})


class TestMethods:
    async def test_say_what_to_send(self, shop: Harness) -> None:
        answer = await shop.client.get("/api/v1/payments/methods")
        assert answer.json()["items"] == [
            {"method": "card", "provider": "cardsim", "fields": ["token"]},
            {"method": "cash_on_delivery", "provider": "cash_on_delivery", "fields": []},
        ]
        internal = await shop.client.get("/internal/v1/payments/methods", headers=shop.service_token("order"))
        assert internal.json() == answer.json()

    async def test_that_are_switched_off_are_not_offered(self, running: Callable[..., Any]) -> None:
        async with running(build, Settings, card_provider="none", cash_on_delivery=False) as shop:
            assert (await shop.client.get("/api/v1/payments/methods")).json() == {"items": []}
            await promised(shop)
            assert [type(message).__name__ for message in shop.sent] == ["Started", "Failed"]

    def test_play_money_is_refused_where_customers_are_real(self) -> None:
        assert not Settings(soko_env="production").simulated_cards
        with pytest.raises(ValidationError, match="CARD_PROVIDER"):
            Settings(soko_env="production", card_provider="cardsim")


class TestLooking:
    async def test_a_payment_is_its_customers_and_staffs(self, shop: Harness) -> None:
        payment_id = await promised(shop)
        own = await shop.client.get(f"/api/v1/payments/{payment_id}", headers=shop.bearer(CUSTOMER))
        assert own.status_code == 200
        assert own.json() | {"created_at": "", "updated_at": ""} == {
            "id": payment_id,
            "order_id": "o-1",
            "number": "SO-1",
            "method": "cash_on_delivery",
            "status": "authorised",
            "amount": {"amount": "1250.00", "currency": "KES"},
            "captured": {"amount": "0.00", "currency": "KES"},
            "refunded": {"amount": "0.00", "currency": "KES"},
            "reason": None,
            "reference": None,
            "receipt": None,
            "refunds": [],
            "next_action": None,
            "created_at": "",
            "updated_at": "",
        }
        assert (await shop.client.get(f"/api/v1/payments/{payment_id}", headers=staff(shop))).status_code == 200
        others = await shop.client.get(f"/api/v1/payments/{payment_id}", headers=shop.bearer(ANOTHER))
        assert (others.status_code, others.json()["type"]) == (404, "/problems/not-found")
        assert (await shop.client.get(f"/api/v1/payments/{payment_id}")).status_code == 401

    async def test_a_guests_payment_is_nobodys_whose_id_is_missing_too(self, shop: Harness) -> None:
        payment_id = await promised(shop, customer_id=None)
        answer = await shop.client.get(f"/api/v1/payments/{payment_id}", headers=shop.bearer(ANOTHER))
        assert answer.status_code == 404

    async def test_an_unchanged_payment_is_not_sent_again(self, shop: Harness) -> None:
        payment_id = await promised(shop)
        first = await shop.client.get(f"/api/v1/payments/{payment_id}", headers=staff(shop))
        again = {**staff(shop), "If-None-Match": first.headers["etag"]}
        assert (await shop.client.get(f"/api/v1/payments/{payment_id}", headers=again)).status_code == 304

    async def test_a_list_shows_ones_own_and_staff_everything(self, shop: Harness) -> None:
        mine, theirs = await promised(shop, order_id="o-1"), await promised(shop, ANOTHER, order_id="o-2")
        own = (await shop.client.get("/api/v1/payments", headers=shop.bearer(CUSTOMER))).json()
        assert ([item["id"] for item in own["items"]], own["total"]) == ([mine], 1)
        everything = (await shop.client.get("/api/v1/payments?ordering=created_at", headers=staff(shop))).json()
        assert {item["id"] for item in everything["items"]} == {mine, theirs}
        none = (await shop.client.get("/api/v1/payments?mine=true", headers=staff(shop))).json()
        assert none["items"] == []

    async def test_a_list_is_filtered(self, shop: Harness) -> None:
        first = await promised(shop, order_id="o-1")
        shop.clock.advance(timedelta(minutes=1))
        since = shop.clock().isoformat().replace("+00:00", "Z")
        second = await promised(shop, order_id="o-2")
        await shop.deliver(contracts.Void(payment_id=second, order_id="o-2"), subject="o-2")

        async def found(query: str) -> list[str]:
            answer = await shop.client.get(f"/api/v1/payments?{query}", headers=staff(shop))
            return [item["id"] for item in answer.json()["items"]]

        assert await found("status=voided") == [second]
        assert await found("status=voided&status=authorised") == [second, first]
        assert await found("order_id=o-1") == [first]
        assert await found("method=card") == []
        assert await found(f"created_after={since}") == [second]
        assert await found(f"created_before={since}") == [first]

    async def test_a_list_goes_on_behind_a_cursor(self, shop: Harness) -> None:
        ids = [await promised(shop, order_id=f"o-{n}", amount=100 * (n % 3 + 1)) for n in range(7)]
        for ordering in ("-created_at", "amount", "-amount,created_at"):
            url: str | None = f"/api/v1/payments?cursor=&limit=3&ordering={ordering}"
            seen: list[str] = []
            while url:
                page = (await shop.client.get(url, headers=staff(shop))).json()
                seen += [item["id"] for item in page["items"]]
                url = page["next"]
            assert sorted(seen) == sorted(ids)
        foreign = await shop.client.get("/api/v1/payments?cursor=WzFd", headers=staff(shop))
        assert foreign.status_code == 422

    async def test_what_is_not_known_is_said(self, shop: Harness) -> None:
        for query in ("colour=red", "status=lost", "ordering=reason", "limit=0"):
            assert (await shop.client.get(f"/api/v1/payments?{query}", headers=staff(shop))).status_code == 422
        assert (await shop.client.get("/api/v1/payments/nothing", headers=staff(shop))).status_code == 404


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


class TestByHand:
    @pytest.mark.parametrize(
        ("what", "body"), [("capture", None), ("void", None), ("mark-paid", {"reference": "R-17"})]
    )
    async def test_an_orders_payment_is_the_orders_to_decide(
        self, shop: Harness, order: Order, what: str, body: Any
    ) -> None:
        payment_id = await promised(shop)
        order.body = {}
        headers = {**staff(shop), "Idempotency-Key": "k-1"}
        answer = await shop.client.post(f"/api/v1/payments/{payment_id}/{what}", json=body, headers=headers)
        ((path, sent, passed),) = order.asked
        assert path == f"/internal/v1/orders/o-1/payments/{payment_id}/{what}"
        assert sent == (body or {})
        assert passed["idempotency-key"] == "k-1"
        assert (answer.status_code, answer.json()["id"]) == (200, payment_id)

    async def test_what_the_order_refuses_is_refused(self, shop: Harness, order: Order) -> None:
        payment_id = await promised(shop)
        order.status = 409
        order.body = {"type": "/problems/nothing-to-void", "title": "No", "status": 409, "detail": "It is confirmed."}
        answer = await shop.client.post(f"/api/v1/payments/{payment_id}/void", headers=staff(shop))
        assert (answer.status_code, answer.json()["detail"]) == (409, "It is confirmed.")

    async def test_is_for_staff(self, shop: Harness) -> None:
        payment_id = await promised(shop)
        for what in ("capture", "void", "mark-paid"):
            path = f"/api/v1/payments/{payment_id}/{what}"
            json = {"reference": "R"} if what == "mark-paid" else None
            assert (await shop.client.post(path, json=json)).status_code == 401
            assert (await shop.client.post(path, json=json, headers=shop.bearer(CUSTOMER))).status_code == 403
            unknown = path.replace(payment_id, "nothing")
            assert (await shop.client.post(unknown, json=json, headers=staff(shop))).status_code == 404


class TestMessages:
    async def test_a_refund_of_cash_is_told(self, shop: Harness) -> None:
        payment_id = await promised(shop)
        ids = {"payment_id": payment_id, "order_id": "o-1"}
        await shop.deliver(contracts.Capture(**ids, amount=125000, reference="R-17"), subject="o-1")
        await shop.deliver(contracts.Refund(**ids, refund_id="r-1", amount=25000), subject="o-1")
        told = [type(message).__name__ for message in shop.sent]
        assert told == ["Started", "Authorised", "Captured", "Refunded"]
        shown = (await shop.client.get(f"/api/v1/payments/{payment_id}", headers=staff(shop))).json()
        assert shown["status"] == "partially_refunded"
        assert shown["refunds"] == [
            {"id": "r-1", "amount": {"amount": "250.00", "currency": "KES"}, "status": "succeeded", "reason": None}
        ]

    async def test_a_command_that_comes_twice_has_one_effect_and_two_answers(self, shop: Harness) -> None:
        payment_id = await promised(shop)
        capture = contracts.Capture(payment_id=payment_id, order_id="o-1", amount=125000)
        await shop.deliver(capture, capture, subject="o-1")
        await shop.deliver(capture, subject="o-1")
        assert [type(message).__name__ for message in shop.sent].count("Captured") == 2
        assert await shop.service.database.pool.fetchval("select count(*) from movements") == 1

    async def test_a_void_that_overtakes_the_authorise_turns_it_away(self, shop: Harness) -> None:
        payment_id = new_id()
        await shop.deliver(contracts.Void(payment_id=payment_id, order_id="o-1"), subject="o-1")
        about: dict[str, Any] = {"number": "SO-1", "customer_id": CUSTOMER, "method": "card", "currency": "KES"}
        late = contracts.Authorise(payment_id=payment_id, order_id="o-1", amount=500, token="tok_success", **about)
        await shop.deliver(late, subject="o-1")
        assert [type(message).__name__ for message in shop.sent] == ["Voided", "Voided"]
        shown = (await shop.client.get(f"/api/v1/payments/{payment_id}", headers=staff(shop))).json()
        assert (shown["status"], shown["reason"]) == ("voided", "voided")
        assert await shop.service.database.pool.fetchval("select count(*) from subject_keys") == 0


def test_every_route_says_who_may(running: Callable[..., Any]) -> None:
    from chassis.world import World

    service = build(Settings(soko_env="testing"), World())
    own = [each for each in walk(service.app) if not each.path.startswith("/internal/v1/ops/")]
    access = {f"{each.method} {each.path}": each.access for each in own}
    assert access == {
        "POST /api/v1/payments/webhooks/{provider}": "anyone",
        "GET /api/v1/payments/reconciliation": "payments:read",
        "GET /api/v1/payments/methods": "anyone",
        "POST /api/v1/payments": "known",
        "GET /api/v1/payments": "signed_in",
        "GET /api/v1/payments/{payment_id}": "signed_in",
        "POST /api/v1/payments/{payment_id}/capture": "payments:write",
        "POST /api/v1/payments/{payment_id}/void": "payments:write",
        "POST /api/v1/payments/{payment_id}/mark-paid": "payments:write",
        "GET /internal/v1/payments/methods": "service_only",
        "GET /internal/v1/payments/{payment_id}/next-action": "service_only",
    }
