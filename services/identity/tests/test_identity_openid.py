"""The OpenID provider, from discovery to the end of a token, by a client library that is not ours."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from browsing import Visitor
from chassis.fixtures import Harness, until
from identity.seed import DEMO_PASSWORD
from relying import CALLBACK, Application, application, at
from signing_in import bearer, bearing, demo, login

ISSUER = "https://shop.example"
CUSTOMER = "customer@soko.example"
STAFF = "staff@soko.example"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running, public_url=ISSUER) as harness:
        yield harness


@pytest.fixture
async def visitor(shop: Harness) -> AsyncIterator[Visitor]:
    async with at(shop.service.app, ISSUER) as client:
        yield Visitor(client)


@pytest.fixture
async def club(shop: Harness) -> AsyncIterator[Application]:
    async with application(shop) as found:
        yield found


async def logged_in(visitor: Visitor, club: Application, scope: str = "openid email", who: str = CUSTOMER) -> Visitor:
    """Back at the application, with a code."""
    await visitor.open(club.begin(scope))
    await visitor.log_in(who, DEMO_PASSWORD)
    return await visitor.allow()


async def kinds(shop: Harness) -> list[str]:
    """Of security events, the newest first."""
    rows = await shop.service.database.pool.fetch("SELECT kind FROM audit ORDER BY arrival DESC LIMIT 5")
    return [row["kind"] for row in rows]


async def test_a_person_logs_in_consents_and_the_application_knows_who_it_is(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    await visitor.open(club.begin("openid profile email offline_access"))
    assert "to go on to <b>Kettle Club</b>" in visitor.page.text
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    assert "Kettle Club wants to" in visitor.page.text
    assert "See your e-mail address" in visitor.page.text
    assert f"You are {CUSTOMER}" in visitor.page.text
    await visitor.allow()
    assert visitor.sent_to
    assert visitor.sent_to.startswith(f"{CALLBACK}?")
    assert (visitor.said["state"], visitor.said["iss"]) == ("s-1", ISSUER)
    given = await club.tokens(visitor)
    me = (await login(shop))["user"]
    claims = await club.who(given["id_token"])
    assert (claims["sub"], claims["aud"], claims["iss"]) == (me["id"], club.client_id, ISSUER)
    said = (await club.oauth.get(club.metadata["userinfo_endpoint"])).json()
    assert said["sub"] == me["id"]
    assert (said["email"], said["email_verified"], said["given_name"]) == (CUSTOMER, True, "Amina")
    assert "phone_number" not in said
    assert given["scope"] == "email offline_access openid profile"
    assert "consent_given" in await kinds(shop)


async def test_a_public_client_does_the_same_without_a_secret(shop: Harness, visitor: Visitor) -> None:
    async with application(shop, "openid", kind="public") as app:
        await logged_in(visitor, app, "openid")
        assert (await app.who((await app.tokens(visitor))["id_token"]))["aud"] == app.client_id


async def test_refresh_tokens_rotate_and_one_used_twice_ends_all_that_it_gave(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    first = await club.tokens(await logged_in(visitor, club, "openid email offline_access"))
    second = await club.oauth.refresh_token(club.metadata["token_endpoint"])
    assert second["refresh_token"] != first["refresh_token"]
    assert (await club.introspect(second["access_token"]))["active"]
    again = await club.refresh(first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await club.refresh(second["refresh_token"])).status_code == 400
    assert await club.introspect(second["access_token"]) == {"active": False}
    await shop.settle()
    assert "session_reused" in [each.kind for each in shop.sent]


async def test_without_offline_access_there_is_no_refresh_token(visitor: Visitor, club: Application) -> None:
    assert "refresh_token" not in await club.tokens(await logged_in(visitor, club))


async def test_a_scope_may_be_asked_for_narrower_and_never_wider(visitor: Visitor, club: Application) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid email offline_access"))
    narrow = await club.refresh(given["refresh_token"], scope="openid")
    assert (narrow.status_code, narrow.json()["scope"]) == (200, "openid")
    wide = await club.refresh(narrow.json()["refresh_token"], scope="openid account")
    assert (wide.status_code, wide.json()["error"]) == (400, "invalid_scope")
    whole = await club.refresh(narrow.json()["refresh_token"])
    assert whole.json()["scope"] == "email offline_access openid"


async def test_a_revoked_token_takes_with_it_what_belongs_to_it(visitor: Visitor, club: Application) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid offline_access"))
    said = await club.introspect(given["access_token"])
    assert (said["active"], said["client_id"], said["scope"]) == (True, club.client_id, "offline_access openid")
    assert (await club.introspect(given["refresh_token"]))["active"]
    answer = await club.oauth.revoke_token(club.metadata["revocation_endpoint"], token=given["refresh_token"])
    assert answer.status_code == 200
    for token in (given["access_token"], given["refresh_token"], "never given"):
        assert await club.introspect(token) == {"active": False}
    userinfo = await club.http.get("/oauth2/userinfo", headers=bearing(given))
    assert (userinfo.status_code, "invalid_token" in userinfo.headers["www-authenticate"]) == (401, True)


async def test_nobody_else_is_told_of_a_token_or_ends_it(shop: Harness, visitor: Visitor, club: Application) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid offline_access"))
    async with application(shop) as other:
        for token in (given["access_token"], given["refresh_token"]):
            assert await other.introspect(token) == {"active": False}
            proof = (other.client_id, str(other.secret))
            refused = await other.http.post("/oauth2/revoke", data={"token": token}, auth=proof)
            assert refused.json()["error"] == "invalid_grant"
        assert (await other.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await club.introspect(given["refresh_token"]))["active"]


async def test_a_code_is_taken_once_and_the_second_time_ends_what_it_gave(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    await logged_in(visitor, club, "openid offline_access")
    first = await club.take(visitor.said["code"])
    assert first.status_code == 200
    second = await club.take(visitor.said["code"])
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert await club.introspect(first.json()["access_token"]) == {"active": False}
    assert (await club.refresh(first.json()["refresh_token"])).status_code == 400
    assert (await kinds(shop))[0] == "code_reused"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": f"{CALLBACK}/"}, "invalid_grant"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_worth_nothing_to_who_does_not_know_all_that_belongs_to_it(
    visitor: Visitor, club: Application, changed: dict[str, str], error: str
) -> None:
    await logged_in(visitor, club)
    answer = await club.take(visitor.said["code"], **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["cache-control"] == "no-store"
    assert (await club.take(visitor.said["code"])).status_code == 200


async def test_a_code_is_worth_nothing_to_another_client(shop: Harness, visitor: Visitor, club: Application) -> None:
    await logged_in(visitor, club)
    async with application(shop) as other:
        assert (await other.take(visitor.said["code"])).json()["error"] == "invalid_grant"
    assert (await club.take(visitor.said["code"])).status_code == 200


async def test_a_code_runs_out_after_a_minute(shop: Harness, visitor: Visitor, club: Application) -> None:
    await logged_in(visitor, club)
    shop.clock.advance(timedelta(seconds=60))
    assert (await club.take(visitor.said["code"])).json()["error"] == "invalid_grant"


async def test_two_who_take_one_code_at_once_get_tokens_once_and_those_end(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    await logged_in(visitor, club, "openid offline_access")
    pool = shop.service.database.pool

    async def both_wait() -> bool:
        return bool(await pool.fetchval(WAITING) == 2)

    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT 1 FROM authorization_codes FOR UPDATE")
        taking = [asyncio.create_task(club.take(visitor.said["code"])) for _ in range(2)]
        await until(both_wait)
        await transaction.rollback()
    answers = await asyncio.gather(*taking)
    assert sorted(each.status_code for each in answers) == [200, 400]
    (got,) = (each.json() for each in answers if each.status_code == 200)
    assert await club.introspect(got["access_token"]) == {"active": False}


async def test_a_client_without_its_secret_is_refused_and_held_back_after_a_while(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    await logged_in(visitor, club)
    form = {"grant_type": "authorization_code", "code": visitor.said["code"], "redirect_uri": CALLBACK}
    for proof in ((club.client_id, "guessed"), ("nobody", "guessed")):
        answer = await club.http.post("/oauth2/token", data=form, auth=proof)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic")
    for other in (
        {**form, "client_id": club.client_id},
        {**form, "client_id": club.client_id, "client_secret": "x"},
        form,
    ):
        assert (await club.http.post("/oauth2/token", data=other)).json()["error"] == "invalid_client"
    assert "client_refused" in await kinds(shop)
    for path in ("introspect", "revoke"):
        answer = await club.http.post(f"/oauth2/{path}", data={"token": "t", "client_id": club.client_id})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    for _ in range(60):
        answer = await club.http.post("/oauth2/token", data=form, auth=(club.client_id, "guessed"))
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)


async def test_the_secret_is_taken_from_the_body_too(shop: Harness) -> None:
    async with application(shop, "orders:read", kind="machine") as erp:
        form = {"grant_type": "client_credentials", "client_id": erp.client_id, "client_secret": erp.secret}
        assert (await erp.http.post("/oauth2/token", data=form)).status_code == 200


async def test_a_machine_has_the_rights_that_it_was_registered_with(shop: Harness) -> None:
    async with application(shop, "orders:read", "events:read", kind="machine") as erp:
        given = await erp.oauth.fetch_token(erp.metadata["token_endpoint"], grant_type="client_credentials")
        assert (given["scope"], "refresh_token" in given) == ("events:read orders:read", False)
        narrow = await erp.ask(grant_type="client_credentials", scope="orders:read")
        assert narrow.json()["scope"] == "orders:read"
        wide = await erp.ask(grant_type="client_credentials", scope="payments:read")
        assert (wide.status_code, wide.json()["error"]) == (400, "invalid_scope")
        assert (await erp.take("code")).json()["error"] == "unauthorized_client"
        other = (await erp.ask(grant_type="client_credentials")).json()
        await erp.oauth.revoke_token(erp.metadata["revocation_endpoint"], token=given["access_token"])
        assert await erp.introspect(given["access_token"]) == {"active": False}
        assert (await erp.introspect(other["access_token"]))["active"]


async def test_what_people_cannot_do_they_cannot_let_others_do(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid account orders:read"))
    assert given["scope"] == "account openid"
    await visitor.open(club.begin("orders:read"))
    assert visitor.said["error"] == "access_denied"


async def test_a_right_that_was_lent_ends_with_the_role(shop: Harness, visitor: Visitor, club: Application) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid orders:read offline_access", STAFF))
    assert "orders:read" in given["scope"]
    admin, me = await bearer(shop, "admin"), await login(shop, "staff")
    path = f"/api/v1/users/{me['user']['id']}"
    assert (await shop.client.patch(path, json={"role": "customer"}, headers=admin)).status_code == 200
    assert await club.introspect(given["access_token"]) == {"active": False}
    assert (await club.refresh(given["refresh_token"])).json()["scope"] == "offline_access openid"


@pytest.mark.parametrize("scope", ["openid email", "openid account orders:read offline_access"])
async def test_no_client_reaches_what_decides_over_the_account(
    shop: Harness, visitor: Visitor, club: Application, scope: str
) -> None:
    given = await club.tokens(await logged_in(visitor, club, scope, STAFF))
    refused = 403 if "account" in scope else 401
    for method, path in (
        ("GET", "/users/me"),
        ("PATCH", "/users/me"),
        ("DELETE", "/users/me"),
        ("GET", "/users/me/sessions"),
        ("DELETE", "/users/me/sessions"),
        ("GET", "/users/me/consents"),
        ("POST", "/auth/password/change"),
        ("GET", "/clients"),
        ("GET", "/users"),
        ("GET", "/audit"),
    ):
        answer = await shop.client.request(method, f"/api/v1{path}", json={}, headers=bearing(given))
        assert answer.status_code == refused, f"{method} {path}: {answer.text}"
    for path in ("/auth/logout", "/auth/token/verify"):
        answer = await shop.client.post(f"/api/v1{path}", json={"token": given["access_token"]}, headers=bearing(given))
        assert answer.status_code in (401, 422)
    addresses = await shop.client.get("/api/v1/users/me/addresses", headers=bearing(given))
    assert addresses.status_code == (200 if "account" in scope else 401)


async def test_a_clients_refresh_token_is_none_for_logging_in(
    visitor: Visitor, shop: Harness, club: Application
) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid offline_access"))
    answer = await shop.client.post("/api/v1/auth/refresh", json={"refresh_token": given["refresh_token"]})
    assert answer.status_code == 401
    visitor.client.cookies.set("__Host-soko_login", given["refresh_token"], domain="shop.example", path="/")
    await visitor.open(club.begin("openid"))
    assert "Password" in visitor.page.text
    own = await login(shop)
    assert (await club.refresh(own["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await club.refresh(given["refresh_token"])).status_code == 200


async def test_consent_is_remembered_and_asked_for_what_is_new(visitor: Visitor, club: Application) -> None:
    await logged_in(visitor, club, "openid email")
    await visitor.open(club.begin("openid"))
    assert "code" in visitor.said
    await visitor.open(club.begin("openid email profile"))
    assert "See your name" in visitor.page.text
    await visitor.allow()
    await visitor.open(club.begin("openid profile email"))
    assert "code" in visitor.said
    await visitor.open(club.begin("openid", prompt="consent"))
    assert "Kettle Club wants to" in visitor.page.text
    await visitor.fill_in(decision="deny")
    assert (visitor.said["error"], visitor.said["state"]) == ("access_denied", "s-1")


async def test_owners_see_whom_they_let_in_and_take_it_back(shop: Harness, visitor: Visitor, club: Application) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid offline_access"))
    me = await bearer(shop)
    sessions = (await shop.client.get("/api/v1/users/me/sessions", headers=me)).json()["items"]
    (its,) = [each for each in sessions if each["client_id"] == club.client_id]
    assert its["device"] == "Kettle Club"
    (consent,) = (await shop.client.get("/api/v1/users/me/consents", headers=me)).json()["items"]
    assert (consent["name"], consent["scopes"]) == ("Kettle Club", ["offline_access", "openid"])
    path = f"/api/v1/users/me/consents/{club.client_id}"
    assert (await shop.client.delete(path, headers=await bearer(shop, "staff"))).status_code == 404
    assert (await shop.client.delete(path, headers=me)).status_code == 204
    assert await club.introspect(given["access_token"]) == {"active": False}
    assert (await club.refresh(given["refresh_token"])).status_code == 400
    assert "consent_withdrawn" in await kinds(shop)
    await visitor.open(club.begin("openid"))
    assert "Kettle Club wants to" in visitor.page.text


async def test_a_logout_everywhere_ends_what_clients_have(shop: Harness, visitor: Visitor, club: Application) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid offline_access"))
    code = (await visitor.open(club.begin("openid"))).said["code"]
    assert (await shop.client.delete("/api/v1/users/me/sessions", headers=await bearer(shop))).status_code == 204
    assert await club.introspect(given["access_token"]) == {"active": False}
    assert (await club.refresh(given["refresh_token"])).status_code == 400
    assert (await club.take(code)).json()["error"] == "invalid_grant"
    await visitor.open(club.begin("openid"))
    assert "Log in" in visitor.page.text


async def test_an_erased_account_leaves_clients_nothing(shop: Harness, visitor: Visitor, club: Application) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid offline_access"))
    gone = await shop.client.request(
        "DELETE", "/api/v1/users/me", json={"password": DEMO_PASSWORD}, headers=await bearer(shop)
    )
    assert gone.status_code == 204, gone.text
    assert await club.introspect(given["access_token"]) == {"active": False}
    assert (await club.refresh(given["refresh_token"])).status_code == 400
    for table in ("consents", "authorization_codes"):
        assert await shop.service.database.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_deleted_client_has_nothing_any_more(shop: Harness, visitor: Visitor, club: Application) -> None:
    given = await club.tokens(await logged_in(visitor, club, "openid account offline_access"))
    admin = await bearer(shop, "admin")
    path = f"/api/v1/clients/{club.client_id}"
    assert (await shop.client.delete(path, headers=admin)).status_code == 204
    await shop.service.revocations.poll_once()
    answer = await shop.client.get("/api/v1/users/me/addresses", headers=bearing(given))
    assert answer.status_code == 401
    assert (await club.refresh(given["refresh_token"])).status_code == 401
    await visitor.open(club.begin("openid"))
    assert (visitor.page.status_code, visitor.sent_to) == (400, None)
    assert (await shop.client.get(path, headers=admin)).status_code == 404
