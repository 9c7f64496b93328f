"""Webhooks of a card gateway that a stand-in plays: signed, doubled, late, of strangers."""

import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast

import httpx
import orjson
import pytest
from chassis.fixtures import Harness
from chassis.rebuild import Rebuild
from chassis.world import new_id
from payment.service import build
from payment.settings import Settings
from soko_contracts import payment as contracts
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

PATH = "/api/v1/payments/webhooks/cardsim"


@dataclass
class Gateway:
    """Answers each charge with what it holds; has no webhooks of its own, the test sends them."""

    charges: dict[str, dict[str, Any]] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=lambda: {"status": "pending"})
    asked: list[str] = field(default_factory=list)

    def app(self) -> ASGIApp:
        async def create(request: Request) -> Response:
            reference = (await request.json())["reference"]
            self.asked.append(request.headers["idempotency-key"])
            return JSONResponse(self.charge(reference, 1, **self.first), 202)

        async def find(request: Request) -> Response:
            found = self.charges.get(request.query_params["reference"])
            return JSONResponse({"items": [found] if found else []})

        return Starlette(routes=[Route("/charges", create, methods=["POST"]), Route("/charges", find)])

    def charge(self, reference: str, revision: int, **more: Any) -> dict[str, Any]:
        self.charges[reference] = {
            "id": f"ch_{reference}",
            "reference": reference,
            "revision": revision,
            "captured": 0,
            **more,
        }
        return self.charges[reference]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def shop(running: Callable[..., Any], gateway: Gateway) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"cardsim": gateway.app()}) as harness:
        yield harness


async def requested(shop: Harness) -> str:
    payment_id = new_id()
    message = contracts.Authorise(
        payment_id=payment_id,
        order_id="o-1",
        number="SO-1",
        customer_id="c-1",
        method="card",
        amount=500,
        currency="KES",
        token="tok",
    )
    await shop.deliver(message, subject="o-1")
    return payment_id


def signed(shop: Harness, body: bytes, age: timedelta = timedelta(0), secret: str | None = None) -> dict[str, str]:
    settings = shop.service.settings
    assert isinstance(settings, Settings)
    key = secret or settings.cardsim_secret("webhooks")
    sent = str(int((shop.clock() - age).timestamp()))
    signature = hmac.new(key.encode(), f"{sent}.".encode() + body, sha256).hexdigest()
    return {"Cardsim-Signature": f"t={sent},v1={signature}", "Content-Type": "application/json"}


async def tell(shop: Harness, *charges: dict[str, Any], **how: Any) -> httpx.Response:
    events = [{"id": f"evt_{charge['revision']}", "type": "charge", "charge": charge} for charge in charges]
    body = orjson.dumps({"id": "dlv_1", "events": events})
    answer = await shop.client.post(PATH, content=body, headers=signed(shop, body, **how))
    await shop.settle()
    return answer


def told(shop: Harness) -> list[str]:
    return [type(message).__name__ for message in shop.sent]


async def test_news_are_kept_before_they_are_acknowledged(shop: Harness, gateway: Gateway) -> None:
    payment_id = await requested(shop)
    answer = await tell(shop, gateway.charge(payment_id, 2, status="authorised"))
    assert (answer.status_code, answer.json()) == (200, {"received": 1})
    assert told(shop) == ["Started", "Authorised"]


async def test_the_same_news_twice_are_one_fact(shop: Harness, gateway: Gateway) -> None:
    payment_id = await requested(shop)
    for _ in range(2):
        await tell(shop, *[gateway.charge(payment_id, 2, status="authorised")] * 2)
    assert told(shop) == ["Started", "Authorised"]
    version = "select max(version) from events where stream = $1"
    assert await shop.service.database.pool.fetchval(version, f"payment-{payment_id}") == 3


async def test_old_news_after_new_are_none(shop: Harness, gateway: Gateway) -> None:
    payment_id = await requested(shop)
    old = gateway.charge(payment_id, 2, status="authorised")
    await tell(shop, gateway.charge(payment_id, 3, status="captured", captured=500))
    assert (await tell(shop, old)).status_code == 200
    assert told(shop) == ["Started", "Captured"]


