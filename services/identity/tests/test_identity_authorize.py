"""The pages that an application sends people to: who may send them, what they ask, and who may answer for them."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from browsing import Visitor
from chassis.fixtures import Harness
from identity.seed import DEMO_PASSWORD
from relying import CALLBACK, Application, application, at
from second_factor import enrolled
from signing_in import bearer, demo

ISSUER = "https://shop.example"
CUSTOMER = "customer@soko.example"
OURS = {"Origin": ISSUER}


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
    async with application(shop, "openid", "email", "account") as found:
        yield found


def changed(url: str, **params: str | None) -> str:
    """The same request with other parameters; None leaves one out."""
    said = dict(parse_qsl(urlsplit(url).query)) | params
    return f"/oauth2/authorize?{urlencode({name: value for name, value in said.items() if value is not None})}"


NOWHERE: list[dict[str, str | None]] = [
    {"client_id": "nobody"},
    {"client_id": None},
    {"redirect_uri": None},
    {"redirect_uri": "https://evil.example/callback"},
    {"redirect_uri": f"{CALLBACK}/"},
    {"redirect_uri": f"{CALLBACK}?a=b"},
    {"redirect_uri": 'https://evil.example/"><script>'},
    {"redirect_uri": CALLBACK.replace("https", "http")},
]
TOLD: list[tuple[dict[str, str | None], str]] = [
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": "openid profile"}, "invalid_scope"),
    ({"scope": "openid everything"}, "invalid_scope"),
    ({"scope": None}, "invalid_scope"),
    ({"prompt": "none"}, "login_required"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"request": "eyJ"}, "request_not_supported"),
    ({"request_uri": "https://club.example/r"}, "request_uri_not_supported"),
]


async def test_nobody_is_sent_anywhere_that_was_not_registered(visitor: Visitor, club: Application) -> None:
    for wrong in NOWHERE:
        await visitor.open(changed(club.begin(), **wrong))
        assert (visitor.page.status_code, visitor.sent_to) == (400, None), wrong
        assert "This does not work" in visitor.page.text
        assert "<script>" not in visitor.page.text


async def test_what_else_is_wrong_with_a_request_is_told_to_the_client(visitor: Visitor, club: Application) -> None:
    for wrong, error in TOLD:
        await visitor.open(changed(club.begin(), **wrong))
        assert (visitor.said["error"], visitor.said["state"], visitor.said["iss"]) == (error, "s-1", ISSUER), wrong
        assert str(visitor.sent_to).startswith(f"{CALLBACK}?")


async def test_a_parameter_twice_is_refused_and_an_unknown_one_is_none(visitor: Visitor, club: Application) -> None:
    await visitor.open(f"{club.begin()}&scope=openid")
    assert visitor.page.status_code == 400
    await visitor.open(f"{club.begin()}&utm_source=letter")
    assert "Password" in visitor.page.text


async def test_a_request_may_come_by_post_and_changes_nothing(visitor: Visitor, club: Application) -> None:
    form = dict(parse_qsl(urlsplit(club.begin()).query))
    answer = await visitor.client.post("/oauth2/authorize", data=form, headers={"Origin": "https://club.example"})
    assert answer.status_code == 303
    await visitor.open(answer.headers["location"])
    assert "Password" in visitor.page.text


async def test_the_pages_need_no_scripts_and_stand_in_no_frame(visitor: Visitor, club: Application) -> None:
    await visitor.open(club.begin())
    policy = visitor.page.headers["content-security-policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self' https://club.example;"):
        assert part in policy
    assert "unsafe" not in policy
    assert "<script" not in visitor.page.text
    assert visitor.page.headers["cache-control"] == "no-store"
    (cookie,) = visitor.page.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-soko_login=")
    for part in ("HttpOnly", "SameSite=lax", "Secure", "Path=/"):
        assert part in cookie


async def test_what_a_client_is_called_is_text(shop: Harness, visitor: Visitor) -> None:
    admin = await bearer(shop, "admin")
    body = {"name": "<img src=x onerror=alert(1)>", "redirect_uris": [CALLBACK], "scopes": ["openid"]}
    made = (await shop.client.post("/api/v1/clients", json=body, headers=admin)).json()
    async with application(shop, "openid") as club:
        await visitor.open(changed(club.begin("openid"), client_id=made["id"], login_hint='"><b>'))
    assert "<img src" not in visitor.page.text
    assert '"><b>' not in visitor.page.text
    assert "&lt;img src=x" in visitor.page.text


@pytest.mark.parametrize("name", ["nobody@soko.example", CUSTOMER, "+254700000099", "somebody"])
async def test_a_wrong_login_is_told_on_the_page_and_counted(visitor: Visitor, club: Application, name: str) -> None:
    await visitor.open(club.begin())
    for _ in range(5):
        await visitor.log_in(name, "not the password")
        assert visitor.page.status_code == 401
        assert "There is no such account, or this is not its password." in visitor.page.text
        assert f'value="{name}"' in visitor.page.text
        assert "not the password" not in visitor.page.text
    await visitor.log_in(name, DEMO_PASSWORD)
    assert (visitor.page.status_code, "retry-after" in visitor.page.headers) == (429, True)


@pytest.mark.parametrize("who", [{"username": "amina"}, {"phone": "+254711000111"}])
async def test_one_logs_in_by_username_or_phone_too(
    shop: Harness, visitor: Visitor, club: Application, who: dict[str, str]
) -> None:
    admin = await bearer(shop, "admin")
    made = await shop.client.post("/api/v1/users", json={**who, "password": DEMO_PASSWORD}, headers=admin)
    assert made.status_code == 201, made.text
    await visitor.open(club.begin())
    await visitor.log_in(next(iter(who.values())), DEMO_PASSWORD)
    assert "Kettle Club wants to" in visitor.page.text


async def test_an_account_with_a_second_factor_is_asked_for_its_code(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    app = await enrolled(shop)
    await visitor.open(club.begin())
    await visitor.log_in(CUSTOMER, "not the password")
    assert "totp" not in visitor.forms[0].fields
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    assert (visitor.page.status_code, "This account has a second factor" in visitor.page.text) == (401, True)
    assert "totp" in visitor.forms[0].fields
    for wrong in ("000000", "no code"):
        await visitor.fill_in(name=CUSTOMER, password=DEMO_PASSWORD, totp=wrong)
        assert (visitor.page.status_code, "totp" in visitor.forms[0].fields) == (401, True)
    await visitor.fill_in(name=CUSTOMER, password=DEMO_PASSWORD, totp=app.next())
    assert "Kettle Club wants to" in visitor.page.text


FORGED: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Referer": "https://evil.example/page"},
]


async def test_a_form_from_elsewhere_logs_nobody_in(visitor: Visitor, club: Application) -> None:
    for forged in FORGED:
        await visitor.open(club.begin())
        await visitor.fill_in(headers=forged, name=CUSTOMER, password=DEMO_PASSWORD)
        assert visitor.page.status_code == 403, forged
    await visitor.open(club.begin())
    assert "Password" in visitor.page.text


async def test_nobody_consents_for_somebody_else(shop: Harness, visitor: Visitor, club: Application) -> None:
    await visitor.open(club.begin())
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    action, own = visitor.forms[0].action, visitor.forms[0].fields["csrf"]
    async with at(shop.service.app, ISSUER) as other:
        anothers = (await Visitor(other).open(club.begin())).forms[0].fields["csrf"]
    attacks = [(headers, own) for headers in FORGED] + [(OURS, csrf) for csrf in ("", "guessed", "ü", anothers)]
    for headers, csrf in attacks:
        form = {"csrf": csrf, "step": "consent", "decision": "allow"}
        answer = await visitor.client.post(action, data=form, headers=headers)
        assert (answer.status_code, "location" in answer.headers) == (403, False), (headers, csrf)
    await visitor.allow()
    assert "code" in visitor.said


async def test_a_form_without_the_cookie_is_refused(visitor: Visitor, club: Application) -> None:
    await visitor.open(club.begin())
    visitor.client.cookies.clear()
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    assert visitor.page.status_code == 403


async def test_a_login_gives_the_browser_another_cookie(visitor: Visitor, club: Application) -> None:
    await visitor.open(club.begin())
    before = visitor.client.cookies["__Host-soko_login"]
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    assert visitor.client.cookies["__Host-soko_login"] != before


async def test_prompt_and_max_age_ask_for_the_password_again(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    await visitor.open(club.begin())
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    await visitor.allow()
    began = shop.clock()
    shop.clock.advance(timedelta(minutes=5))
    await visitor.open(club.begin(max_age="600"))
    assert (await club.who((await club.tokens(visitor))["id_token"]))["auth_time"] == int(began.timestamp())
    await visitor.open(club.begin(max_age="60", prompt="none"))
    assert visitor.said["error"] == "login_required"
    for again in ({"max_age": "60"}, {"max_age": "0"}, {"prompt": "login"}, {"prompt": "select_account"}):
        shop.clock.advance(timedelta(minutes=5))
        await visitor.open(club.begin(**again))
        assert "Password" in visitor.page.text, again
        await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
        claims = await club.who((await club.tokens(visitor))["id_token"])
        assert claims["auth_time"] == int(shop.clock().timestamp()), again


async def test_prompt_none_asks_nothing(visitor: Visitor, club: Application) -> None:
    await visitor.open(club.begin("openid"))
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    await visitor.open(club.begin("openid", prompt="none"))
    assert visitor.said["error"] == "consent_required"
    await visitor.open(club.begin("openid"))
    await visitor.allow()
    await visitor.open(club.begin("openid", prompt="none"))
    assert "code" in visitor.said


async def test_somebody_else_may_log_in_instead(shop: Harness, visitor: Visitor, club: Application) -> None:
    await visitor.open(club.begin())
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    before = visitor.client.cookies["__Host-soko_login"]
    await visitor.fill_in(1)
    assert "Password" in visitor.page.text
    await visitor.log_in("staff@soko.example", DEMO_PASSWORD)
    assert "You are staff@soko.example" in visitor.page.text
    visitor.client.cookies.set("__Host-soko_login", before, domain="shop.example", path="/")
    await visitor.open(club.begin())
    assert "Password" in visitor.page.text


async def test_a_session_that_was_ended_elsewhere_is_over_here(
    shop: Harness, visitor: Visitor, club: Application
) -> None:
    await visitor.open(club.begin())
    await visitor.log_in(CUSTOMER, DEMO_PASSWORD)
    me = await bearer(shop)
    assert (await shop.client.delete("/api/v1/users/me/sessions", headers=me)).status_code == 204
    await visitor.allow()
    assert (visitor.sent_to, "Password" in visitor.page.text) == (None, True)


async def test_discovery_says_where_everything_is(club: Application) -> None:
    said = club.metadata
    assert said["issuer"] == ISSUER
    assert said["token_endpoint"] == f"{ISSUER}/oauth2/token"
    assert (said["code_challenge_methods_supported"], said["id_token_signing_alg_values_supported"]) == (
        ["S256"],
        ["EdDSA"],
    )
    assert "orders:read" in said["scopes_supported"]


async def test_a_body_that_is_no_form_is_refused_as_oauth_says(club: Application) -> None:
    proof = (club.client_id, str(club.secret))
    for sent in ({"json": {"grant_type": "x"}}, {"content": b"a=%00", "headers": {"Content-Type": "text/plain"}}, {}):
        answer: httpx.Response = await club.http.post("/oauth2/token", auth=proof, **sent)
        assert answer.status_code == 400
        assert answer.json()["error"] in ("invalid_request", "unsupported_grant_type")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (
        b"grant_type=a&grant_type=b",
        b"code=%00",
        b"\xff=\xfe",
        b"&".join(b"a%d=b" % n for n in range(60)),
    ):
        answer = await club.http.post("/oauth2/token", auth=proof, content=content, headers=form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    for basic in ("/w==", "ADp4", "!", ""):  # no UTF-8, U+0000, no Base64, nothing
        header = {"Authorization": f"Basic {basic}"}
        answer = await club.http.post("/oauth2/token", data={"grant_type": "refresh_token"}, headers=header)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), basic
