"""Customers are reminded of a cart that they left, if they asked to be."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from chassis.fixtures import Harness
from chassis.world import new_id
from notification.service import build
from notification.settings import Settings
from soko_contracts import cart, identity
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

KETTLES = cart.CartLine(
    sku="KET-1", variant_id="v-1", quantity=2, unit_price=249900, priced_at=datetime(2026, 3, 1, tzinfo=UTC)
)
PREFERENCES = "/api/v1/notifications/preferences"


@pytest.fixture
async def harness(running: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Harness]:
    async def contact(request: Request) -> Response:
        if request.path_params["id"] == "nobody":
            return JSONResponse({"title": "Not found"}, 404)
        return JSONResponse({"user_id": "u", "email": "jane@soko.example", "phone": None, "language": "en"})

    async with running(build, Settings, soko_home=tmp_path) as harness:
        reached = [Route("/internal/v1/users/{id}/contact", contact), Mount("/", harness.peers["identity"])]
        harness.peers["identity"] = Starlette(routes=reached)
        yield harness


async def left(harness: Harness, customer_id: str, cart_id: str = "") -> list[tuple[str, str]]:
    """They leave a cart; what they were sent by then."""
    message = cart.Abandoned(cart_id=cart_id or new_id(), customer_id=customer_id, lines=(KETTLES,))
    await harness.deliver(message, subject=message.cart_id)
    listed = await harness.client.get("/api/v1/notifications", headers=harness.bearer(customer_id))
    return [(each["kind"], each["status"]) for each in listed.json()["items"]]


async def wish(harness: Harness, customer_id: str, wanted: bool) -> None:
    body = {"abandoned_cart": {"email": wanted}}
    changed = await harness.client.patch(PREFERENCES, json=body, headers=harness.bearer(customer_id))
    assert changed.json()["abandoned_cart"] == {"email": wanted, "required": False}


async def test_nobody_is_reminded_who_did_not_ask(harness: Harness) -> None:
    assert await left(harness, new_id()) == []


async def test_whoever_asked_is_reminded_once_a_cart_until_they_stop_it(harness: Harness) -> None:
    me, cart_id = new_id(), new_id()
    await wish(harness, me, True)
    for _ in range(2):
        assert await left(harness, me, cart_id) == [("abandoned_cart", "sent")]
    await wish(harness, me, False)
    assert len(await left(harness, me)) == 1


async def test_an_account_that_is_closed_is_not_written_to(harness: Harness) -> None:
    await wish(harness, "nobody", True)
    assert await left(harness, "nobody") == []


async def test_an_erased_customers_wish_goes_too(harness: Harness) -> None:
    me = new_id()
    await wish(harness, me, True)
    await harness.deliver(identity.UserErased(user_id=me, role="customer", active=False), subject=me)
    assert await harness.service.database.pool.fetchval("select count(*) from preferences") == 0
