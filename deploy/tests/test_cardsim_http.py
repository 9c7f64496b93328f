"""The simulated card gateway over HTTP: charges, the ledger, the payer's page, webhooks."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import pytest
from chassis.fixtures import Clock
from chassis.http import Peers
from chassis.world import World
from pydantic import SecretStr
from soko.cardsim.service import CardSim, build
from soko.cardsim.settings import Settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

KEY = "the gateway's key"
SECRET = "what it signs with"


@dataclass
class Shop:
    """Hears webhooks, and answers each with ``status``."""

    status: int = 200
    heard: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> ASGIApp:
        async def hear(request: Request) -> Response:
            body = await request.body()
            self.requests.append((dict(request.headers), body))
            self.heard += (await request.json())["events"] if self.status == 200 else []
            self.arrived.set()
            return Response(status_code=self.status)

        return Starlette(routes=[Route("/api/v1/payments/webhooks/cardsim", hear, methods=["POST"])])


@dataclass
class Gateway:
    """The gateway under test, and who it tells."""

    sim: CardSim
    shop: Shop
    clock: Clock
    client: httpx.AsyncClient
    database_url: str

    async def charge(self, token: str = "tok_success", reference: str = "p-1", key: str = "k-1") -> httpx.Response:
        body = {"reference": reference, "amount": 500, "currency": "KES", "token": token}
        body["return_url"] = "https://shop.example/back"
        return await self.post("/charges", body, key)

    async def post(self, path: str, body: Any, key: str) -> httpx.Response:
        return await self.client.post(path, json=body, headers={"Idempotency-Key": key})

    async def ledger(self) -> list[tuple[str, int, str | None]]:
        rows = await self.sim.database.pool.fetch("select kind, amount, key from ledger order by id")
        return [(row["kind"], row["amount"], row["key"]) for row in rows]

    def told(self) -> list[tuple[str, int]]:
        return [(event["charge"]["status"], event["charge"]["revision"]) for event in self.shop.heard]


@asynccontextmanager
async def opened(database_url: str, clock: Clock, shop: Shop | None = None) -> AsyncIterator[Gateway]:
    shop = shop or Shop()
    settings = Settings(
        soko_env="testing",
        cardsim_api_key=SecretStr(KEY),
        cardsim_webhook_secret=SecretStr(SECRET),
        cardsim_public_url="https://bank.example/cardsim",
    ).on(database_url)
    sim = build(settings, World(peers=Peers({"payment": shop.app()}), clock=clock))
    await sim.migrate()
    await sim.open_database()
    transport = httpx.ASGITransport(app=sim.app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {KEY}"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://bank", headers=headers) as client:
            yield Gateway(sim, shop, clock, client, database_url)
    finally:
        await sim.stop()


@pytest.fixture
async def gateway(database_url: str, clock: Clock) -> AsyncIterator[Gateway]:
    async with opened(database_url, clock) as one:
        yield one


async def test_a_charge_that_succeeds_says_so_at_once_and_stands_in_the_ledger(gateway: Gateway) -> None:
    answer = await gateway.charge()
    charge = answer.json()
    assert answer.status_code == 201
    assert (charge["status"], charge["reference"], charge["revision"]) == ("authorised", "p-1", 1)
    taken = await gateway.post(f"/charges/{charge['id']}/capture", {"amount": 500}, "k-2")
    assert (taken.status_code, taken.json()["status"], taken.json()["captured"]) == (200, "captured", 500)
    back = await gateway.post(f"/charges/{charge['id']}/refund", {"refund_id": "r-1", "amount": 200}, "k-3")
    assert back.json()["refunds"] == [{"id": "r-1", "amount": 200, "status": "succeeded"}]
    assert await gateway.ledger() == [("authorisation", 500, "k-1"), ("capture", 500, "k-2"), ("refund", 200, "k-3")]


async def test_the_same_key_is_the_same_charge(gateway: Gateway) -> None:
    first, second = await gateway.charge(), await gateway.charge()
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(await gateway.ledger()) == 1


async def test_the_same_key_at_the_same_time_is_one_charge(gateway: Gateway) -> None:
    answers = await asyncio.gather(*(gateway.charge() for _ in range(20)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await gateway.ledger()) == 1


async def test_many_charges_at_the_same_time_are_each_their_own(gateway: Gateway) -> None:
    answers = await asyncio.gather(*(gateway.charge(reference=f"p-{n}", key=f"k-{n}") for n in range(300)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 300
    assert len(await gateway.ledger()) == 300


async def test_a_refusal_in_the_middle_of_a_batch_is_nobody_elses(gateway: Gateway) -> None:
    tokens = ["tok_success", "tok_unheard_of", "tok_success"]
    answers = await asyncio.gather(
        *(gateway.charge(token, reference=f"p-{n}", key=f"k-{n}") for n, token in enumerate(tokens))
    )
    assert [answer.status_code for answer in answers] == [201, 422, 201]
    assert answers[1].json()["error"]["code"] == "invalid_token"


async def test_a_gateway_that_was_started_again_knows_its_charges(database_url: str, clock: Clock) -> None:
    async with opened(database_url, clock) as before:
        charge = (await before.charge()).json()
    async with opened(database_url, clock) as after:
        assert (await after.charge()).json() == charge
        taken = await after.post(f"/charges/{charge['id']}/capture", {"amount": 500}, "k-2")
        assert taken.json()["status"] == "captured"
    async with opened(database_url, clock) as again:
        await again.post(f"/charges/{charge['id']}/capture", {"amount": 500}, "k-2")
        assert len(await again.ledger()) == 2


async def test_a_charge_is_found_by_its_reference(gateway: Gateway) -> None:
    assert (await gateway.client.get("/charges", params={"reference": "p-1"})).json() == {"items": []}
    charge = (await gateway.charge()).json()
    assert (await gateway.client.get("/charges", params={"reference": "p-1"})).json() == {"items": [charge]}


async def test_a_no_shows_the_charge_as_it_is(gateway: Gateway) -> None:
    charge = (await gateway.charge("tok_slow")).json()
    no = await gateway.post(f"/charges/{charge['id']}/void", {}, "k-2")
    assert (no.status_code, no.json()["error"]["code"]) == (409, "charge_pending")
    assert no.json()["charge"] == charge


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/charges", {"reference": "p-1", "amount": 500, "currency": "KES", "token": "tok_success"}, {}, 400),
        ("/charges", {"reference": "p-1"}, {"Idempotency-Key": "k"}, 422),
        ("/charges", {"reference": "p", "amount": -1, "currency": "KES", "token": "t"}, {"Idempotency-Key": "k"}, 422),
        ("/charges", {"reference": "p", "amount": 1, "currency": "ZZZ", "token": "t"}, {"Idempotency-Key": "k"}, 422),
        ("/charges", [], {"Idempotency-Key": "k"}, 422),
        ("/charges/ch_none/capture", {"amount": 5}, {"Idempotency-Key": "k"}, 404),
        ("/charges/ch_none/void", {"why": "?"}, {"Idempotency-Key": "k"}, 422),
    ],
)
async def test_what_is_wrong_is_refused(
    gateway: Gateway, path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    answer = await gateway.client.post(path, json=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["code"]


async def test_nobody_gets_in_without_the_key(gateway: Gateway) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}):
        gateway.client.headers.pop("Authorization", None)
        assert (await gateway.client.get("/charges?reference=p-1", headers=headers)).status_code == 401


async def test_the_ledger_is_read_by_pages(gateway: Gateway) -> None:
    for n in range(3):
        await gateway.charge(reference=f"p-{n}", key=f"k-{n}")
    window = {
        "after": gateway.clock().isoformat(),
        "before": (gateway.clock() + timedelta(seconds=1)).isoformat(),
        "limit": "2",
    }
    first = (await gateway.client.get("/movements", params=window)).json()["items"]
    second = (await gateway.client.get("/movements", params={**window, "cursor": first[-1]["id"]})).json()["items"]
    assert [line["reference"] for line in first + second] == ["p-0", "p-1", "p-2"]
    assert (await gateway.client.get("/movements", params={"after": "yesterday"})).status_code == 422


class TestWebhooks:
    async def test_are_signed_over_the_very_body(self, gateway: Gateway) -> None:
        await gateway.charge()
        gateway.clock.advance(timedelta(seconds=1))
        assert await gateway.sim.send_once() == 1
        (headers, body), *_ = gateway.shop.requests
        sent, signature = (part.partition("=")[2] for part in headers["cardsim-signature"].split(","))
        assert signature == hmac.new(SECRET.encode(), f"{sent}.".encode() + body, sha256).hexdigest()
        assert int(sent) == int(gateway.clock().timestamp())

    async def test_of_what_is_known_already_go_together(self, gateway: Gateway) -> None:
        for n in range(5):
            await gateway.charge(reference=f"p-{n}", key=f"k-{n}")
        assert await gateway.sim.send_once() == 0, "they are in no hurry"
        gateway.clock.advance(timedelta(seconds=1))
        assert await gateway.sim.send_once() == 5
        assert len(gateway.shop.requests) == 1
        assert await gateway.sim.send_once() == 0

    async def test_of_a_bank_that_answers_late_go_out_at_once(self, gateway: Gateway) -> None:
        assert (await gateway.charge("tok_slow")).status_code == 202
        assert await gateway.sim.bank_once() == 0
        gateway.clock.advance(timedelta(seconds=3))
        assert await gateway.sim.bank_once() == 1
        await gateway.sim.send_once()
        assert gateway.told() == [("authorised", 2)]

    async def test_that_are_refused_come_again_each_alone_and_ever_more_slowly(self, gateway: Gateway) -> None:
        gateway.shop.status = 503
        for n in range(2):
            await gateway.charge(reference=f"p-{n}", key=f"k-{n}")
        gateway.clock.advance(timedelta(seconds=1))
        await gateway.sim.send_once()
        assert await gateway.sim.send_once() == 0
        gateway.clock.advance(timedelta(milliseconds=500))
        assert await gateway.sim.send_once() == 2
        assert len(gateway.shop.requests) == 3
        gateway.clock.advance(timedelta(milliseconds=500))
        assert await gateway.sim.send_once() == 0
        gateway.shop.status = 200
        gateway.clock.advance(timedelta(seconds=1))
        await gateway.sim.send_once()
        assert gateway.told() == [("authorised", 1), ("authorised", 1)]

    async def test_outlive_the_gateway(self, database_url: str, clock: Clock) -> None:
        async with opened(database_url, clock) as before:
            await before.charge()
        clock.advance(timedelta(seconds=1))
        async with opened(database_url, clock) as after:
            await after.sim.send_once()
            assert after.told() == [("authorised", 1)]

    async def test_of_tok_duplicate_come_twice_and_out_of_order(self, gateway: Gateway) -> None:
        charge = (await gateway.charge("tok_duplicate")).json()
        await gateway.sim.bank_once()
        await gateway.sim.send_once()
        await gateway.post(f"/charges/{charge['id']}/capture", {"amount": 500}, "k-2")
        for _ in range(6):
            gateway.clock.advance(timedelta(milliseconds=250))
            await gateway.sim.send_once()
        revisions = [revision for _, revision in gateway.told()]
        assert sorted(revisions) == [1, 1, 2, 2, 3, 3]
        assert revisions != sorted(revisions)
        assert len({event["id"] for event in gateway.shop.heard}) == 3


class TestThePage:
    async def test_asks_the_payer_without_scripts_and_sends_them_back(self, gateway: Gateway) -> None:
        charge = (await gateway.charge("tok_3ds")).json()
        assert charge["next_action"] == {
            "type": "redirect",
            "url": f"https://bank.example/cardsim/3ds/{charge['id']}",
        }
        gateway.client.headers.pop("Authorization")
        shown = await gateway.client.get(f"/3ds/{charge['id']}")
        assert "KES 5.00" in shown.text
        assert "<script" not in shown.text
        assert "form-action 'self' https://shop.example" in shown.headers["content-security-policy"]
        gone = await gateway.client.post(f"/3ds/{charge['id']}", data={"decision": "approve"})
        assert (gone.status_code, gone.headers["location"]) == (303, "https://shop.example/back")
        await gateway.sim.send_once()
        assert gateway.told() == [("authorised", 2)]
        assert "You have approved this payment." in (await gateway.client.get(f"/3ds/{charge['id']}")).text

    async def test_takes_a_no(self, gateway: Gateway) -> None:
        charge = (await gateway.charge("tok_3ds")).json()
        await gateway.client.post(f"/3ds/{charge['id']}", data={"decision": "decline"})
        await gateway.client.post(f"/3ds/{charge['id']}", data={"decision": "approve"})
        await gateway.sim.send_once()
        assert gateway.told() == [("failed", 2)]

    async def test_says_when_there_is_nothing_to_decide(self, gateway: Gateway) -> None:
        assert (await gateway.client.get("/3ds/ch_none")).status_code == 404
        assert (await gateway.client.post("/3ds/ch_none", data={"decision": "approve"})).status_code == 404
        charge = (await gateway.charge("tok_3ds")).json()
        assert (await gateway.client.post(f"/3ds/{charge['id']}", data={"decision": "maybe"})).status_code == 422


async def test_runs_by_itself(database_url: str, clock: Clock) -> None:
    shop = Shop()
    settings = Settings(soko_env="testing", cardsim_api_key=SecretStr(KEY)).on(database_url)
    sim = build(settings, World(peers=Peers({"payment": shop.app()})))
    await sim.migrate()
    await sim.start()
    try:
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k-1"}
        body = {"reference": "p-1", "amount": 500, "currency": "KES", "token": "tok_duplicate"}
        transport = httpx.ASGITransport(app=sim.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bank", headers=headers) as client:
            await client.post("/charges", json=body)
            async with asyncio.timeout(5):
                while len(shop.heard) < 4:
                    await shop.arrived.wait()
                    shop.arrived.clear()
        assert shop.heard[0]["charge"]["status"] == "authorised"
    finally:
        await sim.stop()


async def test_two_gateways_never_write_the_same_book(
    database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soko.cardsim.book.OWN_TRIES", 2)
    async with opened(database_url, clock):
        second = build(Settings(soko_env="testing").on(database_url), World(clock=clock))
        with pytest.raises(TimeoutError, match="another card gateway"):
            await second.open_database()
        await second.stop()


async def test_a_database_that_went_away_is_found_again(gateway: Gateway) -> None:
    charge = (await gateway.charge()).json()
    others = await asyncpg.connect(gateway.database_url)
    try:
        sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> $1"
        await others.execute(sql, others.get_server_pid())
    finally:
        await others.close()
    answers = [await gateway.post(f"/charges/{charge['id']}/capture", {"amount": 500}, "k-2") for _ in range(3)]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert answers[-1].json()["status"] == "captured"
    assert await gateway.ledger() == [("authorisation", 500, "k-1"), ("capture", 500, "k-2")]
