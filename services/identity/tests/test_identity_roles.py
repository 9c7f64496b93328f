"""Roles that administrators define: what they allow, who may give them, and how soon a change counts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from chassis.context import Context
from chassis.fixtures import Harness
from identity import rights, roles, sessions
from identity.domain import ADMINISTERS
from identity.seed import DEMO_PASSWORD
from plans import rows_read_by
from signing_in import NOBODY, bearer, bearing, create, demo, login, refresh, works
from soko_contracts.identity import UserRegistered, UserRoleChanged
from soko_contracts.rights import PRESETS, RIGHTS

PACKER = {"name": "packer", "description": "Packs and ships", "rights": ["orders:read", "orders:fulfil"]}
ROLES = "/api/v1/roles"
HOLDERS = """
INSERT INTO users (id, username, phone_verified, password_hash, first_name, last_name, language, role, active, verified,
                   version, sequence, created_at, updated_at)
SELECT $1 || n, $1 || n, false, '', '', '', 'en', $1, true, true, 1, 1, now(), now() FROM generate_series(1, 10000) AS n
"""


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def ask(shop: Harness, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """Somebody who logs in for it."""
    return await shop.client.request(method, path, json=body, headers=await bearer(shop, who) | headers)


async def define(shop: Harness, name: str = "packer", *rights: str, who: str = "admin") -> httpx.Response:
    return await ask(shop, who, "POST", ROLES, PACKER | {"name": name, "rights": list(rights or PACKER["rights"])})


async def redefine(shop: Harness, name: str, *rights: str, who: str = "admin") -> httpx.Response:
    return await ask(shop, who, "PATCH", f"{ROLES}/{name}", {"rights": list(rights)})


async def somebody(shop: Harness, role: str, name: str = "pat") -> str:
    """A new account with this role: its id."""
    made = await create(shop, email=f"{name}@soko.example", password=DEMO_PASSWORD, role=role)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def give(shop: Harness, user_id: str, role: str, who: str = "admin") -> httpx.Response:
    return await ask(shop, who, "PATCH", f"/api/v1/users/{user_id}", {"role": role})


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def test_a_role_is_defined_shown_changed_and_deleted(shop: Harness) -> None:
    made = await define(shop)
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (201, f"{ROLES}/packer", '"1"')
    assert {key: made.json()[key] for key in ("name", "rights", "preset")} == {
        "name": "packer",
        "rights": ["orders:fulfil", "orders:read"],
        "preset": False,
    }
    assert (await ask(shop, "staff", "GET", f"{ROLES}/packer")).json() == made.json()
    stale = await ask(shop, "admin", "PATCH", f"{ROLES}/packer", {"description": "x"}, **{"If-Match": '"9"'})
    assert stale.status_code == 412
    changed = await ask(shop, "admin", "PATCH", f"{ROLES}/packer", {"description": "Packs"})
    assert (changed.json()["description"], changed.json()["rights"]) == ("Packs", ["orders:fulfil", "orders:read"])
    assert changed.headers["etag"] == '"2"'
    listed = (await ask(shop, "staff", "GET", ROLES)).json()
    assert [each["name"] for each in listed["items"]] == ["customer", "staff", "admin", "packer"]
    assert (await ask(shop, "admin", "DELETE", f"{ROLES}/packer")).status_code == 204
    assert (await ask(shop, "admin", "GET", f"{ROLES}/packer")).status_code == 404


async def test_rights_are_listed_with_what_they_allow(shop: Harness) -> None:
    listed = (await ask(shop, "staff", "GET", "/api/v1/rights?limit=100")).json()
    assert {each["name"]: each["allows"] for each in listed["items"]} == RIGHTS
    page = (await ask(shop, "staff", "GET", "/api/v1/rights?page=2&page_size=5")).json()
    assert ([each["name"] for each in page["items"]], page["total"]) == (list(RIGHTS)[5:10], len(RIGHTS))


async def test_staff_read_roles_and_customers_do_not(shop: Harness) -> None:
    for who, read in (("staff", 200), ("customer", 403)):
        for path in (ROLES, f"{ROLES}/admin", "/api/v1/rights"):
            assert (await ask(shop, who, "GET", path)).status_code == read
        assert (await define(shop, who=who)).status_code == 403
        assert (await redefine(shop, "packer", who=who)).status_code == 403
        assert (await ask(shop, who, "DELETE", f"{ROLES}/packer")).status_code == 403


@pytest.mark.parametrize("name", PRESETS)
async def test_a_preset_is_shown_and_stays_as_it_is(shop: Harness, name: str) -> None:
    shown = (await ask(shop, "admin", "GET", f"{ROLES}/{name}")).json()
    assert (shown["preset"], shown["rights"]) == (True, sorted(PRESETS[name]))
    assert told(await redefine(shop, name, "orders:read")) == (409, "/problems/preset-role")
    assert told(await ask(shop, "admin", "DELETE", f"{ROLES}/{name}")) == (409, "/problems/preset-role")
    refused = await define(shop, name)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/name")


async def test_a_broken_role_names_the_field(shop: Harness) -> None:
    headers = await bearer(shop, "admin")
    broken: list[tuple[dict[str, Any], str]] = [
        ({"name": "P"}, "/name"),
        ({"name": "9packer"}, "/name"),
        ({"name": "a" * 33}, "/name"),
        ({"rights": ["orders:read", "orders:burn"]}, "/rights/1"),
        ({"rights": "orders:read"}, "/rights"),
        ({"rights": None}, "/rights"),
        ({"description": "a\nb"}, "/description"),
        ({"preset": True}, "/preset"),
    ]
    for changes, pointer in broken:
        answer = await shop.client.post(ROLES, json=PACKER | changes, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), changes
    assert (await define(shop)).status_code == 201
    again = await define(shop)
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (422, "/name")


async def test_the_same_idempotency_key_makes_one_role(shop: Harness) -> None:
    headers = await bearer(shop, "admin") | {"Idempotency-Key": "once"}
    first = await shop.client.post(ROLES, json=PACKER, headers=headers)
    again = await shop.client.post(ROLES, json=PACKER, headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"], again.json()) == (201, "true", first.json())


async def test_of_many_who_define_one_role_at_once_one_does(shop: Harness) -> None:
    headers = await bearer(shop, "admin")
    answers = await asyncio.gather(*(shop.client.post(ROLES, json=PACKER, headers=headers) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422, 422]


async def test_a_shop_has_a_hundred_roles_of_its_own_at_most(shop: Harness) -> None:
    row = "INSERT INTO roles SELECT 'r' || n, '', '{}', 1, now(), now() FROM generate_series(1, 100) AS n"
    await shop.service.database.pool.execute(row)
    assert told(await define(shop)) == (409, "/problems/too-many-roles")


async def test_whoever_has_a_role_may_what_it_allows_and_events_name_it(shop: Harness) -> None:
    await define(shop, "keeper", "users:read", "audit:read")
    user_id = await somebody(shop, "keeper")
    tokens = await login(shop, "pat")
    assert (tokens["scope"], tokens["user"]["role"]) == ("audit:read users:read", "keeper")
    for path, status in (("/api/v1/users", 200), ("/api/v1/audit", 200), (f"/api/v1/users/{NOBODY}/mfa", 403)):
        method = "DELETE" if path.endswith("mfa") else "GET"
        assert (await shop.client.request(method, path, headers=bearing(tokens))).status_code == status
    assert (await refresh(shop, tokens["refresh_token"])).json()["scope"] == "audit:read users:read"
    shown = (await ask(shop, "admin", "GET", "/api/v1/users?role=keeper")).json()
    assert [each["id"] for each in shown["items"]] == [user_id]
    assert (await give(shop, user_id, "customer")).status_code == 200
    await shop.settle()
    assert shop.sent[0] == UserRegistered(user_id=user_id, role="keeper", active=True)
    assert shop.sent[-1] == UserRoleChanged(user_id=user_id, role="customer", active=True, old_role="keeper")


async def test_a_role_that_is_not_there_is_422_and_names_the_field(shop: Harness) -> None:
    user_id = (await login(shop))["user"]["id"]
    for answer in (await create(shop, role="packer"), await give(shop, user_id, "packer")):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/role")
    assert (await ask(shop, "admin", "GET", "/api/v1/users?role=packer")).json()["items"] == []


async def test_other_rights_stop_the_old_tokens_and_come_with_the_next_refresh(shop: Harness) -> None:
    await define(shop, "keeper", "users:read")
    await somebody(shop, "keeper")
    phone, laptop, other = await login(shop, "pat"), await login(shop, "pat"), await login(shop, "staff")
    assert (await redefine(shop, "keeper", "audit:read")).status_code == 200
    assert not await works(shop, phone)
    assert not await works(shop, laptop)
    assert await works(shop, other)
    for tokens in (phone, laptop):
        fresh = (await refresh(shop, tokens["refresh_token"])).json()
        assert fresh["scope"] == "audit:read"
        assert (await shop.client.get("/api/v1/audit", headers=bearing(fresh))).status_code == 200
        assert (await shop.client.get("/api/v1/users", headers=bearing(fresh))).status_code == 403


async def test_another_description_or_the_same_rights_stop_no_token(shop: Harness) -> None:
    await define(shop)
    await somebody(shop, "packer")
    tokens = await login(shop, "pat")
    await ask(shop, "admin", "PATCH", f"{ROLES}/packer", {"description": "Packs"})
    await redefine(shop, "packer", *reversed(PACKER["rights"]))
    assert await works(shop, tokens)


async def test_a_login_or_refresh_that_races_with_other_rights_gives_no_token_with_the_old_ones(shop: Harness) -> None:
    """Whoever is first, no token that still counts afterwards says what the role allowed before."""
    await define(shop, "keeper", "users:read")
    await somebody(shop, "keeper")
    sessions = [await login(shop, "pat") for _ in range(3)]
    admin = await bearer(shop, "admin")
    body = {"email": "pat@soko.example", "password": DEMO_PASSWORD}
    for allowed in (["audit:read"], ["users:read"], ["audit:read"]):
        *answers, changed = await asyncio.gather(
            *(shop.client.post("/api/v1/auth/login", json=body) for _ in range(3)),
            *(refresh(shop, tokens["refresh_token"]) for tokens in sessions),
            shop.client.patch(f"{ROLES}/keeper", json={"rights": allowed}, headers=admin),
        )
        assert changed.status_code == 200
        sessions = [answer.json() for answer in answers]
        for tokens in sessions:
            assert tokens["scope"] == allowed[0] or not await works(shop, tokens)


async def test_a_login_waits_for_a_change_of_its_role_that_is_under_way(shop: Harness) -> None:
    service: Any = shop.service
    await define(shop, "keeper", "users:read")
    await somebody(shop, "keeper")
    earlier, admin = await login(shop, "pat"), await login(shop, "admin")
    by = await service.authentication.caller(admin["access_token"], None)
    async with service.unit(Context("r", "r", "r")) as unit:
        before = await roles.locked(unit, "keeper")
        assert before is not None
        await roles.change(service, unit, before, description=None, allowed=["audit:read"], by=by)
        waiting: list[asyncio.Task[Any]] = [
            asyncio.create_task(login(shop, "pat")),
            asyncio.create_task(refresh(shop, earlier["refresh_token"])),
        ]
        for count in range(1, 3):
            await locks_waited_for(shop, count, waiting)
    first, second = await waiting[0], (await waiting[1]).json()
    assert [tokens["scope"] for tokens in (first, second)] == ["audit:read"] * 2
    assert await works(shop, first)
    assert await works(shop, second)


async def locks_waited_for(shop: Harness, count: int, tasks: list[Any]) -> None:
    """Return once so many wait in the database for another transaction; fail when one is done before."""
    while await shop.service.database.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < count:
        assert not any(task.done() for task in tasks)


async def test_ten_thousand_who_have_a_role_get_its_new_rights_in_one_go(shop: Harness) -> None:
    await define(shop, "keeper", "users:read")
    pool = shop.service.database.pool
    await pool.execute(HOLDERS, "keeper")
    for table, values in (
        ("sessions", "'s' || n, 'keeper' || n, '', '', now(), now(), now()"),
        ("refresh_tokens", "'t' || n, 's' || n, now(), now()"),
    ):
        await pool.execute(f"INSERT INTO {table} SELECT {values} FROM generate_series(1, 10000) AS n")
    assert (await redefine(shop, "keeper", "audit:read")).status_code == 200
    await shop.service.revocations.poll_once()
    assert await pool.fetchval("SELECT count(*) FROM revocations WHERE session_id LIKE 's%'") == 10_000
    assert await pool.fetchval("SELECT count(*) FROM sessions WHERE id LIKE 's%'") == 0
    assert await pool.fetchval("SELECT count(*) FROM refresh_tokens WHERE hash LIKE 't%'") == 10_000


async def test_nobody_gives_a_right_that_they_do_not_have(shop: Harness) -> None:
    """Not in a role, not by a role, not by opening an account again; what they have they give."""
    await define(shop, "manager", "users:read", "users:write")
    await define(shop, "payer", "payments:read")
    await somebody(shop, "manager", "mo")
    target = await somebody(shop, "customer", "pat")
    closed = await somebody(shop, "payer", "paul")
    await ask(shop, "admin", "PATCH", f"/api/v1/users/{closed}", {"active": False})
    new = {"email": "new@soko.example", "password": DEMO_PASSWORD}
    for answer in (
        await define(shop, "other", "users:read", "payments:read", who="mo"),
        await redefine(shop, "manager", "users:read", "users:write", "payments:read", who="mo"),
        await give(shop, target, "payer", who="mo"),
        await give(shop, target, "admin", who="mo"),
        await ask(shop, "mo", "POST", "/api/v1/users", new | {"role": "payer"}),
        await ask(shop, "mo", "PATCH", f"/api/v1/users/{closed}", {"active": True}),
    ):
        assert told(answer) == (403, "/problems/right-not-yours")
        assert "payments:read" in answer.json()["detail"]
    assert (await define(shop, "reader", "users:read", who="mo")).status_code == 201
    assert (await give(shop, target, "reader", who="mo")).status_code == 200
    assert (await redefine(shop, "payer", who="mo")).status_code == 200
    assert (await give(shop, target, "customer", who="mo")).status_code == 200


async def test_a_role_that_accounts_have_is_deleted_once_they_have_another(shop: Harness) -> None:
    await define(shop)
    pat, erased = await somebody(shop, "packer"), await login(shop, "pat")
    await somebody(shop, "packer", "sue")
    in_use = await ask(shop, "admin", "DELETE", f"{ROLES}/packer")
    assert told(in_use) == (409, "/problems/role-in-use")
    assert in_use.json()["detail"] == "Accounts that have it: 2."
    password = {"password": DEMO_PASSWORD}
    gone = await shop.client.request("DELETE", "/api/v1/users/me", json=password, headers=bearing(erased))
    assert gone.status_code == 204
    sue = (await login(shop, "sue"))["user"]["id"]
    await give(shop, sue, "staff")
    assert (await ask(shop, "admin", "DELETE", f"{ROLES}/packer")).status_code == 204
    assert (await give(shop, sue, "packer")).status_code == 422
    assert (await ask(shop, "admin", "GET", f"/api/v1/users/{pat}")).json()["role"] == "customer"


async def test_a_role_that_is_given_and_deleted_at_once_is_there_or_not_given(shop: Harness) -> None:
    user_id, admin = (await login(shop))["user"]["id"], await bearer(shop, "admin")
    for _ in range(4):
        await define(shop)
        given, deleted = await asyncio.gather(
            shop.client.patch(f"/api/v1/users/{user_id}", json={"role": "packer"}, headers=admin),
            shop.client.delete(f"{ROLES}/packer", headers=admin),
        )
        assert (given.status_code, deleted.status_code) in ((200, 409), (422, 204))
        await give(shop, user_id, "customer")
        await ask(shop, "admin", "DELETE", f"{ROLES}/packer")


async def test_who_administers_by_a_defined_role_counts_as_an_administrator(shop: Harness) -> None:
    await define(shop, "keeper", "users:read", "users:write")
    keeper = await somebody(shop, "keeper")
    admin = (await login(shop, "admin"))["user"]["id"]
    assert (await give(shop, admin, "customer")).status_code == 200
    assert told(await give(shop, keeper, "customer", who="pat")) == (409, "/problems/last-admin")
    assert told(await redefine(shop, "keeper", "users:read", who="pat")) == (409, "/problems/last-admin")
    body = {"password": DEMO_PASSWORD}
    erased = await shop.client.request("DELETE", "/api/v1/users/me", json=body, headers=await bearer(shop, "pat"))
    assert told(erased) == (409, "/problems/last-admin")
    assert (await redefine(shop, "keeper", "users:write", who="pat")).status_code == 200


async def test_a_role_loses_users_write_while_somebody_else_administers(shop: Harness) -> None:
    await define(shop, "keeper", "users:read", "users:write")
    await somebody(shop, "keeper")
    assert (await redefine(shop, "keeper", "users:read")).status_code == 200
    admin = (await login(shop, "admin"))["user"]["id"]
    assert told(await give(shop, admin, "customer")) == (409, "/problems/last-admin")


async def test_a_role_and_the_last_administrator_beside_it_do_not_go_at_once(shop: Harness) -> None:
    """Each looks fine while the other is there."""
    await define(shop, "keeper", "users:read", "users:write")
    await somebody(shop, "keeper")
    admin = await login(shop, "admin")
    for _ in range(4):
        answers = await asyncio.gather(
            shop.client.patch(f"{ROLES}/keeper", json={"rights": ["users:read"]}, headers=bearing(admin)),
            shop.client.patch(
                f"/api/v1/users/{admin['user']['id']}", json={"role": "customer"}, headers=await bearer(shop, "pat")
            ),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        await shop.service.database.pool.execute("UPDATE users SET role = 'admin' WHERE email = 'admin@soko.example'")
        admin = await login(shop, "admin")
        await redefine(shop, "keeper", "users:read", "users:write")


async def test_a_right_that_a_later_version_has_no_more_keeps_nobody_out(shop: Harness) -> None:
    await define(shop, "keeper", "users:read")
    await somebody(shop, "keeper")
    pool = shop.service.database.pool
    await pool.execute("UPDATE roles SET rights = ARRAY['fax:send', 'users:read'] WHERE name = 'keeper'")
    tokens = await login(shop, "pat")
    assert tokens["scope"] == "users:read"
    assert (await refresh(shop, tokens["refresh_token"])).json()["scope"] == "users:read"
    assert (await ask(shop, "admin", "GET", f"{ROLES}/keeper")).json()["rights"] == ["users:read"]
    assert (await redefine(shop, "keeper", "users:read", "audit:read")).status_code == 200
    assert await pool.fetchval("SELECT rights FROM roles") == ["audit:read", "users:read"]


async def test_what_becomes_of_roles_is_recorded_with_who_did_it(shop: Harness) -> None:
    await define(shop)
    await redefine(shop, "packer", "orders:read", "users:read")
    await ask(shop, "admin", "DELETE", f"{ROLES}/packer")
    admin = await login(shop, "admin")
    query = {"kind": ["role_defined", "role_redefined", "role_deleted"]}
    found = (await shop.client.get("/api/v1/audit", params=query, headers=bearing(admin))).json()["items"]
    assert [(each["kind"], each["details"]) for each in reversed(found)] == [
        ("role_defined", {"role": "packer", "rights": ["orders:fulfil", "orders:read"]}),
        ("role_redefined", {"role": "packer", "added": ["users:read"], "removed": ["orders:fulfil"]}),
        ("role_deleted", {"role": "packer"}),
    ]
    assert {(each["user_id"], each["by_id"]) for each in found} == {(None, admin["user"]["id"])}


async def test_a_role_that_is_not_there_is_404(shop: Harness) -> None:
    for method, body in (("GET", None), ("PATCH", {"rights": []}), ("DELETE", None)):
        assert (await ask(shop, "admin", method, f"{ROLES}/packer", body)).status_code == 404


async def test_no_statement_about_roles_looks_at_the_customers(shop: Harness) -> None:
    """Of whom there are 10,000, and four others; six times, since then a plan is kept for whatever comes."""
    pool = shop.service.database.pool
    await pool.execute(HOLDERS, "customer")
    await define(shop, "keeper", "users:read", "users:write")
    await somebody(shop, "keeper")
    await login(shop, "pat")
    await pool.execute("ANALYZE")
    presets, right = rights.ADMIN_PRESETS, ADMINISTERS
    for _ in range(6):
        assert await rows_read_by(shop, roles.HAVING, role="keeper") < 20
        assert await rows_read_by(shop, sessions.OF_ROLE, role="keeper") < 20
        assert await rows_read_by(shop, rights.ADMINS, user="", role="keeper", presets=presets, right=right) < 20
