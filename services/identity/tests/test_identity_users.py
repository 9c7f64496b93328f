"""All accounts, for those who run the shop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from chassis.context import Context
from chassis.fixtures import Harness
from identity import accounts, seed
from signing_in import NEW, NOBODY, bearer, create, demo, login
from soko_contracts.identity import UserRegistered, UserRoleChanged, UserUpdated, UserVerified


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def test_an_administrator_creates_an_account_that_may_log_in_at_once(shop: Harness) -> None:
    answer = await create(shop)
    body = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/v1/users/{body['id']}")
    assert (body["email"], body["role"], body["verified"]) == ("packer@soko.example", "staff", True)
    assert "password" not in body
    assert (await login(shop, "packer", "a long sentence"))["user"] == body


async def test_a_new_account_is_told_by_id_and_role_alone(shop: Harness) -> None:
    user_id = (await create(shop)).json()["id"]
    await shop.settle()
    assert shop.sent == [
        UserRegistered(user_id=user_id, role="staff", active=True),
        UserVerified(user_id=user_id, role="staff", active=True),
    ]
    assert [(each.subject, each.sequence) for each in shop.recorder.envelopes] == [(user_id, 1), (user_id, 2)]
    assert not any(b"packer" in each.data.lower() for each in shop.recorder.envelopes)


async def test_a_broken_account_names_the_field(shop: Harness) -> None:
    broken: list[tuple[dict[str, Any], str]] = [
        ({"email": "nobody"}, "/email"),
        ({"email": None}, ""),
        ({"email": "customer@SOKO.example"}, "/email"),
        ({"password": "too short"}, "/password"),
        ({"password": "x" * 257}, "/password"),
        ({"password": "PACKER@soko.example"}, "/password"),
        ({"phone": "0700000001"}, "/phone"),
        ({"username": "a"}, "/username"),
        ({"username": "a@b.example"}, "/username"),
        ({"role": "owner"}, "/role"),
        ({"role": "Staff!"}, "/role"),
        ({"first_name": "a\nb"}, "/first_name"),
        ({"language": "English"}, "/language"),
        ({"verified": False}, "/verified"),
        ({"last_name": "a\u0000b"}, "/last_name"),
    ]
    headers = await bearer(shop, "admin")
    for changes, pointer in broken:
        answer = await shop.client.post("/api/v1/users", json=NEW | changes, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), changes
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], changes


async def test_usernames_differ_by_more_than_their_case(shop: Harness) -> None:
    assert (await create(shop, username="Pat")).status_code == 201
    answer = await create(shop, email="other@soko.example", username="pAT")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/username")


async def test_the_same_idempotency_key_makes_one_account(shop: Harness) -> None:
    headers = await bearer(shop, "admin") | {"Idempotency-Key": "once"}
    first = await shop.client.post("/api/v1/users", json=NEW, headers=headers)
    again = await shop.client.post("/api/v1/users", json=NEW, headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json()
    other = await shop.client.post("/api/v1/users", json=NEW | {"role": "admin"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_of_many_who_ask_for_one_address_at_once_one_gets_it(shop: Harness) -> None:
    headers = await bearer(shop, "admin")
    answers = await asyncio.gather(*(shop.client.post("/api/v1/users", json=NEW, headers=headers) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422, 422]


async def test_staff_read_accounts_and_customers_do_not(shop: Harness) -> None:
    staff, customer = await bearer(shop, "staff"), await bearer(shop, "customer")
    for method, path, body, status in (
        ("GET", "/api/v1/users", None, 200),
        ("POST", "/api/v1/users", NEW, 403),
        ("GET", f"/api/v1/users/{NOBODY}", None, 404),
        ("PATCH", f"/api/v1/users/{NOBODY}", {"role": "admin"}, 403),
    ):
        assert (await shop.client.request(method, path, json=body, headers=staff)).status_code == status
        assert (await shop.client.request(method, path, json=body, headers=customer)).status_code == 403
        assert (await shop.client.request(method, path, json=body)).status_code == 401


async def test_accounts_are_listed_filtered_searched_and_paged(shop: Harness) -> None:
    await create(shop, last_name="50%_off")
    headers = await bearer(shop, "staff")

    async def emails(query: str) -> list[str]:
        answer = await shop.client.get(f"/api/v1/users?{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return [each["email"].partition("@")[0] for each in answer.json()["items"]]

    assert await emails("ordering=email") == ["admin", "customer", "packer", "staff"]
    assert await emails("role=staff&ordering=-email") == ["staff", "packer"]
    assert await emails("role=admin&role=customer&ordering=email") == ["admin", "customer"]
    assert await emails("search=PAT") == ["packer"]
    assert await emails("search=%25_O") == ["packer"]
    assert await emails("search=_") == ["packer"]
    assert await emails("active=false") == []
    assert await emails("verified=true&page=2&page_size=3&ordering=email") == ["staff"]
    assert await emails("created_before=2020-01-01T00:00:00Z") == []
    page = (await shop.client.get("/api/v1/users?limit=1", headers=headers)).json()
    assert (page["total"], page["next"]) == (4, "/api/v1/users?limit=1&offset=1")


async def test_a_broken_filter_is_422(shop: Harness) -> None:
    headers = await bearer(shop, "staff")
    for query in (
        "role=Owner!",
        "active=perhaps",
        "created_after=yesterday",
        "created_after=2026-01-01T00:00:00",
        "colour=red",
        "search=",
        "search=%00",
        "ordering=password_hash",
        "page=0",
        "page=1&limit=2",
    ):
        answer = await shop.client.get(f"/api/v1/users?{query}", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), query


async def test_a_new_role_stops_the_old_token_and_comes_with_the_next_refresh(shop: Harness) -> None:
    tokens = await login(shop)
    old = {"Authorization": f"Bearer {tokens['access_token']}"}
    path = f"/api/v1/users/{tokens['user']['id']}"
    answer = await shop.client.patch(path, json={"role": "staff"}, headers=await bearer(shop, "admin"))
    assert (answer.status_code, answer.json()["role"]) == (200, "staff")
    await shop.service.revocations.poll_once()
    assert (await shop.client.get("/api/v1/users/me", headers=old)).status_code == 401
    body = {"refresh_token": tokens["refresh_token"]}
    fresh = (await shop.client.post("/api/v1/auth/refresh", json=body)).json()
    assert fresh["user"]["role"] == "staff"
    new = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert (await shop.client.get("/api/v1/users", headers=new)).status_code == 200
    await shop.settle()
    user_id = tokens["user"]["id"]
    assert shop.sent == [UserRoleChanged(user_id=user_id, role="staff", active=True, old_role="customer")]


async def test_a_closed_account_is_out_everywhere_and_may_come_back(shop: Harness) -> None:
    tokens = await login(shop)
    path, admin = f"/api/v1/users/{tokens['user']['id']}", await bearer(shop, "admin")
    assert (await shop.client.patch(path, json={"active": False}, headers=admin)).json()["active"] is False
    await shop.service.revocations.poll_once()
    old = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await shop.client.get("/api/v1/users/me", headers=old)).status_code == 401
    body = {"refresh_token": tokens["refresh_token"]}
    assert (await shop.client.post("/api/v1/auth/refresh", json=body)).status_code == 401
    await shop.client.patch(path, json={"active": True}, headers=admin)
    assert (await shop.client.get("/api/v1/users/me", headers=await bearer(shop))).status_code == 200
    await shop.settle()
    assert [(type(each), each.active) for each in shop.sent] == [(UserUpdated, False), (UserUpdated, True)]
    assert [each.sequence for each in shop.recorder.envelopes] == [3, 4]


async def test_a_login_that_races_with_the_closing_of_its_account_leaves_no_session(shop: Harness) -> None:
    user = (await login(shop))["user"]
    admin = await bearer(shop, "admin")
    body = {"email": "customer@soko.example", "password": seed.DEMO_PASSWORD}
    await asyncio.gather(
        *(shop.client.post("/api/v1/auth/login", json=body) for _ in range(8)),
        shop.client.patch(f"/api/v1/users/{user['id']}", json={"active": False}, headers=admin),
    )
    left = "SELECT count(*) FROM sessions WHERE user_id = $1"
    assert await shop.service.database.pool.fetchval(left, user["id"]) == 0


async def test_the_last_administrator_cannot_be_closed_or_demoted(shop: Harness) -> None:
    tokens = await login(shop, "admin")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    path = f"/api/v1/users/{tokens['user']['id']}"
    for change in ({"active": False}, {"role": "staff"}):
        answer = await shop.client.patch(path, json=change, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/last-admin")


async def test_two_administrators_who_demote_each_other_leave_one(shop: Harness) -> None:
    service: Any = shop.service
    other = (await create(shop, email="other@soko.example", role="admin")).json()
    tokens = await login(shop, "admin")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    async with service.unit(Context("r", "r", "r")) as unit:
        before = await accounts.locked(unit, tokens["user"]["id"])
        assert before is not None
        await accounts.administer(service, unit, before, role="staff", active=None)
        path = f"/api/v1/users/{other['id']}"
        second = asyncio.create_task(shop.client.patch(path, json={"role": "staff"}, headers=headers))
        await waiting_for_a_lock(shop, second)
    assert (await second).status_code == 409


async def waiting_for_a_lock(shop: Harness, task: "asyncio.Task[Any]") -> None:
    """Return once ``task`` waits in the database for another transaction; fail when it is done before."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while not await shop.service.database.pool.fetchval(waiting):
        assert not task.done()


async def test_a_broken_change_of_an_account_is_422(shop: Harness) -> None:
    headers, path = await bearer(shop, "admin"), f"/api/v1/users/{NOBODY}"
    broken: list[Any] = [{"role": None}, {"active": "perhaps"}, {"email": "a@b.example"}, [], "x"]
    for change in broken:
        assert (await shop.client.patch(path, json=change, headers=headers)).status_code == 422, change


async def test_an_id_that_is_none_is_refused(shop: Harness) -> None:
    headers = await bearer(shop, "admin")
    for id_ in ("nonsense", "%00", "0198c0de", "..", "' or 1=1"):
        answer = await shop.client.get(f"/api/v1/users/{id_}", headers=headers)
        assert answer.status_code in (404, 422), id_
        assert answer.headers["content-type"] == "application/problem+json"