async def test_one_delivery_may_tell_of_many(shop: Harness, gateway: Gateway) -> None:
    first, second = await requested(shop), await requested(shop)
    charges = [
        gateway.charge(first, 2, status="authorised"),
        gateway.charge(second, 2, status="failed", reason="declined"),
    ]
    assert (await tell(shop, *charges)).json() == {"received": 2}
    assert told(shop) == ["Started", "Started", "Authorised", "Failed"]


async def test_what_nobody_asked_for_is_not_acknowledged_and_holds_nothing_up(shop: Harness, gateway: Gateway) -> None:
    payment_id = await requested(shop)
    stranger = gateway.charge("nobody", 1, status="captured", captured=9)
    answer = await tell(shop, stranger, gateway.charge(payment_id, 2, status="authorised"))
    assert (answer.status_code, answer.json()["unknown"]) == (404, ["nobody"])
    assert told(shop) == ["Started", "Authorised"]


@pytest.mark.parametrize(
    "how",
    [{"secret": "guessed"}, {"age": timedelta(minutes=6)}, {"age": timedelta(minutes=-6)}],
    ids=["forged", "old", "of the future"],
)
async def test_what_is_not_signed_now_is_refused(shop: Harness, gateway: Gateway, how: dict[str, Any]) -> None:
    payment_id = await requested(shop)
    answer = await tell(shop, gateway.charge(payment_id, 2, status="authorised"), **how)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/webhook-signature")
    assert told(shop) == ["Started"]


@pytest.mark.parametrize("header", ["", "t=1", "v1=aa", "t=x,v1=", "t=,v1=é", "nonsense"])
async def test_a_broken_signature_is_refused(shop: Harness, header: str) -> None:
    headers = {b"cardsim-signature": header.encode("latin-1")}
    assert (await shop.client.post(PATH, content=b"{}", headers=headers)).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"id": "d", "events": []}', b'{"id": "d", "events": [{}]}'])
async def test_what_cannot_be_read_is_refused(shop: Harness, body: bytes) -> None:
    answer = await shop.client.post(PATH, content=body, headers=signed(shop, body))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-request")


async def test_only_providers_that_send_webhooks_have_an_address(shop: Harness) -> None:
    for name in ("nobody", "cash_on_delivery"):
        assert (await shop.client.post(f"/api/v1/payments/webhooks/{name}", content=b"{}")).status_code == 404


async def test_what_cannot_be_kept_is_not_acknowledged(shop: Harness, gateway: Gateway) -> None:
    payment_id = await requested(shop)
    await shop.service.database.pool.execute("alter table events rename to events_away")
    news = gateway.charge(payment_id, 2, status="authorised")
    body = orjson.dumps({"id": "dlv_1", "events": [{"id": "evt", "charge": news}]})
    assert (await shop.client.post(PATH, content=body, headers=signed(shop, body))).status_code >= 500
    await shop.service.database.pool.execute("alter table events_away rename to events")
    assert (await tell(shop, news)).status_code == 200
    assert told(shop) == ["Started", "Authorised"]


class TestWhatThePayerHasToDo:
    URL = "https://bank.example/3ds/secret-page"

    @pytest.fixture
    def gateway(self) -> Gateway:
        return Gateway(first={"status": "requires_action", "next_action": {"type": "redirect", "url": self.URL}})

    async def test_is_for_the_payer_alone(self, shop: Harness) -> None:
        payment_id = await requested(shop)
        path = f"/api/v1/payments/{payment_id}"
        own = (await shop.client.get(path, headers=shop.bearer("c-1"))).json()
        assert (own["status"], own["next_action"]) == ("requires_action", {"type": "redirect", "url": self.URL})
        for reader in (shop.bearer("s-1", "staff", ["payments:read"]),):
            assert (await shop.client.get(path, headers=reader)).json()["next_action"] is None
        listed = (await shop.client.get("/api/v1/payments", headers=shop.bearer("c-1"))).json()
        assert listed["items"][0]["next_action"] is None

    async def test_is_what_the_order_asks_for(self, shop: Harness) -> None:
        payment_id = await requested(shop)
        path = f"/internal/v1/payments/{payment_id}/next-action"
        assert (await shop.client.get(path)).status_code == 401
        answer = await shop.client.get(path, headers=shop.service_token("order"))
        assert answer.json() == {"next_action": {"type": "redirect", "url": self.URL}}
        unknown = await shop.client.get(
            "/internal/v1/payments/nothing/next-action", headers=shop.service_token("order")
        )
        assert unknown.json() == {"next_action": None}

    async def test_is_gone_with_its_key_when_the_attempt_ends(self, shop: Harness, gateway: Gateway) -> None:
        payment_id = await requested(shop)
        pool = shop.service.database.pool
        assert await pool.fetchval("select count(*) from subject_keys") == 1
        rows = await pool.fetch("select data::text from events union all select data::text from outbox")
        assert not [row for row in rows if "secret-page" in row["data"]]
        await tell(shop, gateway.charge(payment_id, 2, status="authorised"))
        assert await pool.fetchval("select count(*) from subject_keys") == 0
        assert await pool.fetchval("select count(*) from next_actions") == 0


