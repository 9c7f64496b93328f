"""Logging in for an application in a real browser, and a page of somebody else's that tries to."""

import json
from collections.abc import AsyncIterator
from html import escape
from urllib.parse import parse_qsl, urlsplit

import pytest
from chassis.servers.postgres import EmbeddedPostgres
from chromium import NO_BROWSER, WITHIN, browser, no_errors
from door import Door, open_door
from identity.seed import DEMO_PASSWORD
from playwright.async_api import Browser, BrowserContext, Page, Route, expect
from relying import Application, application

__all__ = ["browser"]
pytestmark = NO_BROWSER

CALLBACK = "http://127.0.0.1:18998/callback"
FORGER = "http://127.0.0.1:18999/"
"""The same host as the shop's, so that the browser sends it the shop's cookies: only the port makes it another page."""


LOG_IN = """
async (who) => (await fetch("/api/v1/auth/login?cookie=true", {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(who)})).json()
"""
REFRESH = """
async (csrf) => (await fetch("/api/v1/auth/refresh?cookie=true", {
    method: "POST", headers: {"X-CSRF-Token": csrf}})).status
"""


@pytest.fixture(scope="module")
async def door(postgres: EmbeddedPostgres) -> AsyncIterator[Door]:
    async with open_door(postgres) as door:
        yield door


@pytest.fixture(scope="module")
async def club(door: Door) -> AsyncIterator[Application]:
    shop = door.shop.shop
    async with application(shop.services["identity"], redirect_uris=[CALLBACK], app=shop.app) as found:
        found.oauth.redirect_uri = CALLBACK
        yield found


@pytest.fixture
async def phone(browser: Browser) -> AsyncIterator[Page]:
    """A phone's browser, without scripts."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    page = await context.new_page()
    await page.route("http://127.0.0.1:18998/**", lambda route: answer(route, "<h1>Welcome to the club</h1>"))
    yield page
    await context.close()


async def answer(route: Route, html: str) -> None:
    await route.fulfill(status=200, content_type="text/html", body=html)


async def log_in(page: Page, name: str = "customer@soko.example") -> None:
    await page.get_by_label("E-mail, username or phone").fill(name)
    await page.get_by_label("Password").fill(DEMO_PASSWORD)
    await page.get_by_role("button", name="Log in").click()


async def test_a_person_logs_in_and_consents_on_a_phone_without_scripts(club: Application, phone: Page) -> None:
    with no_errors(phone):
        await phone.goto(club.begin("openid profile email orders:read account offline_access"))
        await expect(phone.get_by_role("heading", name="Log in")).to_be_visible(timeout=WITHIN)
        assert await phone.locator("html").evaluate("(html) => html.scrollWidth") == 390
        await log_in(phone)
        await expect(phone.get_by_role("heading", name="Kettle Club wants to")).to_be_visible(timeout=WITHIN)
        for words in ("See your e-mail address", "Shop and order as you", "You are customer@soko.example"):
            await expect(phone.get_by_text(words)).to_be_visible()
        # It is nothing that a customer could give away.
        await expect(phone.get_by_text("see all orders")).to_have_count(0)
        assert await phone.locator("html").evaluate("(html) => html.scrollWidth") == 390
        await phone.get_by_role("button", name="Allow", exact=True).click()
        await expect(phone.get_by_text("Welcome to the club")).to_be_visible(timeout=WITHIN)
    said = dict(parse_qsl(urlsplit(phone.url).query))
    given = await club.oauth.fetch_token(
        club.metadata["token_endpoint"], authorization_response=phone.url, code_verifier="v" * 64, state="s-1"
    )
    assert (await club.who(given["id_token"]))["nonce"] == club.nonce
    assert said["iss"] == club.metadata["issuer"]


async def test_who_does_not_allow_it_goes_back_without_a_code(club: Application, phone: Page) -> None:
    await phone.goto(club.begin("openid", prompt="consent"))
    await log_in(phone)
    await phone.get_by_role("button", name="Do not allow").click()
    await expect(phone.get_by_text("Welcome to the club")).to_be_visible(timeout=WITHIN)
    said = dict(parse_qsl(urlsplit(phone.url).query))
    assert (said["error"], "code" in said) == ("access_denied", False)


@pytest.mark.parametrize("csrf_is_known", [False, True], ids=["guessing", "with a token that leaked"])
async def test_a_forged_page_gets_no_consent_for_who_is_logged_in(
    door: Door, club: Application, phone: Page, csrf_is_known: bool
) -> None:
    begin = club.begin("openid phone", prompt="consent")
    await phone.goto(begin)
    await log_in(phone)
    form = phone.locator("form", has=phone.get_by_role("button", name="Allow", exact=True))
    fields = {"csrf": "guessed", "step": "consent", "decision": "allow"}
    if csrf_is_known:
        fields["csrf"] = await form.locator("input[name=csrf]").get_attribute("value") or ""
    target = f"{door.url}{await form.get_attribute('action')}"
    inputs = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items())
    html = f'<form method="post" action="{escape(target)}">{inputs}<button>Win</button></form>'
    await phone.route(f"{FORGER}**", lambda route: answer(route, html))
    await phone.goto(FORGER)
    async with phone.expect_response(f"{door.url}/oauth2/authorize**") as posted:
        await phone.get_by_role("button", name="Win").click()
    response = await posted.value
    sent = await response.request.all_headers()
    assert "soko_login=" in sent["cookie"], "the browser did send what says who is logged in"
    assert (response.status, sent["origin"]) == (403, FORGER.rstrip("/"))
    await expect(phone.get_by_text("This form is too old, or not from the page that asks.")).to_be_visible()
    consents = await door.shop.shop.services["identity"].database.pool.fetch("select scope from consents")
    assert all("phone" not in row["scope"] for row in consents)


@pytest.mark.parametrize("path", ["refresh", "logout"])
async def test_a_forged_page_does_nothing_with_the_refresh_cookie(door: Door, browser: Browser, path: str) -> None:
    page = await browser.new_page()
    await page.goto(f"{door.url}/docs")
    who = {"email": "customer@soko.example", "password": DEMO_PASSWORD}
    told = await page.evaluate(LOG_IN, who)
    html = f'<form method="post" action="{door.url}/api/v1/auth/{path}?cookie=true"><button>Win</button></form>'
    await page.route(f"{FORGER}**", lambda route: answer(route, html))
    await page.goto(FORGER)
    async with page.expect_response(f"{door.url}/api/v1/auth/{path}**") as posted:
        await page.get_by_role("button", name="Win").click()
    response = await posted.value
    assert "soko_refresh=" in (await response.request.all_headers())["cookie"], "the browser did send it"
    assert (response.status, (await response.json())["type"]) == (403, "/problems/foreign-origin")
    await page.goto(f"{door.url}/docs")
    assert await page.evaluate(REFRESH, told["csrf_token"]) == 200, "the session goes on"
    await page.close()


async def test_a_page_of_somebody_else_shows_none_of_it_in_a_frame(club: Application, browser: Browser) -> None:
    page = await browser.new_page()
    html = f"<iframe src={json.dumps(club.begin())} width=300 height=300></iframe>"
    await page.route(f"{FORGER}**", lambda route: answer(route, html))
    await page.goto(FORGER)
    frame = page.frames[-1]
    assert await frame.get_by_label("Password").count() == 0
    await page.close()
