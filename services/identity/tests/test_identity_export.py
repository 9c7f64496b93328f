"""All that is kept about somebody, from every service or not at all."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from chassis.exporting import MOST
from chassis.fixtures import Harness
from identity.api.exporting import KEEPERS
from identity.seed import DEMO_PASSWORD
from signing_in import bearer, bearing, demo, login
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PATH = "/api/v1/users/me/export"
HOME = {"name": "A. Customer", "line1": "1 Market St", "city": "Nairobi", "country": "KE", "phone": "0700 000001"}


def keeper(name: str, asked: list[str]) -> Starlette:
    """A service that keeps one thing about everybody."""

    async def export(request: Request) -> JSONResponse:
        assert request.headers["x-service-token"]
        asked.append(request.path_params["user_id"])
        cut = [f"{name}s"] if name == "cart" else []
        return JSONResponse({"lists": {f"{name}s": [{"of": name}]}, "truncated": cut})

    return Starlette(routes=[Route("/internal/v1/users/{user_id}/export", export)])


@pytest.fixture
def asked() -> list[str]:
    """About whom the other services were asked."""
    return []


@pytest.fixture
async def shop(running: Callable[..., Any], asked: list[str]) -> AsyncIterator[Harness]:
    async with demo(running, peers={name: keeper(name, asked) for name in KEEPERS}) as harness:
        yield harness


async def test_it_is_one_document_to_keep(shop: Harness, asked: list[str]) -> None:
    tokens = await login(shop)
    headers, user = bearing(tokens), tokens["user"]
    await shop.client.post("/api/v1/users/me/addresses", json=HOME, headers=headers)
    await shop.client.post("/api/v1/auth/password/reset", json={"email": user["email"]})
    await shop.client.patch("/api/v1/users/me", json={"email": "amina@soko.example"}, headers=headers)
    wrong = {"email": user["email"], "password": "not the password"}
    await shop.client.post("/api/v1/auth/login", json=wrong)
    answer = await shop.client.get(PATH, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="soko-{shop.clock():%Y-%m-%d}.json"'
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["account"]["id"], told["account"]["pending_email"]) == (user["id"], "amina@soko.example")
    assert [each["line1"] for each in told["addresses"]] == ["1 Market St"]
    assert [each["address"] for each in told["sessions"]] == ["127.0.0.1"]
    assert [each["kind"] for each in told["security_events"]] == ["login_failed", "login_succeeded", "account_created"]
    assert [each["address"] for each in told["password_resets"]] == [user["email"]]
    assert [each["channel"] for each in told["codes"]] == ["email"]
    assert [each["failures"] for each in told["failed_logins"]] == [1]
    assert [told[f"{name}s"] for name in KEEPERS] == [[{"of": name}] for name in KEEPERS]
    assert told["truncated"] == ["carts"]
    assert asked == [user["id"]] * len(KEEPERS)


async def test_no_secret_is_in_it(shop: Harness) -> None:
    tokens = await login(shop)
    await shop.client.post("/api/v1/auth/password/reset", json={"email": tokens["user"]["email"]})
    said = (await shop.client.get(PATH, headers=bearing(tokens))).text
    pool = shop.service.database.pool
    for query in (
        "SELECT password_hash FROM users",
        "SELECT hash FROM refresh_tokens",
        "SELECT hash FROM reset_tokens",
        "SELECT hash FROM codes",
    ):
        assert [value for (value,) in await pool.fetch(query) if value in said] == []
    assert DEMO_PASSWORD not in said
    assert tokens["refresh_token"] not in said


async def test_what_somebody_else_did_to_the_account_is_said_and_not_who(shop: Harness) -> None:
    admin, customer = await login(shop, "admin"), await login(shop)
    path = f"/api/v1/users/{customer['user']['id']}"
    for role in ("staff", "customer"):
        await shop.client.patch(path, json={"role": role}, headers=bearing(admin))
    answer = await shop.client.get(PATH, headers=await bearer(shop))
    events = [(each["kind"], each["by_the_shop"]) for each in answer.json()["security_events"]]
    assert ("role_changed", True) in events
    assert ("login_succeeded", False) in events
    assert admin["user"]["id"] not in answer.text


async def test_a_list_that_is_cut_off_says_so(shop: Harness) -> None:
    tokens = await login(shop)
    many = """
    INSERT INTO audit (created_at, kind, user_id, details)
    SELECT $2, 'logout', $1, jsonb_build_object('number', number) FROM generate_series(1, $3::int) AS number
    """
    await shop.service.database.pool.execute(many, tokens["user"]["id"], shop.clock(), MOST + 5)
    told = (await shop.client.get(PATH, headers=bearing(tokens))).json()
    assert len(told["security_events"]) == MOST
    assert told["security_events"][0]["details"] == {"number": MOST + 5}
    assert told["truncated"] == ["security_events", "carts"]


@pytest.mark.parametrize("missing", KEEPERS)
async def test_without_one_of_the_services_there_is_no_half_of_it(shop: Harness, missing: str) -> None:
    del shop.peers[missing]
    answer = await shop.client.get(PATH, headers=await bearer(shop))
    assert (answer.status_code, answer.json()["service"]) == (503, missing)
    assert "retry-after" in answer.headers
    assert await exported(shop) == 0


async def test_it_is_noted_and_not_given_without_end(shop: Harness) -> None:
    headers = await bearer(shop)
    statuses = [(await shop.client.get(PATH, headers=headers)).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert await exported(shop) == 10
    assert (await shop.client.get(PATH, headers=await bearer(shop, "staff"))).status_code == 200
    shop.clock.advance(timedelta(minutes=1))
    assert (await shop.client.get(PATH, headers=headers)).status_code == 200


async def test_an_account_that_is_gone_has_none(shop: Harness) -> None:
    headers = await bearer(shop)
    await shop.service.database.pool.execute("UPDATE users SET active = false")
    assert (await shop.client.get(PATH, headers=headers)).status_code == 401
    assert (await shop.client.get(PATH)).status_code == 401


async def exported(shop: Harness) -> int:
    """How often, as the audit says."""
    found: int = await shop.service.database.pool.fetchval("SELECT count(*) FROM audit WHERE kind = 'exported'")
    return found
