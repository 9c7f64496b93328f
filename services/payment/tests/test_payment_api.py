"""Payments over HTTP: the ways to pay, what is seen, and what staff do by hand."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from chassis.fixtures import Harness
from chassis.http.testing import walk
from chassis.world import new_id
from payment.service import build
from payment.settings import Settings
from pydantic import ValidationError
from soko_contracts import payment as contracts
from till import ANOTHER, CUSTOMER, Order, promised, staff


@pytest.fixture
def order() -> Order:
    return Order()


@pytest.fixture
async def shop(running: Callable[..., Any], order: Order) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"order": order.app()}) as harness:
        yield harness


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
        refund = contracts.Refund(payment_id=payment_id, order_id="o-1", refund_id="r-1", amount=25000)
        await shop.deliver(refund, subject="o-1")
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
        "GET /api/v1/payments": "shopper",
        "GET /api/v1/payments/{payment_id}": "shopper",
        "POST /api/v1/payments/{payment_id}/capture": "payments:write",
        "POST /api/v1/payments/{payment_id}/void": "payments:write",
        "POST /api/v1/payments/{payment_id}/mark-paid": "payments:write",
        "GET /internal/v1/payments/methods": "service_only",
        "GET /internal/v1/payments/{payment_id}/next-action": "service_only",
        "GET /internal/v1/users/{user_id}/export": "service_only",
    }
