"""Outside OpenID providers and browsers that do not keep to the rules: nobody is let in and nothing is made."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from chassis.fixtures import Harness
from identity.outside.configured import Configured
from identity.settings import IdentitySettings
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import ValidationError
from signing_in import demo
from standin import SECRET, StandIn, broken, elsewhere, huge, key, nonsense, slow, standing_in

PATH = "/api/v1/auth/providers/standin"
SHOP = "https://shop.example"
MADE = ("users", "sessions", "outside_identities", "outside_logins")


@pytest.fixture
async def provider() -> AsyncIterator[StandIn]:
    async with standing_in() as found:
        yield found


@pytest.fixture
async def shop(running: Callable[..., Any], provider: StandIn) -> AsyncIterator[Harness]:
    configured = (Configured(**provider.settings()), Configured(**provider.settings("other")))
    async with demo(running, public_url=SHOP, oidc_providers=configured) as harness:
        yield harness


async def begun(shop: Harness, return_to: str | None = None) -> tuple[str, dict[str, str]]:
    """Where a browser is sent, and what it keeps."""
    answer = await shop.client.get(f"{PATH}/login", params={"return_to": return_to} if return_to else None)
    return answer.headers["location"], {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


async def back(shop: Harness, brought: dict[str, str], kept: dict[str, str], path: str = PATH) -> httpx.Response:
    return await shop.client.get(f"{path}/callback", params=brought, headers=kept)


async def refused(shop: Harness, slug: str, answer: httpx.Response) -> None:
    """With this problem, and nobody is the wiser: three accounts of the demo, and nothing else."""
    assert answer.json().get("type") == f"/problems/{slug}", answer.text
    pool = shop.service.database.pool
    assert [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in MADE] == [3, 0, 0, 0]
    assert "soko_refresh" not in str(answer.headers.get_list("set-cookie"))


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts) + "."


def by_the_secret(claims: dict[str, Any]) -> str:
    """Anybody who has the client's secret could sign so."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def by_a_strangers_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "first"}, claims, key("first"))


def by_an_unknown_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "nobodys"}, claims, key("nobodys"))


def no_token(claims: dict[str, Any]) -> str:
    return "eyJ.eyJ.x"


NOW = time.time()
LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://accounts.evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another shop"},
    "another audience, in our name": {"aud": "another shop", "azp": "soko"},
    "audiences without ours": {"aud": ["another", "shop"]},
    "several audiences, for nobody in particular": {"aud": ["soko", "another shop"]},
    "for another party": {"azp": "another shop"},
    "several audiences, for another": {"aud": ["soko", "another shop"], "azp": "another shop"},
    "expired": {"exp": NOW - 120},
    "no end": {"exp": None},
    "an end that is none": {"exp": "tomorrow"},
    "issued tomorrow": {"iat": NOW + 86_400, "exp": NOW + 90_000},
    "issued never": {"iat": None},
    "not yet": {"nbf": NOW + 3600},
    "nobody": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
    "a subject that is too long": {"sub": "x" * 256},
    "another access token": {"at_hash": "bm90IGl0"},
}
FORGERIES = (unsigned, by_the_secret, by_a_strangers_key, by_an_unknown_key, no_token)


async def test_a_token_that_is_not_for_this_login_is_not_believed(shop: Harness, provider: StandIn) -> None:
    for lie, claims in LIES.items():
        provider.claims = claims
        url, kept = await begun(shop)
        answer = await back(shop, provider.agree(url), kept)
        assert answer.status_code == 403, f"{lie}: {answer.text}"
        await refused(shop, "provider-not-believed", answer)


async def test_a_token_that_the_provider_has_not_signed_is_not_believed(shop: Harness, provider: StandIn) -> None:
    for provider.sign in FORGERIES:
        url, kept = await begun(shop)
        answer = await back(shop, provider.agree(url), kept)
        assert answer.status_code == 403, f"{provider.sign.__name__}: {answer.text}"
        await refused(shop, "provider-not-believed", answer)


async def test_several_audiences_are_fine_where_it_is_for_us(shop: Harness, provider: StandIn) -> None:
    provider.claims = {"aud": ["soko", "another"], "azp": "soko"}
    url, kept = await begun(shop)
    assert (await back(shop, provider.agree(url), kept)).status_code == 200