async def test_silence_is_asked_about_with_growing_delay(shop: Harness, gateway: Gateway) -> None:
    payment_id = await requested(shop)
    asked = "select count(*) from events where type = 'asked.v1'"
    pool = shop.service.database.pool
    for seconds, times in ((29, 0), (1, 1), (59, 1), (1, 2), (119, 2), (1, 3)):
        shop.clock.advance(timedelta(seconds=seconds))
        await shop.settle()
        assert await pool.fetchval(asked) == times
    gateway.charge(payment_id, 2, status="authorised")
    shop.clock.advance(timedelta(seconds=240))
    await shop.settle()
    assert told(shop) == ["Started", "Authorised"]


async def test_a_cards_money_is_not_marked_paid_by_hand(shop: Harness) -> None:
    payment_id = await requested(shop)
    headers = shop.bearer(role="staff", rights=["payments:write"])
    answer = await shop.client.post(
        f"/api/v1/payments/{payment_id}/mark-paid", json={"reference": "R"}, headers=headers
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-collected-by-hand")


async def test_the_key_of_an_operation_is_stable(shop: Harness, gateway: Gateway) -> None:
    payment_id = await requested(shop)
    assert gateway.asked == [f"{payment_id}:authorise"]


async def test_views_made_again_from_events_are_the_same(shop: Harness, gateway: Gateway) -> None:
    payment_id = await requested(shop)
    await tell(shop, gateway.charge(payment_id, 3, status="captured", captured=500))
    await tell(shop, gateway.charge(await requested(shop), 2, status="authorised"))
    refund = contracts.Refund(payment_id=payment_id, order_id="o-1", refund_id="r-1", amount=200)
    await shop.deliver(refund, subject="o-1")
    back = [{"id": "r-1", "amount": 200, "status": "succeeded"}]
    await tell(shop, gateway.charge(payment_id, 4, status="captured", captured=500, refunds=back))
    made = {each.table: (each.rows, each.differed) for each in await Rebuild(shop.service).run()}
    assert made == {
        "payments": (2, False),
        "refunds": (1, False),
        "movements": (2, False),
        "next_actions": (0, False),
    }


async def test_many_tokens_are_sealed_each_under_its_own_key_and_a_repeated_message_makes_none(
    shop: Harness, gateway: Gateway
) -> None:
    about: dict[str, Any] = {"order_id": "o-1", "number": "SO-1", "customer_id": None, "method": "card"}
    messages = [
        contracts.Authorise(payment_id=new_id(), amount=500, currency="KES", token=f"tok_{n}", **about)
        for n in range(5)
    ]
    envelopes = [shop.envelope(cast("Any", message), subject="o-1") for message in messages]
    await shop.service.receive(envelopes)
    await shop.service.receive(envelopes)
    pool = shop.service.database.pool
    assert await pool.fetchval("select count(distinct key) from subject_keys") == 5
    assert not [row for row in await pool.fetch("select data::text from inbox") if "tok_" in row["data"]]
    await shop.settle()
    for message in messages:
        await tell(shop, gateway.charge(message.payment_id, 2, status="authorised"))
    assert told(shop).count("Authorised") == 5
    await shop.service.receive(envelopes)
    assert await pool.fetchval("select count(*) from subject_keys") == 0
