"""What operators see of all services at once, also while some of them are away."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from chassis.fixtures import Clock, Identity
from gateway.operators import asking
from gateway.service import build
from gateway.settings import Settings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

ID = "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"
STANDING = {
    "id": ID,
    "number": "SO-7",
    "status": "pending",
    "payment_status": "unpaid",
    "reason": None,
    "updated_at": "2026-03-01T12:00:00Z",
    "awaited": [
        {
            "what": "an answer whether the stock is held",
            "whom": "inventory",
            "since": "2026-03-01T12:00:00Z",
            "until": "2026-03-01T12:01:00Z",
            "otherwise": "it is cancelled (stock_timeout)",
        }
    ],
    "correlationids": ["c-1", "c 2"],
}
PLACED = {"kind": "event", "at": "2026-03-01T12:00:00Z", "name": "placed.v1", "key": f"order-{ID}", "version": 1}
TIMER = {"kind": "timer", "at": "2026-03-01T12:01:00Z", "name": "stock", "key": f"order-{ID}"}
HELD = {
    "kind": "parked",
    "at": "2026-03-01T12:00:00.5Z",
    "name": "inventory.reserve_stock.v1",
    "handler": "reserve_stock",
    "key": ID,
    "tries": 8,
    "error": "KeyError: 'lines'",
    "letter": "message-3",
    "parked_at": "2026-03-01T12:02:00Z",
}


class Answering:
    """Stands where a service would: answers by path, and remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.asked.append(f"{request.method} {request.url.path}?{request.url.query}")
        found = self.answers.get(request.url.path)
        answer = JSONResponse({"type": "/problems/not-found", "title": "Not found", "detail": "no"}, 404)
        await (answer if found is None else JSONResponse(found))(scope, receive, send)


async def away(scope: Scope, receive: Receive, send: Send) -> None:
    """A service that is down, as its proxy says it."""
    await JSONResponse({"type": "/problems/service-unavailable", "service": "away"}, 503)(scope, receive, send)


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """A service that takes the request and says nothing."""
    await asyncio.Event().wait()


@asynccontextmanager
async def opened(**apps: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    clock = Clock()
    identity = Identity(clock)
    door = build(
        Settings(soko_env="testing", soko_internal_key="an internal key for these tests, 32 chars"),
        {"identity": identity.app(), **apps},
        clock,
    )
    await door.keys.refresh()
    bearer = {"Authorization": f"Bearer {identity.token(role='admin', rights=('ops:read', 'ops:write'))}"}
    transport = httpx.ASGITransport(app=door.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=bearer) as client:
        yield client
    await door.stop()


def story(*entries: Mapping[str, Any]) -> dict[str, Any]:
    return {f"/internal/v1/ops/stories/{ID}": {"items": list(entries)}}


async def test_an_order_is_explained_in_words_from_what_all_services_know() -> None:
    order = Answering({"/internal/v1/orders/SO-7/standing": STANDING, **story(PLACED, TIMER)})
    inventory = Answering(story(HELD))
    async with opened(order=order, inventory=inventory) as client:
        told = (await client.get("/api/v1/ops/orders/SO-7/explain")).json()
    assert told["says"] == [
        "Order SO-7 is pending, its payment unpaid.",
        "Since 2026-03-01 12:00:00 UTC it waits for an answer whether the stock is held, from inventory; if that has "
        "not come by 2026-03-01 12:01:00 UTC, it is cancelled (stock_timeout).",
        "In inventory, inventory.reserve_stock.v1 was given up after 8 tries (KeyError: 'lines') and holds what comes "
        f"after it for {ID}: replay or drop inventory-message-3.",
        "The next timer is stock of order, at 2026-03-01 12:01:00 UTC.",
        "The identity service could not be asked: what it knows is not in this story.",
    ]
    assert [each["name"] for each in told["story"]] == ["placed.v1", "inventory.reserve_stock.v1", "stock"]
    assert told["held_by"][0]["letter"] == "inventory-message-3"
    assert inventory.asked == [f"GET /internal/v1/ops/stories/{ID}?correlationid=c-1&correlationid=c+2"]


@pytest.mark.parametrize("payment", [away, silent])
async def test_a_service_that_is_away_is_named_and_the_others_tell(
    payment: ASGIApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "WITHIN", 0.2)
    order = Answering({f"/internal/v1/orders/{ID}/standing": STANDING, **story(PLACED)})
    async with opened(order=order, payment=payment) as client:
        answer = await client.get(f"/api/v1/ops/orders/{ID}/explain")
        assert (answer.status_code, answer.json()["missing"]) == (200, ["identity", "payment"])
        jobs = await client.get("/api/v1/ops/jobs?service=payment")
        assert (jobs.status_code, jobs.json()) == (
            200,
            {"items": [], "total": 0, "next": None, "previous": None, "missing": ["payment"]},
        )
        run = await client.post("/api/v1/ops/jobs/payment.sweep/run")
        assert run.status_code == (503 if payment is away else 504)


async def test_without_the_order_service_the_others_still_tell_by_the_orders_id() -> None:
    async with opened(order=away, inventory=Answering(story(HELD))) as client:
        told = (await client.get(f"/api/v1/ops/orders/{ID}/explain")).json()
        assert (told["status"], [each["name"] for each in told["story"]]) == (None, [HELD["name"]])
        assert told["missing"] == ["identity", "order"]
        assert (await client.get("/api/v1/ops/orders/SO-7/explain")).status_code == 503


def letters(*seconds: int) -> Answering:
    rows: list[dict[str, Any]] = [
        {
            "id": f"message-{second}",
            "name": "a.b.v1",
            "handler": "b",
            "key": "a-1",
            "tries": 8,
            "error": None,
            "since": "2026-03-01T12:00:00Z",
            "parked_at": f"2026-03-01T12:00:{second:02}Z",
            "correlationid": "c-1",
            "data": {},
        }
        for second in seconds
    ]
    return Answering({"/internal/v1/ops/dead-letters": {"items": rows, "total": len(rows)}})


async def test_pages_run_through_all_services_in_the_order_in_which_messages_were_parked() -> None:
    cart, order = letters(1, 4, 5), letters(2, 3)
    async with opened(cart=cart, order=order) as client:
        pages, url = [], "/api/v1/ops/dead-letters?service=cart&service=order&page_size=2"
        while url:
            page = (await client.get(url)).json()
            pages.append([each["id"] for each in page["items"]])
            url = page["next"]
    assert page["total"] == 5
    assert pages == [
        ["cart-message-1", "order-message-2"],
        ["order-message-3", "cart-message-4"],
        ["cart-message-5"],
    ]
    assert [asked.partition("?")[2] for asked in cart.asked] == [
        f"first={first}&newest_first=false" for first in (2, 4, 6)
    ]
