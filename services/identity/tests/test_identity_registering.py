"""Registering, and proving an address by its code."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from chassis.fixtures import Harness
from identity.api import registration
from identity.jobs import tidy
from letterbox import code_at, letters, post, secret, wrong
from signing_in import create, demo
from soko_contracts.identity import UserErased, UserRegistered, UserVerified

NEW = "amina@shop.example"
KNOWN = "customer@soko.example"
PHONE = "+254700000001"
PASSWORD = "a long sentence"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def register(shop: Harness, **changes: Any) -> Any:
    if "email" not in changes and "phone" not in changes:
        changes["email"] = NEW
    return await post(shop, "register", {"password": PASSWORD, **changes})


async def verify(shop: Harness, code: str, email: str = NEW) -> Any:
    return await post(shop, "verify", {"email": email, "code": code})


async def login(shop: Harness, password: str = PASSWORD, **name: str) -> Any:
    return await post(shop, "login", {**(name or {"email": NEW}), "password": password})


def told(answer: Any) -> tuple[int, str]:
    """An answer without what differs in every request."""
    request_id = answer.json().get("request_id", "…")
    return answer.status_code, answer.text.replace(request_id, "…")


async def test_who_confirms_the_code_may_log_in(shop: Harness) -> None:
    answer = await register(shop, email="Amina@Shop.example", first_name="Amina", language="sw")
    assert (answer.status_code, answer.json()) == (202, {"status": "verification_sent"})
    unverified = await login(shop)
    assert (unverified.status_code, unverified.json()["type"]) == (403, "/problems/not-verified")
    assert (await login(shop, "not the password")).status_code == 401
    assert (await verify(shop, await code_at(shop, NEW))).json() == {"status": "verified"}
    user = (await login(shop)).json()["user"]
    assert (user["email"], user["first_name"], user["language"], user["role"]) == (NEW, "Amina", "sw", "customer")
    mails = await letters(shop, NEW)
    assert [(each.kind, each.data) for each in mails] == [
        ("verification_code", {"minutes": 10}),
        ("welcome", {"first_name": "Amina"}),
    ]
    assert mails[0].contact == {"email": NEW, "phone": None, "language": "sw"}
    who = {"user_id": user["id"], "role": "customer", "active": True}
    assert [m for m in shop.sent if m not in mails] == [UserRegistered(**who), UserVerified(**who)]


async def test_a_phone_is_as_good_as_an_email(shop: Harness) -> None:
    assert (await register(shop, phone="+254 700 000 001")).status_code == 202
    assert (await login(shop, phone=PHONE)).status_code == 403
    body = {"phone": PHONE, "code": await code_at(shop, PHONE)}
    assert (await post(shop, "verify", body)).status_code == 200
    user = (await login(shop, phone=PHONE)).json()["user"]
    assert (user["email"], user["phone"], user["phone_verified"]) == (None, PHONE, True)
    assert {each.contact["email"] for each in await letters(shop, PHONE)} == {None}


async def test_an_address_that_is_known_gets_the_same_answers_and_a_mail(shop: Harness) -> None:
    for path, body in (
        ("register", {"password": PASSWORD, "username": "amina"}),
        ("register", {"password": PASSWORD, "username": "amina"}),
        ("resend-code", {}),
        *(("verify", {"code": "000000"}) for _ in range(6)),
    ):
        known, unknown = [await post(shop, path, {**body, "email": email}) for email in (KNOWN, NEW)]
        assert told(known) == told(unknown), path
        assert known.headers.keys() == unknown.headers.keys()
    assert [each.kind for each in await letters(shop, KNOWN)] == ["account_exists"]
    assert (await login(shop, email=KNOWN)).status_code == 429


async def test_known_and_unknown_take_as_long(shop: Harness) -> None:
    """Each hashes one password; what is left of a difference goes under in the time that an answer takes at least."""
    loop, times = asyncio.get_running_loop(), dict[str, float]()
    for email in (KNOWN, NEW):
        begun = loop.time()
        await register(shop, email=email)
        times[email] = loop.time() - begun
    assert min(times.values()) >= 0.1
    assert max(times.values()) < 3 * min(times.values())


async def test_a_username_that_is_taken_is_422_whether_the_address_is_known_or_not(shop: Harness) -> None:
    await create(shop, username="pat")
    answers = [await register(shop, email=email, username="PAT") for email in (KNOWN, NEW, "packer@soko.example")]
    assert {told(answer) for answer in answers} == {told(answers[0])}
    assert (answers[0].status_code, answers[0].json()["errors"][0]["pointer"]) == (422, "/username")


async def test_a_broken_registration_names_the_field(shop: Harness) -> None:
    broken: list[tuple[dict[str, Any], str]] = [
        ({"phone": PHONE, "email": NEW}, ""),
        ({"email": None}, ""),
        ({"email": "nobody"}, "/email"),
        ({"password": "too short"}, "/password"),
        ({"password": NEW.upper()}, "/password"),
        ({"role": "admin"}, "/role"),
        ({"verified": True}, "/verified"),
    ]
    for changes, pointer in broken:
        answer = await register(shop, **changes)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), changes


async def test_where_two_registered_the_owner_of_the_address_chooses_the_password(shop: Harness) -> None:
    await register(shop, first_name="Somebody", username="amina")
    old = await code_at(shop, NEW)
    shop.clock.advance(timedelta(minutes=1))
    assert (await register(shop, password="another sentence", first_name="Amina", username="amina")).status_code == 202
    code = await code_at(shop, NEW)
    if old != code:
        assert (await verify(shop, old)).status_code == 422
    assert (await verify(shop, code)).status_code == 200
    for password in (PASSWORD, "another sentence"):
        assert (await login(shop, password)).status_code == 401
    token = secret((await letters(shop, NEW, "password_reset"))[-1], "token")
    chosen = {"token": token, "new_password": "the owner's own sentence"}
    assert (await post(shop, "password/reset/confirm", chosen)).status_code == 204
    answer = await login(shop, chosen["new_password"])
    assert answer.json()["user"]["first_name"] == "Amina"
    assert len([m for m in shop.sent if isinstance(m, UserRegistered)]) == 1


async def test_an_account_that_was_never_confirmed_gives_way_to_one_that_an_administrator_makes(shop: Harness) -> None:
    await register(shop, email="packer@soko.example")
    await register(shop, phone=PHONE)
    assert (await create(shop)).status_code == 201
    await shop.settle()
    assert len([m for m in shop.sent if isinstance(m, UserErased)]) == 1
    assert (await login(shop, phone=PHONE)).status_code == 403


async def test_codes_are_sent_again_after_ever_longer_waits(shop: Harness) -> None:
    await register(shop)
    for wait in (60, 120, 240, 480, 600, 600):
        held = await post(shop, "resend-code", {"email": NEW})
        assert (held.status_code, held.headers["retry-after"]) == (429, str(wait))
        shop.clock.advance(timedelta(seconds=wait))
        assert (await post(shop, "resend-code", {"email": NEW})).status_code == 202
    assert len(await letters(shop, NEW, "verification_code")) == 7
    assert (await verify(shop, await code_at(shop, NEW))).status_code == 200


async def test_of_many_who_ask_for_a_code_at_once_one_gets_it(shop: Harness) -> None:
    answers = await asyncio.gather(*(register(shop) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202, 429, 429, 429, 429, 429]
    assert len(await letters(shop, NEW)) == 1


async def test_a_code_that_is_wrong_old_used_or_nobodys_is_one_and_the_same_problem(shop: Harness) -> None:
    await register(shop)
    code = await code_at(shop, NEW)
    answers = [await verify(shop, wrong(code)), await verify(shop, code, "nobody@shop.example")]
    shop.clock.advance(timedelta(minutes=10))
    answers.append(await verify(shop, code))
    await post(shop, "resend-code", {"email": NEW})
    code = await code_at(shop, NEW)
    assert (await verify(shop, code)).status_code == 200
    answers.append(await verify(shop, code))
    assert {told(answer) for answer in answers} == {told(answers[0])}
    assert (answers[0].status_code, answers[0].json()["type"]) == (422, "/problems/invalid-code")


async def test_five_wrong_tries_use_a_code_up(shop: Harness) -> None:
    await register(shop)
    code = await code_at(shop, NEW)
    for _ in range(5):
        assert (await verify(shop, wrong(code))).status_code == 422
    shop.clock.advance(timedelta(seconds=1))
    assert (await verify(shop, code)).status_code == 422


async def test_a_thousand_wrong_codes_get_nowhere_and_lock_nobody_else_out(
    shop: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked as fast as they are let, from as many places, with a new code whenever there is one to be had."""
    monkeypatch.setattr(registration, "EVEN", 0.0)  # the least that an answer takes: two minutes of them prove nothing
    await register(shop)
    tried, begun = 0, shop.clock()
    for number in range(1000):
        network = f"203.0.{number % 256}.{number // 256}"
        body = {"email": NEW, "code": wrong(await code_at(shop, NEW))}
        answer = await post(shop, "verify", body, network)
        tried += answer.status_code == 422
        if answer.status_code == 429 and number % 2:
            shop.clock.advance(timedelta(seconds=int(answer.headers["retry-after"])))
            await post(shop, "resend-code", {"email": NEW}, network)
    assert tried < 600
    assert shop.clock() - begun > timedelta(hours=24)
    assert (await login(shop, "soko-demo-2026", email=KNOWN)).status_code == 200
    await register(shop, email="other@shop.example")
    assert (await verify(shop, await code_at(shop, "other@shop.example"), "other@shop.example")).status_code == 200


