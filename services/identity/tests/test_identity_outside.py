"""Logging in by way of an outside OpenID provider that keeps to the rules."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from chassis.fixtures import Harness
from identity.outside.configured import Configured
from letterbox import code_at, letters, post
from second_factor import enrolled
from signing_in import bearer, bearing, create, demo, works
from soko_contracts.identity import UserRegistered, UserVerified
from standin import CLIENT, StandIn, key, standing_in

AMINA = "amina@shop.example"
KNOWN = "customer@soko.example"
PATH = "/api/v1/auth/providers/standin"
SHOP = "https://shop.example"


@pytest.fixture
async def provider() -> AsyncIterator[StandIn]:
    async with standing_in() as found:
        yield found


@pytest.fixture
async def shop(running: Callable[..., Any], provider: StandIn) -> AsyncIterator[Harness]:
    configured = (Configured(**provider.settings(title="Stand-In")),)
    async with demo(running, public_url=SHOP, cors_origins="https://app.example", oidc_providers=configured) as harness:
        yield harness


async def begin(shop: Harness, return_to: str | None = None) -> httpx.Response:
    """The answer that leads to the provider."""
    return await shop.client.get(f"{PATH}/login", params={"return_to": return_to} if return_to else None)


def cookies(begun: httpx.Response) -> dict[str, str]:
    """Secure cookies do not go out over the tests' plain HTTP by themselves."""
    return {"Cookie": begun.headers["set-cookie"].partition(";")[0]}


async def login(shop: Harness, provider: StandIn, return_to: str | None = None, **changes: str) -> httpx.Response:
    """There and back."""
    begun = await begin(shop, return_to)
    brought = provider.agree(begun.headers["location"], **changes)
    return await shop.client.get(f"{PATH}/callback", params=brought, headers=cookies(begun))


async def test_a_shop_says_which_providers_it_knows(shop: Harness) -> None:
    answer = await shop.client.get("/api/v1/auth/providers")
    assert answer.json() == {"items": [{"name": "standin", "title": "Stand-In", "login_url": f"{PATH}/login"}]}


async def test_without_providers_there_is_none(running: Callable[..., Any]) -> None:
    async with demo(running) as shop:
        assert (await shop.client.get("/api/v1/auth/providers")).json() == {"items": []}
        for path in ("login", "callback?code=c&state=s"):
            assert (await shop.client.get(f"{PATH}/{path}")).status_code == 404


