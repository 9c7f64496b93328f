"""Logging in, over HTTP and on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from chassis.context import Context
from chassis.fixtures import Harness
from identity import seed
from identity.accounts import New, create
from identity.openid.scopes import joined
from identity.service import build
from identity.settings import IdentitySettings
from signing_in import demo
from soko_contracts.rights import PRESETS

HERE = Context("r", "r", "r")
PASSWORD = seed.DEMO_PASSWORD


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def login(
    shop: Harness, password: str = PASSWORD, /, address: str = "203.0.113.7", **name: str
) -> httpx.Response:
    body = {**(name or {"email": "customer@soko.example"}), "password": password}
    return await shop.client.post("/api/v1/auth/login", json=body, headers={"X-Forwarded-For": address})


async def test_a_login_answers_tokens_and_the_account(shop: Harness) -> None:
    answer = await login(shop, email="Staff@Soko.Example")
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, joined(PRESETS["staff"]))
    assert (body["user"]["email"], body["user"]["role"]) == ("staff@soko.example", "staff")
    assert "password" not in answer.text


async def test_the_access_token_says_who_in_which_session_with_which_rights(shop: Harness) -> None:
    body = (await login(shop, email="admin@soko.example")).json()
    keys = (await shop.client.get("/.well-known/jwks.json")).json()
    token = body["access_token"]
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    said = jwt.decode(token, key, algorithms=["EdDSA"], audience="soko", issuer="soko")
    assert said["sub"] == body["user"]["id"]
    assert (said["role"], said["scope"]) == ("admin", joined(PRESETS["admin"]))
    assert said["exp"] - said["iat"] == 900
    assert {"sid", "jti"} <= said.keys()


async def test_a_username_and_a_phone_are_as_good_as_an_email(shop: Harness) -> None:
    new = New(username="Amina.K", phone="+254700000009", password="a long sentence")
    await create(shop.service, new, HERE)  # type: ignore[arg-type]
    assert (await login(shop, "a long sentence", username="amina.k")).status_code == 200
    assert (await login(shop, "a long sentence", phone="+254 700 000 009")).status_code == 200


async def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(shop: Harness) -> None:
    for email in ("customer@soko.example", "nobody@soko.example"):
        answer = await login(shop, "not the password", email=email)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["type"] == "/problems/invalid-credentials"
        assert answer.json()["detail"].startswith("There is no such account, or")


@pytest.mark.parametrize("email", ["customer@soko.example", "nobody@soko.example"])
async def test_failures_hold_back_the_next_try_longer_and_longer(shop: Harness, email: str) -> None:
    for _ in range(5):
        assert (await login(shop, "not the password", email=email)).status_code == 401
    held = await login(shop, email=email)
    assert (held.status_code, held.json()["type"]) == (429, "/problems/too-many-attempts")
    assert held.headers["retry-after"] == "1"
    for wait in (2, 4, 8):
        shop.clock.advance(timedelta(seconds=wait / 2))
        assert (await login(shop, "not the password", email=email)).status_code == 401
        assert (await login(shop, email=email)).headers["retry-after"] == str(wait)


async def test_the_failures_of_one_account_do_not_hold_back_another(shop: Harness) -> None:
    for _ in range(5):
        await login(shop, "not the password")
    assert (await login(shop)).status_code == 429
    assert (await login(shop, email="staff@soko.example")).status_code == 200


async def test_all_names_of_an_account_share_its_failures(shop: Harness) -> None:
    new = New(username="amina", phone="+254700000009", password="a long sentence")
    await create(shop.service, new, HERE)  # type: ignore[arg-type]
    for _ in range(5):
        await login(shop, "not the password", username="amina")
    assert (await login(shop, "a long sentence", phone="+254700000009")).status_code == 429


async def test_a_success_forgets_the_failures(shop: Harness) -> None:
    for _ in range(5):
        await login(shop, "not the password")
    shop.clock.advance(timedelta(seconds=1))
    assert (await login(shop)).status_code == 200
    assert (await login(shop, "not the password")).status_code == 401
    assert (await login(shop)).status_code == 200


async def test_an_address_that_tries_many_accounts_is_held_back(running: Callable[..., Any]) -> None:
    async with running(build, IdentitySettings, login_address_failures=3) as shop:
        await seed.demo_accounts(shop.service)
        for number in range(4):
            await login(shop, "not the password", email=f"somebody-{number}@soko.example")
        assert (await login(shop)).status_code == 429
        assert (await login(shop, address="203.0.113.8")).status_code == 200


async def test_an_ipv6_network_counts_as_one_address(running: Callable[..., Any]) -> None:
    async with running(build, IdentitySettings, login_address_failures=3) as shop:
        await seed.demo_accounts(shop.service)
        for number in range(4):
            name = {"email": f"somebody-{number}@soko.example"}
            await login(shop, "not the password", address=f"2001:db8:1:2::{number + 1}", **name)
        assert (await login(shop, address="2001:db8:1:2::99")).status_code == 429
        assert (await login(shop, address="2001:db8:1:3::99")).status_code == 200


async def test_a_burst_of_guesses_gets_no_more_tries_than_threads_allow(shop: Harness) -> None:
    answers = await asyncio.gather(*(login(shop, "not the password") for _ in range(30)))
    tried = [answer for answer in answers if answer.status_code == 401]
    assert len(tried) <= 5 + shop.service.settings.password_threads  # type: ignore[attr-defined]
    assert {answer.status_code for answer in answers} == {401, 429}


async def test_many_can_log_in_to_one_account_at_once(shop: Harness) -> None:
    answers = await asyncio.gather(*(login(shop) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["refresh_token"] for answer in answers}) == 20


async def test_an_account_that_is_not_verified_is_told_so_after_the_right_password_only(shop: Harness) -> None:
    await shop.service.database.pool.execute("UPDATE users SET verified = false WHERE role = 'customer'")
    assert (await login(shop, "not the password")).status_code == 401
    answer = await login(shop)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-verified")


async def test_a_closed_account_is_told_so_after_the_right_password_only(shop: Harness) -> None:
    await shop.service.database.pool.execute("UPDATE users SET active = false WHERE role = 'customer'")
    assert (await login(shop, "not the password")).status_code == 401
    answer = await login(shop)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/account-deactivated")


async def test_a_phone_that_is_not_proven_cannot_be_logged_in_with(shop: Harness) -> None:
    await shop.service.database.pool.execute("UPDATE users SET phone = '+254700000001' WHERE role = 'customer'")
    assert (await login(shop, phone="+254700000001")).status_code == 401


async def test_a_broken_login_names_the_field(shop: Harness) -> None:
    broken: list[tuple[Any, str]] = [
        ({}, "/password"),
        ({"password": "x"}, ""),
        ({"email": "a@b.example", "username": "a", "password": "x"}, ""),
        ({"email": "a@b.example", "password": "x" * 257}, "/password"),
        ({"email": "a@b.example", "password": ""}, "/password"),
        ({"email": "a@b.example", "password": "x", "admin": True}, "/admin"),
        ({"email": "a\u0000@b.example", "password": "x"}, "/email"),
        ({"phone": "0700000001", "password": "x"}, "/phone"),
        ({"email": ["a"], "password": "x"}, "/email"),
    ]
    for body, pointer in broken:
        answer = await shop.client.post("/api/v1/auth/login", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), body
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], body
        assert "x" * 257 not in answer.text


async def test_an_old_token_in_the_header_does_not_keep_from_logging_in(shop: Harness) -> None:
    body = {"email": "customer@soko.example", "password": PASSWORD}
    answer = await shop.client.post("/api/v1/auth/login", json=body, headers={"Authorization": "Bearer stale"})
    assert answer.status_code == 200


async def test_a_hash_made_with_older_settings_is_replaced(shop: Harness) -> None:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    old = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),)).hash(PASSWORD)
    pool = shop.service.database.pool
    await pool.execute("UPDATE users SET password_hash = $1 WHERE role = 'customer'", old)
    assert (await login(shop)).status_code == 200
    stored = await pool.fetchval("SELECT password_hash FROM users WHERE role = 'customer'")
    assert "m=7168,t=5,p=1" in stored
    assert (await login(shop)).status_code == 200