async def test_a_burst_of_codes_gets_five_tries(shop: Harness) -> None:
    await register(shop)
    code = await code_at(shop, NEW)
    answers = await asyncio.gather(*(verify(shop, wrong(code)) for _ in range(30)))
    assert {answer.status_code for answer in answers} <= {422, 429}
    shop.clock.advance(timedelta(minutes=5))
    assert (await verify(shop, code)).status_code == 422


async def test_a_network_address_that_has_codes_sent_to_many_is_held_back(running: Callable[..., Any]) -> None:
    async with demo(running, login_address_failures=3) as shop:
        answers = [await register(shop, email=f"a{number}@shop.example") for number in range(5)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 202, 429]


async def test_codes_are_kept_as_keyed_hashes_only(shop: Harness) -> None:
    await register(shop)
    (letter,) = await letters(shop, NEW)
    code = secret(letter, "code")
    assert code not in repr(letter)
    (row,) = await shop.service.database.pool.fetch("SELECT codes::text AS row FROM codes")
    assert code not in row["row"]


async def test_an_account_that_nobody_confirms_is_gone_after_a_week(shop: Harness) -> None:
    await register(shop)
    shop.clock.advance(timedelta(days=6, hours=23))
    assert "0 unconfirmed accounts" in await tidy(shop.service)
    shop.clock.advance(timedelta(hours=1))
    assert "1 unconfirmed accounts" in await tidy(shop.service)
    await shop.settle()
    assert isinstance(shop.sent[-1], UserErased)
    assert (await login(shop)).status_code == 401
    assert (await login(shop, "soko-demo-2026", email=KNOWN)).status_code == 200