async def test_the_browser_is_sent_with_state_nonce_and_challenge(shop: Harness, provider: StandIn) -> None:
    answer = await begin(shop)
    assert (answer.status_code, answer.headers["cache-control"]) == (302, "no-store")
    there = urlsplit(answer.headers["location"])
    asked = parse_qs(there.query)
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{provider.issuer}/auth"
    assert (asked["client_id"], asked["response_type"]) == ([CLIENT], ["code"])
    assert asked["scope"] == ["openid email profile"]
    assert asked["redirect_uri"] == [f"{SHOP}{PATH}/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[name][0]) == 43 for name in ("state", "nonce", "code_challenge"))
    cookie = answer.headers["set-cookie"]
    for part in ("soko_outside=", "HttpOnly", "SameSite=lax", "Secure", f"Path={PATH}/callback", "Max-Age=600"):
        assert part in cookie


async def test_what_is_kept_of_a_login_opens_nothing(shop: Harness) -> None:
    begun = await begin(shop)
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    (row,) = await shop.service.database.pool.fetch("SELECT * FROM outside_logins")
    secrets = [asked[name][0] for name in ("state", "nonce", "code_challenge")] + [cookies(begun)["Cookie"][13:]]
    assert [each for each in secrets if each in str(row)] == []


async def test_somebody_new_gets_an_account_without_a_password(shop: Harness, provider: StandIn) -> None:
    answer = await login(shop, provider)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    user = told["user"]
    assert (user["email"], user["first_name"], user["last_name"]) == (AMINA, "Amina", "W.")
    assert (user["verified"], user["role"], user["phone"], user["language"]) == (True, "customer", None, "en")
    assert await works(shop, told)
    assert told["refresh_token"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    mails = await letters(shop, AMINA)
    assert [(each.kind, each.data) for each in mails] == [("welcome", {"first_name": "Amina"})]
    who = {"user_id": user["id"], "role": "customer", "active": True}
    assert [each for each in shop.sent if each not in mails] == [UserRegistered(**who), UserVerified(**who)]
    assert await audited(shop, user["id"]) == ["account_created", "provider_linked", "login_succeeded"]
    for password in ("", " ", "a long sentence"):
        assert (await post(shop, "login", {"email": AMINA, "password": password})).status_code in (401, 422)


async def test_the_same_somebody_comes_back_to_the_same_account(shop: Harness, provider: StandIn) -> None:
    first = (await login(shop, provider)).json()["user"]
    provider.person = {"email": "other@shop.example", "email_verified": False}
    second = (await login(shop, provider)).json()["user"]
    assert second == first
    assert await count(shop, "outside_identities") == 1


async def test_an_address_that_is_verified_on_both_sides_links_and_its_owner_is_told(
    shop: Harness, provider: StandIn
) -> None:
    provider.person["email"] = KNOWN.upper()
    user = (await login(shop, provider)).json()["user"]
    assert (user["email"], user["first_name"]) == (KNOWN, "Amina")
    (letter,) = await letters(shop, KNOWN)
    assert (letter.kind, letter.data) == ("provider_linked", {"provider": "Stand-In"})
    assert "provider_linked" in await audited(shop, user["id"])
    assert (await post(shop, "login", {"email": KNOWN, "password": "soko-demo-2026"})).status_code == 200
    events = "SELECT details->>'provider' FROM audit WHERE kind = 'login_succeeded' ORDER BY arrival"
    assert [value for (value,) in await shop.service.database.pool.fetch(events)] == ["standin", None]


async def test_no_provider_opens_an_account_that_needs_a_second_factor(shop: Harness, provider: StandIn) -> None:
    await enrolled(shop)
    provider.person["email"] = KNOWN
    for return_to, refused in ((None, 401), ("https://app.example/in", 303)):
        answer = await login(shop, provider, return_to)
        assert (answer.status_code, "soko_refresh" in str(answer.headers)) == (refused, False)
        told = answer.headers.get("location") or answer.text
        assert "second-factor-required" in told
    assert await shop.service.database.pool.fetchval("SELECT count(*) FROM sessions") == 1


async def test_who_only_registered_with_the_address_is_shut_out(shop: Harness, provider: StandIn) -> None:
    body = {"email": AMINA, "password": "a stranger's sentence", "username": "stranger", "first_name": "Stranger"}
    assert (await post(shop, "register", body)).status_code == 202
    code = await code_at(shop, AMINA)
    told = (await login(shop, provider)).json()
    user = told["user"]
    assert (user["verified"], user["username"], user["first_name"]) == (True, None, "Amina")
    assert (await post(shop, "login", {"email": AMINA, "password": body["password"]})).status_code == 401
    assert (await post(shop, "verify", {"email": AMINA, "code": code})).status_code == 422
    assert await works(shop, told)
    await shop.settle()
    who = {"user_id": user["id"], "role": "customer", "active": True}
    assert [each for each in shop.sent if isinstance(each, UserVerified)] == [UserVerified(**who)]


@pytest.mark.parametrize("in_token", [True, False])
async def test_an_address_that_the_provider_has_not_verified_is_nobodys(
    in_token: bool, shop: Harness, provider: StandIn
) -> None:
    provider.in_token = in_token
    people: list[dict[str, Any]] = [
        {"email": AMINA, "email_verified": False},
        {"email": AMINA},
        {"email": AMINA, "email_verified": 1},
        {"email": "nobody", "email_verified": True},
        {"email": None, "email_verified": True},
        {"email": KNOWN, "email_verified": False},
        {"email": KNOWN, "email_verified": "false"},
        {},
    ]
    for provider.person in people:
        answer = await login(shop, provider)
        assert answer.json().get("type") == "/problems/provider-email-not-verified", f"{provider.person}: {answer.text}"
        assert answer.status_code == 403
    assert await count(shop, "outside_identities") == await count(shop, "sessions") == 0


async def test_what_is_not_in_the_token_is_asked_for(shop: Harness, provider: StandIn) -> None:
    provider.in_token = False
    assert (await login(shop, provider)).json()["user"]["email"] == AMINA
    assert "/userinfo" in provider.asked


async def test_a_deactivated_account_stays_closed(shop: Harness, provider: StandIn) -> None:
    user = (await login(shop, provider)).json()["user"]
    headers = await bearer(shop, "admin")
    await shop.client.patch(f"/api/v1/users/{user['id']}", json={"active": False}, headers=headers)
    for subject in ("amina-1", "amina-2"):
        provider.subject = subject
        answer = await login(shop, provider)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/account-deactivated")
    assert await count(shop, "outside_identities") == 1


async def test_two_at_once_make_one_account(shop: Harness, provider: StandIn) -> None:
    answers = await asyncio.gather(*(login(shop, provider) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1
    assert await count(shop, "outside_identities") == 1


async def test_a_page_of_the_shop_gets_the_session_as_a_cookie(shop: Harness, provider: StandIn) -> None:
    answer = await login(shop, provider, f"{SHOP}/account?tab=1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{SHOP}/account?tab=1")
    set_by = {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}
    assert "HttpOnly" in set_by["soko_refresh"]
    assert "Max-Age=0" in set_by["soko_outside"]
    assert "SameSite=strict" in set_by["soko_csrf"]
    jar = "; ".join(set_by[name].partition(";")[0] for name in ("soko_refresh", "soko_csrf"))
    csrf = set_by["soko_csrf"].partition(";")[0].partition("=")[2]
    headers = {"Cookie": jar, "Origin": SHOP, "X-CSRF-Token": csrf}
    again = await shop.client.post("/api/v1/auth/refresh?cookie=true", headers=headers)
    assert (again.status_code, again.json()["user"]["email"]) == (200, AMINA)


async def test_a_page_of_another_host_of_the_shops_is_told_what_it_cannot_read(
    shop: Harness, provider: StandIn
) -> None:
    answer = await login(shop, provider, "https://app.example/in#there")
    csrf = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("soko_csrf="))
    token = csrf.partition(";")[0].partition("=")[2]
    assert answer.headers["location"] == f"https://app.example/in#csrf_token={token}"


async def test_nobody_is_led_out_of_the_shop(shop: Harness) -> None:
    for page in (
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://shop.example@evil.example/",
        "https://shop.example:444/",
        "http://shop.example/",
        "//shop.example/",
        "/account",
        "javascript:alert(1)",
        "https://shop.example\\.evil.example/",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://[shop.example/",
        "*",
    ):
        answer = await begin(shop, page)
        assert answer.status_code == 422, page
        assert answer.json()["errors"][0]["pointer"] == "/query/return_to"
    assert await count(shop, "outside_logins") == 0


async def test_a_key_that_came_since_is_looked_for(shop: Harness, provider: StandIn) -> None:
    assert (await login(shop, provider)).status_code == 200
    provider.key = key("second")
    refused = await login(shop, provider)
    assert refused.json()["type"] == "/problems/provider-not-believed"  # it was asked a moment ago
    shop.clock.advance(timedelta(minutes=1))
    assert (await login(shop, provider)).status_code == 200
    assert provider.asked.count("/jwks") == 2


async def test_what_a_provider_says_of_itself_is_kept_for_an_hour_and_then_read_again(
    shop: Harness, provider: StandIn
) -> None:
    described = "/.well-known/openid-configuration"
    for _ in range(3):
        assert (await begin(shop)).status_code == 302
    assert provider.asked == [described]
    shop.clock.advance(timedelta(hours=1))
    provider.also = {"authorization_endpoint": f"{provider.issuer}/elsewhere"}
    assert "/elsewhere?" in (await begin(shop)).headers["location"]
    provider.issuer, before = "https://another.example", provider.issuer
    shop.clock.advance(timedelta(hours=1))
    assert (await begin(shop)).headers["location"].startswith(f"{before}/elsewhere?")  # the last that was good


async def test_ones_own_providers_are_listed_and_can_be_taken_away(shop: Harness, provider: StandIn) -> None:
    mine = "/api/v1/users/me/providers"
    tokens = (await login(shop, provider)).json()
    (listed,) = (await shop.client.get(mine, headers=bearing(tokens))).json()["items"]
    assert listed["name"] == "standin"
    only = await shop.client.delete(f"{mine}/standin", headers=bearing(tokens))
    assert (only.status_code, only.json()["type"]) == (409, "/problems/last-way-in")
    assert await count(shop, "outside_identities") == 1
    provider.person["email"], provider.subject = KNOWN, "customer-1"
    tokens = (await login(shop, provider)).json()
    for expected in (204, 404):
        gone = await shop.client.delete(f"{mine}/standin", headers=bearing(tokens))
        assert gone.status_code == expected, gone.text
    assert (await audited(shop, tokens["user"]["id"]))[-1] == "provider_unlinked"
    assert (await shop.client.get(mine, headers=bearing(tokens))).json() == {"items": []}
    assert await count(shop, "outside_identities") == 1


async def test_with_an_account_its_links_are_erased(shop: Harness, provider: StandIn) -> None:
    provider.person["email"] = KNOWN
    tokens = (await login(shop, provider)).json()
    body = {"password": "soko-demo-2026"}
    erased = await shop.client.request("DELETE", "/api/v1/users/me", json=body, headers=bearing(tokens))
    assert erased.status_code == 204
    assert await count(shop, "outside_identities") == 0
    again = (await login(shop, provider)).json()["user"]
    assert again["id"] != tokens["user"]["id"]


async def test_an_address_that_an_administrator_vouched_for_links_too(shop: Harness, provider: StandIn) -> None:
    made = (await create(shop, email=AMINA)).json()
    assert (await login(shop, provider)).json()["user"]["id"] == made["id"]


async def audited(shop: Harness, user_id: str) -> list[str]:
    """What the audit says about somebody, in order."""
    events = "SELECT kind FROM audit WHERE user_id = $1 ORDER BY arrival"
    return [kind for (kind,) in await shop.service.database.pool.fetch(events, user_id)]


async def count(shop: Harness, table: str) -> int:
    """Its rows."""
    found: int = await shop.service.database.pool.fetchval(f"SELECT count(*) FROM {table}")
    return found
