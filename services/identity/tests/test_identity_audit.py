"""Security events: written with what they tell, and in a chain that shows what was done to it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from chassis.fixtures import Harness
from identity.audit_chain import Verified, verify
from signing_in import bearer, create, demo, login, refresh

UNGUARDED = "SET session_replication_role = replica"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def listed(shop: Harness, **query: Any) -> list[Any]:
    """What an administrator is shown."""
    answer = await shop.client.get("/api/v1/audit", params=query, headers=await bearer(shop, "admin"))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def read(shop: Harness, kept: tuple[int, str] | None = None) -> Verified:
    """The chain, as ``soko audit verify`` reads it."""
    connection = await asyncpg.connect(shop.service.settings.database_url)
    try:
        return await verify(connection, lambda done, total: None, kept)
    finally:
        await connection.close()


async def planted(shop: Harness, *statements: str) -> None:
    """Do what only somebody does who holds the database."""
    await shop.settle()
    connection = await asyncpg.connect(shop.service.settings.database_url)
    try:
        for statement in (UNGUARDED, *statements):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_logins_that_work_and_logins_that_fail_are_recorded(shop: Harness) -> None:
    tokens = await login(shop)
    body = {"email": "customer@soko.example", "password": "not the password"}
    for _ in range(5):
        await shop.client.post("/api/v1/auth/login", json=body)
    found = await listed(shop, user=tokens["user"]["id"])
    kinds = ["login_held_back", *["login_failed"] * 5, "login_succeeded", "account_created"]
    assert [event["kind"] for event in found] == kinds
    assert found[0]["details"] == {"failures": 5}
    assert "customer@soko" not in str(found)


async def test_a_name_that_nobody_has_is_recorded_without_the_name(shop: Harness) -> None:
    body = {"email": "nobody@soko.example", "password": "not the password"}
    await shop.client.post("/api/v1/auth/login", json=body)
    (event,) = await listed(shop, kind="login_failed")
    assert (event["user_id"], event["details"]) == (None, {"failures": 1})


async def test_a_changed_password_is_recorded_though_no_other_session_ends(shop: Harness) -> None:
    tokens = await login(shop)
    body = {"current_password": "soko-demo-2026", "new_password": "another long sentence"}
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await shop.client.post("/api/v1/auth/password/change", json=body, headers=headers)).status_code == 204
    (event,) = await listed(shop, kind="password_changed")
    assert event["user_id"] == tokens["user"]["id"]


async def test_what_an_administrator_does_says_who_did_it(shop: Harness) -> None:
    made = (await create(shop)).json()
    admin = await login(shop, "admin")
    headers = {"Authorization": f"Bearer {admin['access_token']}"}
    for change in ({"role": "customer"}, {"active": False}):
        await shop.client.patch(f"/api/v1/users/{made['id']}", json=change, headers=headers)
    found = await listed(shop, user=made["id"])
    assert [(event["kind"], event["by_id"], event["details"]) for event in found] == [
        ("activation_changed", admin["user"]["id"], {"active": False}),
        ("role_changed", admin["user"]["id"], {"old": "staff", "new": "customer"}),
        ("account_created", admin["user"]["id"], {"role": "staff"}),
    ]


async def test_the_end_of_sessions_is_recorded_with_its_reason(shop: Harness) -> None:
    tokens = await login(shop)
    await refresh(shop, tokens["refresh_token"])
    await refresh(shop, tokens["refresh_token"])
    again = await login(shop)
    await shop.client.post("/api/v1/auth/logout", json={"refresh_token": again["refresh_token"]})
    found = await listed(shop, user=tokens["user"]["id"], kind=["logout", "refresh_reused"])
    assert [(event["kind"], event["details"]) for event in found] == [
        ("logout", {"reason": "logout", "sessions": 1}),
        ("refresh_reused", {"reason": "reuse", "sessions": 1}),
    ]


async def test_a_list_goes_on_behind_a_cursor_and_ends(shop: Harness) -> None:
    await login(shop)
    headers = await bearer(shop, "admin")
    seen, path = [], "/api/v1/audit?limit=2&cursor="
    while path:
        page = (await shop.client.get(path, headers=headers)).json()
        seen += [(event["kind"], event["created_at"]) for event in page["items"]]
        path = page["next"]
    assert len(seen) == await shop.service.database.pool.fetchval("SELECT count(*) FROM audit")


async def test_a_chain_that_nobody_touched_is_whole(shop: Harness) -> None:
    await login(shop)
    assert (await read(shop)).waiting == 1
    await shop.settle()
    first = await read(shop)
    await login(shop)
    await shop.settle()
    second = await read(shop, (first.number, first.hash))
    assert (second.fault, second.waiting, second.number) == (None, 0, first.number + 1)


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["UPDATE audit SET user_id = 'another' WHERE number = 2"], "Row 2 is not what was written"),
        (["UPDATE audit SET details = '{}' WHERE number = 3"], "Row 3 is not what was written"),
        (["DELETE FROM audit WHERE number = 2"], "Row 2 is missing"),
        (["DELETE FROM audit WHERE number = 1"], "Row 1 is missing"),
        (
            [f"UPDATE audit SET number = {number} WHERE number = {old}" for old, number in ((2, -1), (3, 2), (-1, 3))],
            "Row 2 is not what was written, or not where",
        ),
        (
            [
                "DROP INDEX audit_number_unique",
                "INSERT INTO audit (created_at, kind, details, number, hash)"
                " SELECT created_at, kind, details, number, hash FROM audit WHERE number = 2",
            ],
            "Row 2 is there twice",
        ),
    ],
)
async def test_what_was_changed_taken_away_swapped_or_doubled_is_named(
    shop: Harness, statements: list[str], fault: str
) -> None:
    await login(shop)
    await planted(shop, *statements)
    assert fault in str((await read(shop)).fault)


async def test_an_end_that_was_cut_off_and_a_chain_written_anew_show_by_the_hash_that_was_kept(shop: Harness) -> None:
    await login(shop)
    await shop.settle()
    kept = await read(shop)
    await planted(shop, f"DELETE FROM audit WHERE number = {kept.number}")
    assert (await read(shop)).fault is None
    assert "missing at the end" in str((await read(shop, (kept.number, kept.hash))).fault)
    await login(shop)
    await shop.settle()
    assert "written anew" in str((await read(shop, (kept.number, kept.hash))).fault)


@pytest.mark.parametrize("statement", ["UPDATE audit SET kind = 'logout'", "DELETE FROM audit"])
async def test_a_numbered_row_is_neither_changed_nor_deleted_by_the_service(shop: Harness, statement: str) -> None:
    await shop.settle()
    with pytest.raises(asyncpg.RaiseError, match="only ever added to"):
        await shop.service.database.pool.execute(statement)
