"""An account that its owner closes for good leaves an id and figures, here and at once."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from chassis.fixtures import Harness
from identity.seed import DEMO_PASSWORD
from signing_in import bearing, create, demo, login, refresh, works
from soko_contracts.identity import UserErased

ADDRESS = {
    "name": "Zawadi Erasable",
    "phone": "+254700000077",
    "line1": "7 Gone St",
    "city": "Nairobi",
    "country": "KE",
}


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def erase(shop: Harness, tokens: dict[str, Any], password: str = DEMO_PASSWORD) -> httpx.Response:
    """Ask for it."""
    return await shop.client.request("DELETE", "/api/v1/users/me", json={"password": password}, headers=bearing(tokens))


async def test_an_erased_account_is_an_id_and_its_names_are_free(shop: Harness) -> None:
    tokens = await login(shop)
    user_id = tokens["user"]["id"]
    await shop.client.post("/api/v1/users/me/addresses", json=ADDRESS, headers=bearing(tokens))
    assert (await erase(shop, tokens)).status_code == 204
    row = await shop.service.database.pool.fetchrow("SELECT * FROM users WHERE id = $1", user_id)
    assert row is not None
    assert (row["email"], row["phone"], row["first_name"], row["active"]) == (None, None, "erased", False)
    assert await shop.service.database.pool.fetchval("SELECT count(*) FROM addresses") == 0
    assert (await create(shop, email="customer@soko.example")).status_code == 201
    await shop.settle()
    assert UserErased(user_id=user_id, role="customer", active=False) in shop.sent
    events = "SELECT kind FROM audit WHERE user_id = $1 ORDER BY arrival DESC LIMIT 2"
    kinds = {row["kind"] for row in await shop.service.database.pool.fetch(events, user_id)}
    assert kinds == {"account_erased", "sessions_ended"}


async def test_with_the_account_all_its_sessions_end_and_nobody_logs_in_again(shop: Harness) -> None:
    tokens, other = await login(shop), await login(shop)
    assert (await erase(shop, tokens)).status_code == 204
    assert not await works(shop, other)
    assert (await refresh(shop, other["refresh_token"])).status_code == 401
    body = {"email": "customer@soko.example", "password": DEMO_PASSWORD}
    assert (await shop.client.post("/api/v1/auth/login", json=body)).status_code == 401
    assert (await erase(shop, other)).status_code == 401


async def test_a_token_that_still_counts_for_a_moment_writes_nothing_into_the_erased_account(shop: Harness) -> None:
    tokens = await login(shop)
    assert (await erase(shop, tokens)).status_code == 204
    for method, path, body in (("POST", "/addresses", ADDRESS), ("PATCH", "", {"first_name": "Zawadi"})):
        answer = await shop.client.request(method, f"/api/v1/users/me{path}", json=body, headers=bearing(tokens))
        assert answer.status_code == 401, answer.text
    assert await shop.service.database.pool.fetchval("SELECT count(*) FROM addresses") == 0


async def test_a_wrong_password_erases_nothing_and_counts_as_a_failed_login(shop: Harness) -> None:
    tokens = await login(shop)
    for _ in range(5):
        answer = await erase(shop, tokens, "not the password")
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/invalid-credentials")
    assert (await erase(shop, tokens)).status_code == 429
    assert await works(shop, tokens)


async def test_the_last_administrator_cannot_be_erased(shop: Harness) -> None:
    tokens = await login(shop, "admin")
    answer = await erase(shop, tokens)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/last-admin")
    assert await works(shop, tokens)
    await create(shop, email="second@soko.example", role="admin")
    assert (await erase(shop, tokens)).status_code == 204