async def test_a_login_ends_in_the_browser_that_began_it_and_once(shop: Harness, provider: StandIn) -> None:
    url, kept = await begun(shop)
    brought = provider.agree(url)
    _, others = await begun(shop)
    for browser, state in (
        ({}, brought["state"]),
        (others, brought["state"]),
        ({"Cookie": "soko_outside="}, brought["state"]),
        (kept, "x"),
        (kept, ""),
        (kept, None),
    ):
        query = {name: value for name, value in {**brought, "state": state}.items() if value is not None}
        answer = await back(shop, query, browser)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/provider-login-over")
    assert (await back(shop, brought, kept)).status_code == 200
    again = await back(shop, {**brought, "code": provider.agree(url)["code"]}, kept)
    assert again.json()["type"] == "/problems/provider-login-over"


async def test_a_login_that_failed_is_over_too(shop: Harness, provider: StandIn) -> None:
    url, kept = await begun(shop)
    await back(shop, provider.agree(url, code="guessed"), kept)
    await refused(shop, "provider-login-over", await back(shop, provider.agree(url), kept))


async def test_a_login_is_over_after_ten_minutes(shop: Harness, provider: StandIn) -> None:
    url, kept = await begun(shop)
    shop.clock.advance(timedelta(minutes=10))
    await refused(shop, "provider-login-over", await back(shop, provider.agree(url), kept))


async def test_a_login_ends_at_the_provider_where_it_began(shop: Harness, provider: StandIn) -> None:
    url, kept = await begun(shop)
    other = PATH.replace("standin", "other")
    answer = await back(shop, provider.agree(url), kept, other)
    assert answer.json()["type"] == "/problems/provider-login-over"


async def test_an_answer_of_another_issuer_is_not_believed(shop: Harness, provider: StandIn) -> None:
    url, kept = await begun(shop)
    brought = provider.agree(url, iss="https://accounts.evil.example")
    await refused(shop, "provider-not-believed", await back(shop, brought, kept))


async def test_who_says_that_it_names_itself_has_to(shop: Harness, provider: StandIn) -> None:
    provider.also = {"authorization_response_iss_parameter_supported": True}
    url, kept = await begun(shop)
    brought = provider.agree(url)
    del brought["iss"]
    await refused(shop, "provider-not-believed", await back(shop, brought, kept))


async def test_a_no_of_the_provider_is_told(shop: Harness, provider: StandIn) -> None:
    for error, slug in (
        ("access_denied", "provider-denied"),
        ("login_required", "provider-denied"),
        ("<script>", "provider-denied"),
        ("temporarily_unavailable", "provider-unavailable"),
        ("server_error", "provider-unavailable"),
    ):
        url, kept = await begun(shop)
        state = provider.agree(url)["state"]
        answer = await back(shop, {"error": error, "error_description": "no", "state": state}, kept)
        await refused(shop, slug, answer)
        assert error not in answer.text


async def test_a_code_that_is_not_ours_is_not_believed(shop: Harness, provider: StandIn) -> None:
    """Somebody else's code, put into this login: PKCE's verifier is another."""
    theirs = provider.agree((await begun(shop))[0])["code"]
    await shop.service.database.pool.execute("DELETE FROM outside_logins")
    url, kept = await begun(shop)
    await refused(shop, "provider-not-believed", await back(shop, provider.agree(url, code=theirs), kept))


async def test_neither_a_code_nor_an_error_is_named(shop: Harness, provider: StandIn) -> None:
    url, kept = await begun(shop)
    brought = provider.agree(url)
    del brought["code"]
    answer = await back(shop, brought, kept)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/code")


async def test_more_about_somebody_else_counts_for_nothing(shop: Harness, provider: StandIn) -> None:
    async def somebody_else(request: Any) -> Any:
        return {"sub": "somebody-else", "email": "customer@soko.example", "email_verified": True}

    provider.in_token, provider.instead = False, {"/userinfo": somebody_else}
    url, kept = await begun(shop)
    await refused(shop, "provider-not-believed", await back(shop, provider.agree(url), kept))


FAULTS = (slow, huge, broken, nonsense, elsewhere)


@pytest.mark.parametrize("path", ["/token", "/jwks", "/userinfo"])
async def test_a_provider_that_does_not_answer_as_it_should_is_given_up(
    path: str, shop: Harness, provider: StandIn
) -> None:
    shop.service.outside.asker.within = 1.0  # type: ignore[attr-defined]
    provider.in_token = False
    for fault in FAULTS:
        url, kept = await begun(shop)
        provider.instead = {path: fault}
        before = time.monotonic()
        answer = await back(shop, provider.agree(url), kept)
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "10"), (
            f"{fault.__name__}: {answer.text}"
        )
        await refused(shop, "provider-unavailable", answer)
        assert time.monotonic() - before < 10


