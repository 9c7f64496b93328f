"""The refresh token in a cookie."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from chassis.fixtures import Harness
from identity import seed
from signing_in import demo


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running, public_url="https://shop.example") as harness:
        yield harness


ORIGIN = {"Origin": "https://shop.example"}


async def cookie_login(shop: Harness, headers: dict[str, str] = ORIGIN) -> httpx.Response:
    body = {"email": "customer@soko.example", "password": seed.DEMO_PASSWORD}
    return await shop.client.post("/api/v1/auth/login?cookie=true", json=body, headers=headers)


def jar(answer: httpx.Response) -> dict[str, str]:
    """Secure cookies do not go out over the tests' plain HTTP by themselves."""
    pairs = [line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie")]
    return {"Cookie": "; ".join(f"{name}={value}" for name, _, value in pairs)}


async def test_with_cookie_the_refresh_token_is_where_no_script_reads_it(shop: Harness) -> None:
    answer = await cookie_login(shop)
    assert answer.json()["refresh_token"] is None
    secret, readable = answer.headers.get_list("set-cookie")
    assert secret.startswith("soko_refresh=")
    for part in ("HttpOnly", "SameSite=strict", "Secure", "Path=/api/v1/auth", "Max-Age=2592000"):
        assert part in secret
    assert readable.startswith(f"soko_csrf={answer.json()['csrf_token']};")
    assert "HttpOnly" not in readable


async def test_the_cookie_refreshes_with_its_csrf_token(shop: Harness) -> None:
    first = await cookie_login(shop)
    headers = ORIGIN | jar(first) | {"X-CSRF-Token": first.json()["csrf_token"]}
    second = await shop.client.post("/api/v1/auth/refresh?cookie=true", headers=headers)
    assert second.status_code == 200
    assert second.json()["csrf_token"] != first.json()["csrf_token"]
    assert jar(second) != jar(first)


async def test_the_cookie_alone_is_not_enough(shop: Harness) -> None:
    first = await cookie_login(shop)
    for csrf in ({}, {"X-CSRF-Token": "guessed"}, {"X-CSRF-Token": "ü".encode()}):
        headers: Any = ORIGIN | jar(first) | csrf
        answer = await shop.client.post("/api/v1/auth/refresh?cookie=true", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/foreign-origin")


async def test_pages_of_other_sites_get_nowhere_with_cookies(shop: Harness) -> None:
    first = await cookie_login(shop)
    for foreign in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://shop.example.evil.example"},
        {"Referer": "https://evil.example/shop.example"},
    ):
        assert (await cookie_login(shop, foreign)).status_code == 403
        headers = foreign | jar(first) | {"X-CSRF-Token": first.json()["csrf_token"]}
        for path in ("/api/v1/auth/refresh?cookie=true", "/api/v1/auth/logout?cookie=true"):
            assert (await shop.client.post(path, headers=headers)).status_code == 403


async def test_a_logout_by_cookie_ends_the_session_and_takes_the_cookies_away(shop: Harness) -> None:
    first = await cookie_login(shop)
    headers = ORIGIN | jar(first) | {"X-CSRF-Token": first.json()["csrf_token"]}
    answer = await shop.client.post("/api/v1/auth/logout?cookie=true", headers=headers)
    assert answer.status_code == 204
    assert all("Max-Age=0" in line for line in answer.headers.get_list("set-cookie"))
    assert (await shop.client.post("/api/v1/auth/refresh?cookie=true", headers=headers)).status_code == 401


async def test_a_refresh_by_cookie_without_one_is_401(shop: Harness) -> None:
    assert (await shop.client.post("/api/v1/auth/refresh?cookie=true", headers=ORIGIN)).status_code == 401
