"""Another e-mail address or phone for one's own account."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from chassis.fixtures import Harness
from letterbox import code_at, letters, post, wrong
from signing_in import bearer, create, demo, login
from soko_contracts.identity import UserErased, UserUpdated

OLD, NEW, PHONE = "customer@soko.example", "amina@shop.example", "+254700000001"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def change(shop: Harness, headers: dict[str, str], **changes: Any) -> Any:
    return await shop.client.patch("/api/v1/users/me", json=changes, headers=headers)


async def verify(shop: Harness, headers: dict[str, str], code: str, **address: str) -> Any:
    return await post(shop, "verify", {**(address or {"email": NEW}), "code": code}, **headers)


async def test_a_new_email_counts_once_its_code_is_confirmed_and_the_old_one_is_told(shop: Harness) -> None:
    headers = await bearer(shop)
    shown = (await change(shop, headers, email=NEW.upper())).json()
    assert (shown["email"], shown["pending_email"]) == (OLD, NEW)
    code = await code_at(shop, NEW)
    assert (await verify(shop, headers, wrong(code))).status_code == 422
    assert (await verify(shop, {}, code)).status_code == 422
    await login(shop)
    assert (await verify(shop, headers, code)).status_code == 200
    shown = (await shop.client.get("/api/v1/users/me", headers=headers)).json()
    assert (shown["email"], shown["pending_email"]) == (NEW, None)
    assert (await post(shop, "login", {"email": OLD, "password": "soko-demo-2026"})).status_code == 401
    assert (await post(shop, "login", {"email": NEW, "password": "soko-demo-2026"})).status_code == 200
    (told,) = await letters(shop, OLD)
    assert (told.kind, told.data) == ("address_changed", {})
    assert isinstance(shop.sent[-2], UserUpdated)


async def test_a_new_phone_is_a_login_once_it_is_confirmed(shop: Harness) -> None:
    headers, body = await bearer(shop), {"phone": PHONE, "password": "soko-demo-2026"}
    shown = (await change(shop, headers, phone="+254 700 000 001")).json()
    assert (shown["phone"], shown["pending_phone"]) == (None, PHONE)
    assert (await post(shop, "login", body)).status_code == 401
    assert (await verify(shop, headers, await code_at(shop, PHONE), phone=PHONE)).status_code == 200
    user = (await post(shop, "login", body)).json()["user"]
    assert (user["phone"], user["phone_verified"], user["pending_phone"]) == (PHONE, True, None)
    assert (await change(shop, headers, phone=None)).json()["phone"] is None


async def test_another_code_is_sent_on_request_and_only_the_last_counts(shop: Harness) -> None:
    headers = await bearer(shop)
    await change(shop, headers, email=NEW)
    assert (await post(shop, "resend-code", {"email": NEW}, **headers)).status_code == 429
    shop.clock.advance(timedelta(minutes=1))
    assert (await post(shop, "resend-code", {"email": NEW}, **headers)).status_code == 202
    assert len(await letters(shop, NEW, "verification_code")) == 2
    assert (await verify(shop, headers, await code_at(shop, NEW))).status_code == 200


async def test_an_address_that_somebody_has_looks_like_any_other_and_its_owner_is_told(shop: Harness) -> None:
    user_id = (await create(shop, email=NEW)).json()["id"]
    headers = await bearer(shop)
    shown = (await change(shop, headers, email=NEW)).json()
    assert (shown["email"], shown["pending_email"]) == (OLD, NEW)
    (letter,) = await letters(shop, NEW)
    assert (letter.kind, letter.subject_id) == ("account_exists", user_id)
    assert (await verify(shop, headers, "000000")).status_code == 422


async def test_an_address_that_somebody_took_meanwhile_names_the_field(shop: Harness) -> None:
    headers = await bearer(shop)
    await change(shop, headers, email=NEW)
    await create(shop, email=NEW)
    answer = await verify(shop, headers, await code_at(shop, NEW))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/email")


async def test_who_only_registered_with_an_address_gives_way_to_who_confirms_it(shop: Harness) -> None:
    await post(shop, "register", {"email": NEW, "password": "a long sentence"})
    shop.clock.advance(timedelta(minutes=1))
    headers = await bearer(shop)
    await change(shop, headers, email=NEW)
    assert (await verify(shop, headers, await code_at(shop, NEW))).status_code == 200
    await shop.settle()
    assert any(isinstance(message, UserErased) for message in shop.sent)


async def test_going_back_to_the_old_address_calls_the_new_one_off(shop: Harness) -> None:
    headers = await bearer(shop)
    await change(shop, headers, email=NEW)
    assert (await change(shop, headers, email=OLD)).json()["pending_email"] is None
    assert (await verify(shop, headers, await code_at(shop, NEW))).status_code == 422