async def test_without_its_description_nobody_is_sent_to_it(shop: Harness, provider: StandIn) -> None:
    shop.service.outside.asker.within = 1.0  # type: ignore[attr-defined]
    for fault in FAULTS:
        provider.instead = {"/.well-known/openid-configuration": fault}
        await refused(shop, "provider-unavailable", await shop.client.get(f"{PATH}/login"))
    provider.instead = {}
    for provider.also in (
        {"issuer": "https://accounts.evil.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": None},
        {"jwks_uri": ""},
        {"userinfo_endpoint": 7},
    ):
        await refused(shop, "provider-unavailable", await shop.client.get(f"{PATH}/login"))
    provider.also = {}
    assert (await shop.client.get(f"{PATH}/login")).status_code == 302


async def test_a_crowd_waits_for_one_answer(shop: Harness, provider: StandIn) -> None:
    shop.service.outside.asker.within = 1.0  # type: ignore[attr-defined]
    provider.instead = {"/.well-known/openid-configuration": slow}
    before = time.monotonic()
    answers = await asyncio.gather(*(shop.client.get(f"{PATH}/login") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {503}
    assert time.monotonic() - before < 10
    assert len(provider.asked) == 1


async def test_a_page_of_the_shop_hears_why(shop: Harness, provider: StandIn) -> None:
    for error, slug in (("access_denied", "provider-denied"), (None, "provider-not-believed")):
        url, kept = await begun(shop, f"{SHOP}/account?tab=1#top")
        brought = provider.agree(url, code="guessed")
        answer = await back(shop, {"error": error, "state": brought["state"]} if error else brought, kept)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{SHOP}/account?tab=1&error={slug}#top"
        assert "soko_refresh" not in str(answer.headers.get_list("set-cookie"))


async def test_what_browsers_bring_besides_is_left_alone(shop: Harness, provider: StandIn) -> None:
    url, kept = await begun(shop)
    brought = provider.agree(url, session_state="x", authuser="0", hd="shop.example", scope="openid")
    assert (await back(shop, brought, kept)).status_code == 200
    assert parse_qs(urlsplit(url).query)["state"] == [brought["state"]]


GOOD = {"name": "google", "issuer": "https://accounts.google.example", "client_id": "soko"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("x", "OIDC_PROVIDERS: must be JSON: a list of {name, issuer, client_id"),
        ({}, "OIDC_PROVIDERS: must be a list of {name"),
        ([GOOD | {"name": "Google!"}], "OIDC_PROVIDERS_0_NAME: "),
        ([GOOD | {"issuer": "accounts.google.example"}], "OIDC_PROVIDERS_0_ISSUER: must be an address such as https"),
        ([GOOD | {"issuer": "https://a.example/?x=1"}], "OIDC_PROVIDERS_0_ISSUER: must be an address such as https"),
        ([GOOD | {"scopes": ["email"]}], "OIDC_PROVIDERS_0_SCOPES: must hold openid"),
        ([GOOD | {"client_secret_file": "/nowhere"}], "OIDC_PROVIDERS_0: client_secret_file cannot be read: No such"),
        ([GOOD | {"client_secret_file": "/x", "client_secret": "hush"}], "OIDC_PROVIDERS_0: has client_secret or"),
        ([GOOD | {"secret": "hush"}], "OIDC_PROVIDERS_0_SECRET: Extra inputs are not permitted"),
        ([GOOD, GOOD], "Settings: OIDC_PROVIDERS names google twice"),
        ([GOOD | {"issuer": "http://a.example"}], "Settings: OIDC_PROVIDERS: the issuer of google must be https"),
    ],
)
def test_a_setting_that_is_wrong_is_one_clear_line(given: Any, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from chassis.settings import broken as lines

    monkeypatch.setenv("OIDC_PROVIDERS", given if isinstance(given, str) else json.dumps(given))
    monkeypatch.setenv("SOKO_ENV", "production")
    monkeypatch.setenv("PUBLIC_URL", SHOP)
    with pytest.raises(ValidationError) as error:
        IdentitySettings()
    (line,) = lines(error.value)
    assert line.startswith(says)
    assert "hush" not in line


def test_a_shop_says_where_people_come_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_PROVIDERS", json.dumps([GOOD]))
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    with pytest.raises(ValidationError, match="OIDC_PROVIDERS needs PUBLIC_URL"):
        IdentitySettings()


def test_a_secret_may_lie_in_a_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("hush\n")
    monkeypatch.setenv("OIDC_PROVIDERS", json.dumps([GOOD | {"client_secret_file": str(file)}]))
    monkeypatch.setenv("PUBLIC_URL", SHOP)
    (found,) = IdentitySettings().oidc_providers
    assert found.client_secret.get_secret_value() == "hush"
    assert "hush" not in repr(found)
