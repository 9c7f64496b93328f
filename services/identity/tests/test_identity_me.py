"""One's own account."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from chassis.fixtures import Harness
from signing_in import NEW, bearer, create, demo
from soko_contracts.identity import UserUpdated


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def test_one_sees_and_changes_ones_own_account(shop: Harness) -> None:
    headers = await bearer(shop)
    seen = await shop.client.get("/api/v1/users/me", headers=headers)
    assert (seen.status_code, seen.headers["etag"], seen.json()["first_name"]) == (200, '"1"', "Amina")
    change = {"first_name": "Amina W.", "language": "sw", "username": "amina"}
    changed = await shop.client.patch("/api/v1/users/me", json=change, headers=headers)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert {name: changed.json()[name] for name in change} == change
    assert changed.json() == (await shop.client.get("/api/v1/users/me", headers=headers)).json()
    await shop.settle()
    assert shop.sent == [UserUpdated(user_id=changed.json()["id"], role="customer", active=True)]


async def test_a_change_that_changes_nothing_tells_nothing(shop: Harness) -> None:
    headers = await bearer(shop)
    for change in ({}, {"first_name": "Amina"}):
        answer = await shop.client.patch("/api/v1/users/me", json=change, headers=headers)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    await shop.settle()
    assert shop.sent == []


async def test_a_stale_change_is_412_and_an_unchanged_account_304(shop: Harness) -> None:
    headers = await bearer(shop)
    await shop.client.patch("/api/v1/users/me", json={"last_name": "One"}, headers=headers)
    stale = await shop.client.patch(
        "/api/v1/users/me", json={"last_name": "Two"}, headers=headers | {"If-Match": '"1"'}
    )
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    same = await shop.client.get("/api/v1/users/me", headers=headers | {"If-None-Match": '"2"'})
    assert (same.status_code, same.content) == (304, b"")


async def test_nobody_gives_themself_what_is_not_theirs_to_give(shop: Harness) -> None:
    headers = await bearer(shop)
    refused: list[dict[str, Any]] = [
        {"role": "admin"},
        {"email": None},
        {"pending_email": "new@soko.example"},
        {"active": False},
        {"first_name": None},
        {"language": ""},
        {"phone": "1"},
    ]
    for change in refused:
        assert (await shop.client.patch("/api/v1/users/me", json=change, headers=headers)).status_code == 422, change


async def test_a_whole_profile_clears_what_it_leaves_out(shop: Harness) -> None:
    headers = await bearer(shop)
    given = {"first_name": "Amina", "last_name": "W.", "username": "amina", "language": "sw"}
    await shop.client.patch("/api/v1/users/me", json=given, headers=headers)
    whole = {"email": "customer@soko.example", "first_name": "Amina", "language": "en"}
    answer = await shop.client.put("/api/v1/users/me", json=whole, headers=headers)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    said = {name: answer.json()[name] for name in (*given, "email", "phone")}
    assert said == {**whole, "last_name": "", "username": None, "phone": None}
    stale = await shop.client.put("/api/v1/users/me", json=whole, headers=headers | {"If-Match": '"1"'})
    assert stale.status_code == 412


async def test_another_address_in_a_whole_profile_is_pending_too(shop: Harness) -> None:
    whole = {"email": "amina@soko.example", "language": "en"}
    answer = (await shop.client.put("/api/v1/users/me", json=whole, headers=await bearer(shop))).json()
    assert (answer["email"], answer["pending_email"]) == ("customer@soko.example", "amina@soko.example")


@pytest.mark.parametrize(
    ("whole", "pointer"),
    [
        ({"email": "customer@soko.example"}, "/language"),
        ({"email": "customer@soko.example", "language": None}, "/language"),
        ({"language": "en"}, "/email"),
        ({"email": None, "language": "en"}, "/email"),
        ({"email": "customer@soko.example", "language": "en", "role": "admin"}, "/role"),
    ],
)
async def test_a_whole_profile_lacks_nothing_that_cannot_be_cleared(
    whole: dict[str, Any], pointer: str, shop: Harness
) -> None:
    answer = await shop.client.put("/api/v1/users/me", json=whole, headers=await bearer(shop))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_who_has_no_email_need_not_name_one(shop: Harness) -> None:
    await create(shop, email=None, username="pat", phone="+254700000009")
    body = {"username": "pat", "password": NEW["password"]}
    tokens = (await shop.client.post("/api/v1/auth/login", json=body)).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    kept = {"username": "pat", "phone": "+254700000009", "language": "en"}
    assert (await shop.client.put("/api/v1/users/me", json=kept, headers=headers)).status_code == 200
    lost = await shop.client.put("/api/v1/users/me", json={"language": "en"}, headers=headers)
    assert (lost.status_code, lost.json()["type"]) == (409, "/problems/last-login-name")


async def test_a_username_that_is_taken_names_the_field(shop: Harness) -> None:
    await create(shop, username="pat")
    answer = await shop.client.patch("/api/v1/users/me", json={"username": "PAT"}, headers=await bearer(shop))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/username")


async def test_an_account_keeps_something_to_log_in_with(shop: Harness) -> None:
    await create(shop, email=None, username="pat", phone="+254700000009")
    body = {"username": "pat", "password": NEW["password"]}
    tokens = (await shop.client.post("/api/v1/auth/login", json=body)).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    first = await shop.client.patch("/api/v1/users/me", json={"username": None}, headers=headers)
    assert first.status_code == 200
    second = await shop.client.patch("/api/v1/users/me", json={"phone": None}, headers=headers)
    assert (second.status_code, second.json()["type"]) == (409, "/problems/last-login-name")


async def test_the_token_of_an_account_that_is_gone_is_401(shop: Harness) -> None:
    headers = await bearer(shop)
    await shop.service.database.pool.execute("DELETE FROM users WHERE role = 'customer'")
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"last_name": "x"}),
        ("GET", "/sessions", None),
        ("GET", "/addresses", None),
    ):
        answer = await shop.client.request(method, f"/api/v1/users/me{path}", json=body, headers=headers)
        assert answer.status_code == (200 if path else 401)
