"""The start page, pressed by a real browser."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from chassis.servers.postgres import EmbeddedPostgres
from chromium import NO_BROWSER, WITHIN, browser, no_errors
from door import Door, open_door
from notification.settings import Settings
from notification.unsubscribing import Unsubscribing
from playwright.async_api import Browser, expect
from shelves import picture

__all__ = ["browser"]
pytestmark = NO_BROWSER


@pytest.fixture(scope="module")
async def door(postgres: EmbeddedPostgres) -> AsyncIterator[Door]:
    """A shop with one product."""
    async with open_door(postgres) as door:
        await door.shop.product()
        yield door


async def test_the_buy_button_of_the_start_page_buys(door: Door, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    steps = page.locator("#steps")
    with no_errors(page):
        await page.goto(door.url)
        await page.get_by_role("button", name="Buy").click()
        await expect(steps).to_contain_text("is confirmed: its timeline", timeout=WITHIN)

        await page.get_by_label("Card").select_option("tok_3ds")
        await page.get_by_role("button", name="Buy").click()
        await page.get_by_role("link", name="go to its page").click(timeout=WITHIN)
        await page.get_by_role("button", name="Approve").click(timeout=WITHIN)
        await expect(steps).to_contain_text("Back from the bank", timeout=WITHIN)
        await expect(steps).to_contain_text("is confirmed: its timeline", timeout=WITHIN)

        await expect(page.locator("#mails")).to_contain_text("is confirmed", timeout=WITHIN)
        assert await page.evaluate("() => document.documentElement.scrollWidth") == 390
    staff = await door.shop.staff()
    assert [order["status"] for order in (await staff.get("/orders"))["items"]] == ["confirmed", "confirmed"]


async def test_the_start_page_shows_what_is_on_the_shelves(door: Door, browser: Browser) -> None:
    sku = await door.shop.product(price="1499.00")
    staff = await door.shop.staff()
    (product,) = (await staff.get(f"/products?search={sku}"))["items"]
    path, said = f"/api/v1/products/{product['id']}/images", {"alt": "The kettle from the side"}
    made = await staff.client.post(path, headers=staff.headers, data=said, files={"file": picture()})
    assert made.status_code == 201, made.text
    ends_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    sale = {"name": "Week", "percent": 20, "ends_at": ends_at, "product_ids": [product["id"]]}
    assert (await staff.call("POST", "/discounts", sale)).status_code == 201
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    with no_errors(page):
        await page.goto(door.url)
        card = page.locator("#shelf li", has_text=product["name"])
        for text in ("KES 1,199.20", "KES 1,499.00", "-20%"):
            await expect(card).to_contain_text(text, timeout=WITHIN)
        image = card.get_by_alt_text("The kettle from the side")
        await expect(image).to_have_js_property("complete", value=True, timeout=WITHIN)
        assert await image.evaluate("(image) => image.naturalWidth") == 400
        assert await page.evaluate("() => document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(
    ("path", "seen"),
    [("/", "Mails and SMS sent"), ("/docs", "/api/v1/auth/login"), ("/redoc", "Order what is in the cart")],
)
async def test_a_page_asks_nobody_else_for_anything(door: Door, browser: Browser, path: str, seen: str) -> None:
    page, asked = await browser.new_page(), set[str]()
    page.on("request", lambda request: asked.add(request.url))
    # By a name that is no developer's machine: there some scripts behave.
    shop = door.url.replace("127.0.0.1", "shop.example")
    with no_errors(page):
        await page.goto(shop + path)
        await expect(page.get_by_text(seen).first).to_be_attached(timeout=WITHIN)
        await page.wait_for_load_state("networkidle")
    assert {url for url in asked if not url.startswith((f"{shop}/", "data:", "blob:"))} == set()


async def test_the_link_in_a_mail_ends_mails_like_it_at_the_press_of_a_button(door: Door, browser: Browser) -> None:
    customer = await door.shop.customer()
    settings = door.shop.shop.services["notification"].settings
    assert isinstance(settings, Settings)
    link = Unsubscribing((await customer.get("/users/me"))["id"], "order_updates", "email", "en").link(settings)
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    with no_errors(page):
        await page.goto(link.replace(settings.shop_url, door.url))
        button = page.get_by_role("button", name="No more of these")
        background = await button.evaluate("it => getComputedStyle(it).backgroundColor")
        assert background == "rgb(15, 118, 110)"
        assert (await customer.get("/notifications/preferences"))["order_updates"]["email"] is True
        await button.click()
        await expect(page.get_by_text("from now on you get no more mails about your orders")).to_be_visible()
        assert await page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert (await customer.get("/notifications/preferences"))["order_updates"]["email"] is False
