"""A real browser, for tests of pages."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_BROWSER = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt install chromium")
WITHIN = 15_000
"""Milliseconds."""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--host-resolver-rules=MAP shop.example 127.0.0.1",
            ],
        )
        yield opened
        await opened.close()


@contextmanager
def no_errors(page: Page) -> Iterator[None]:
    """Whatever the page's scripts throw, or the console complains of, fails the test."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    yield
    assert found == []
