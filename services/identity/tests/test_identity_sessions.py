"""Refresh, logout, sessions and revocations."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from chassis.context import Context
from chassis.fixtures import Harness
from identity import sessions
from identity.jobs import tidy
from letterbox import letters
from signing_in import Tokens, bearing, demo, login, refresh, works


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running, public_url="https://shop.example") as harness:
        yield harness


def session_of(tokens: Tokens) -> str:
    said = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return str(said["sid"])


async def revoked(shop: Harness, after: int = 0) -> dict[str, Any]:
    path = f"/internal/v1/revocations?after={after}"
    answer = await shop.client.get(path, headers=shop.service_token("order"))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_a_refresh_answers_new_tokens_of_the_same_session(shop: Harness) -> None:
    first = await login(shop)
    second = (await refresh(shop, first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert session_of(second) == session_of(first)
    assert second["user"] == first["user"]
    assert await works(shop, second)


async def test_a_refresh_token_presented_again_ends_its_whole_session(shop: Harness) -> None:
    first = await login(shop)
    second = (await refresh(shop, first["refresh_token"])).json()
    again = await refresh(shop, first["refresh_token"])
    assert (again.status_code, again.json()["type"]) == (401, "/problems/invalid-refresh-token")
    assert (await refresh(shop, second["refresh_token"])).status_code == 401
    assert not await works(shop, second)


async def test_the_owner_is_told_once_that_a_token_came_twice(shop: Harness) -> None:
    first = await login(shop, headers={"User-Agent": "Phone"})
    await refresh(shop, first["refresh_token"])
    assert await letters(shop) == []
    for _ in range(3):
        await refresh(shop, first["refresh_token"])
    (letter,) = await letters(shop, "customer@soko.example")
    assert (letter.kind, letter.subject_id) == ("session_reused", first["user"]["id"])
    assert letter.data == {"device": "Phone", "when": shop.clock().isoformat()}


async def test_reuse_leaves_the_other_sessions_alone(shop: Harness) -> None:
    stolen, other = await login(shop), await login(shop)
    await refresh(shop, stolen["refresh_token"])
    await refresh(shop, stolen["refresh_token"])
    assert await works(shop, other)
    assert (await refresh(shop, other["refresh_token"])).status_code == 200


async def test_of_two_refreshes_at_once_one_wins_and_the_session_ends(shop: Harness) -> None:
    first = await login(shop)
    answers = await asyncio.gather(*(refresh(shop, first["refresh_token"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert not await works(shop, won)


async def test_a_session_that_is_not_used_for_thirty_days_is_over(shop: Harness) -> None:
    first = await login(shop)
    shop.clock.advance(timedelta(days=29))
    second = (await refresh(shop, first["refresh_token"])).json()
    shop.clock.advance(timedelta(days=30))
    assert (await refresh(shop, second["refresh_token"])).status_code == 401


async def test_an_unknown_refresh_token_is_401(shop: Harness) -> None:
    for token in ("nonsense", "x" * 4096, "ü"):
        assert (await refresh(shop, token)).status_code == 401


async def test_a_refresh_without_a_token_names_the_field(shop: Harness) -> None:
    for answer in (
        await shop.client.post("/api/v1/auth/refresh"),
        await shop.client.post("/api/v1/auth/refresh", json={}),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/refresh_token")


async def test_tokens_are_stored_as_hashes_only(shop: Harness) -> None:
    first = await login(shop)
    rows = await shop.service.database.pool.fetch("SELECT refresh_tokens::text AS row FROM refresh_tokens")
    assert len(rows) == 1
    assert first["refresh_token"] not in rows[0]["row"]


async def test_a_logout_stops_the_access_token_and_the_refresh_token(shop: Harness) -> None:
    tokens = await login(shop)
    answer = await shop.client.post("/api/v1/auth/logout", headers=bearing(tokens))
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await works(shop, tokens)
    assert (await refresh(shop, tokens["refresh_token"])).status_code == 401


async def test_a_logout_needs_only_the_refresh_token_once_the_access_token_has_run_out(shop: Harness) -> None:
    tokens = await login(shop)
    shop.clock.advance(timedelta(hours=1))
    body = {"refresh_token": tokens["refresh_token"]}
    answer = await shop.client.post("/api/v1/auth/logout", json=body, headers=bearing(tokens))
    assert answer.status_code == 204
    assert (await refresh(shop, tokens["refresh_token"])).status_code == 401


async def test_a_logout_of_nobody_is_401(shop: Harness) -> None:
    assert (await shop.client.post("/api/v1/auth/logout")).status_code == 401


async def test_a_token_that_counts_is_verified_with_what_it_says(shop: Harness) -> None:
    tokens = await login(shop, "staff")
    answer = await shop.client.post("/api/v1/auth/token/verify", json={"token": tokens["access_token"]})
    body = answer.json()
    assert (answer.status_code, body["valid"], body["role"]) == (200, True, "staff")
    assert (body["user_id"], body["session_id"]) == (tokens["user"]["id"], session_of(tokens))


async def test_a_token_is_not_verified_from_the_moment_of_the_logout_on(shop: Harness) -> None:
    tokens = await login(shop)
    await shop.client.post("/api/v1/auth/logout", headers=bearing(tokens))
    answer = await shop.client.post("/api/v1/auth/token/verify", json={"token": tokens["access_token"]})
    assert answer.status_code == 401


async def test_a_forged_an_expired_and_a_broken_token_are_not_verified(shop: Harness) -> None:
    tokens = await login(shop)
    head, claims, _ = tokens["access_token"].split(".")
    for forged in ("nonsense", f"{head}.{claims}.AAAA", shop.token(role="admin")):
        answer = await shop.client.post("/api/v1/auth/token/verify", json={"token": forged})
        assert answer.status_code == 401
        assert forged not in answer.text
    shop.clock.advance(timedelta(minutes=15))
    answer = await shop.client.post("/api/v1/auth/token/verify", json={"token": tokens["access_token"]})
    assert answer.status_code == 401


async def test_own_sessions_are_listed_with_device_and_address(shop: Harness) -> None:
    await login(shop, "staff")
    await login(shop, headers={"User-Agent": "old phone", "X-Forwarded-For": "198.51.100.1"})
    shop.clock.advance(timedelta(minutes=1))
    here = await login(shop, headers={"User-Agent": "laptop\t1", "X-Forwarded-For": "10.0.0.1, 203.0.113.7"})
    answer = await shop.client.get("/api/v1/users/me/sessions", headers=bearing(here))
    body = answer.json()
    assert body["total"] == 2
    assert [(each["device"], each["address"], each["current"]) for each in body["items"]] == [
        ("laptop1", "203.0.113.7", True),
        ("old phone", "198.51.100.1", False),
    ]


async def test_an_own_session_can_be_ended_and_anothers_cannot(shop: Harness) -> None:
    lost, here, other = await login(shop), await login(shop), await login(shop, "staff")
    path = "/api/v1/users/me/sessions/"
    foreign = await shop.client.delete(path + session_of(other), headers=bearing(here))
    assert foreign.status_code == 404
    assert (await shop.client.delete(path + "nonsense", headers=bearing(here))).status_code == 422
    assert (await shop.client.delete(path + session_of(lost), headers=bearing(here))).status_code == 204
    assert not await works(shop, lost)
    assert await works(shop, here)
    assert await works(shop, other)


async def test_one_can_log_out_everywhere_else(shop: Harness) -> None:
    elsewhere, here = await login(shop), await login(shop)
    assert (await shop.client.delete("/api/v1/users/me/sessions", headers=bearing(here))).status_code == 204
    assert not await works(shop, elsewhere)
    assert await works(shop, here)


async def test_revocations_are_told_from_a_position_on(shop: Harness) -> None:
    assert await revoked(shop) == {"position": 0, "sessions": [], "users": []}
    first, second = await login(shop), await login(shop)
    await shop.client.post("/api/v1/auth/logout", headers=bearing(first))
    seen = await revoked(shop)
    assert seen["sessions"] == [session_of(first)]
    await shop.client.post("/api/v1/auth/logout", headers=bearing(second))
    later = await revoked(shop, seen["position"])
    assert later["sessions"] == [session_of(second)]
    assert await revoked(shop, later["position"]) == {"position": later["position"], "sessions": [], "users": []}


async def test_a_revocation_that_commits_late_is_not_skipped(shop: Harness) -> None:
    first, second = await login(shop), await login(shop)
    service: Any = shop.service
    async with service.unit(Context("r", "r", "r")) as unit:
        life = service.settings.access_token_life
        await sessions.end(unit.sql, first["user"]["id"], "logout", unit.now, life, only=session_of(first))
        leaving = asyncio.create_task(shop.client.post("/api/v1/auth/logout", headers=bearing(second)))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not leaving.done() and not await service.database.pool.fetchval(waiting):
            pass
        seen = await revoked(shop)
    await leaving
    later = await revoked(shop, seen["position"])
    assert seen["sessions"] + later["sessions"] == [session_of(first), session_of(second)]


async def test_only_services_may_read_the_revocations(shop: Harness) -> None:
    assert (await shop.client.get("/internal/v1/revocations")).status_code == 401


async def test_what_has_outlived_its_use_is_deleted_and_positions_never_go_back(shop: Harness) -> None:
    for _ in range(2):
        await shop.client.post("/api/v1/auth/logout", headers=bearing(await login(shop)))
    kept = await login(shop)
    position = (await revoked(shop))["position"]
    shop.clock.advance(timedelta(minutes=17))
    assert "1 revocations" in await tidy(shop.service)
    assert (await revoked(shop))["position"] == position
    assert (await refresh(shop, kept["refresh_token"])).status_code == 200
    shop.clock.advance(timedelta(days=31))
    assert "1 sessions" in await tidy(shop.service)
