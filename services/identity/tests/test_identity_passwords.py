"""Another password: by the old one, or by a token that was sent to the account's address."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from chassis.fixtures import Harness
from identity.passwords import fault
from identity.seed import DEMO_PASSWORD
from letterbox import letters, post, secret
from signing_in import bearing, create, demo, login, refresh, works
from soko_contracts.identity import UserVerified

MINE = "customer@soko.example"
NEW = "another long sentence"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo(running) as harness:
        yield harness


async def change(shop: Harness, tokens: dict[str, Any], old: str = DEMO_PASSWORD, new: str = NEW) -> Any:
    return await post(shop, "password/change", {"current_password": old, "new_password": new}, **bearing(tokens))


async def asked(shop: Harness, email: str = MINE) -> str:
    """The token that a reset sends."""
    answer = await post(shop, "password/reset", {"email": email})
    assert (answer.status_code, answer.json()) == (202, {"status": "reset_sent"})
    return secret((await letters(shop, email, "password_reset"))[-1], "token")


async def confirm(shop: Harness, token: str, new: str = NEW) -> Any:
    return await post(shop, "password/reset/confirm", {"token": token, "new_password": new})


async def test_a_changed_password_ends_the_other_sessions_and_is_told(shop: Harness) -> None:
    here, there = await login(shop), await login(shop)
    assert (await change(shop, here)).status_code == 204
    assert (await works(shop, here), await works(shop, there)) == (True, False)
    assert (await refresh(shop, there["refresh_token"])).status_code == 401
    assert (await refresh(shop, here["refresh_token"])).status_code == 200
    await login(shop, password=NEW)
    assert [each.kind for each in await letters(shop, MINE)] == ["password_changed"]


async def test_a_change_needs_the_password_that_is_and_a_good_one(shop: Harness) -> None:
    tokens = await login(shop)
    for old, new, pointer in (
        ("not the password", NEW, "/current_password"),
        (DEMO_PASSWORD, "short", "/new_password"),
        (DEMO_PASSWORD, MINE.upper(), "/new_password"),
        (DEMO_PASSWORD, "Qwertyuiop", "/new_password"),
    ):
        answer = await change(shop, tokens, old, new)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    await login(shop)


async def test_who_holds_a_stolen_token_cannot_guess_the_password(shop: Harness) -> None:
    tokens = await login(shop)
    for _ in range(5):
        assert (await change(shop, tokens, "not the password")).status_code == 422
    held = await change(shop, tokens)
    assert (held.status_code, held.headers["retry-after"]) == (429, "1")


async def test_a_token_sets_a_new_password_once_and_ends_every_session(shop: Harness) -> None:
    here, token = await login(shop), await asked(shop)
    assert (await confirm(shop, token)).status_code == 204
    assert not await works(shop, here)
    await login(shop, password=NEW)
    again = await confirm(shop, token)
    assert (again.status_code, again.json()["type"]) == (422, "/problems/invalid-reset-token")
    reset, changed = await letters(shop, MINE)
    assert (reset.data, changed.kind) == ({"minutes": 30}, "password_changed")


async def test_a_token_is_good_for_half_an_hour_and_until_another_was_used(shop: Harness) -> None:
    token = await asked(shop)
    shop.clock.advance(timedelta(minutes=28))
    second = await asked(shop)
    shop.clock.advance(timedelta(minutes=2))
    assert (await confirm(shop, token)).status_code == 422
    third = await asked(shop)
    assert (await confirm(shop, second)).status_code == 204
    assert (await confirm(shop, third)).status_code == 422
    assert (await confirm(shop, "made up")).status_code == 422


async def test_a_password_that_is_refused_leaves_the_token_good(shop: Harness) -> None:
    token = await asked(shop)
    answer = await confirm(shop, token, MINE)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/new_password")
    assert (await confirm(shop, token)).status_code == 204


async def test_a_token_for_an_address_that_the_account_left_opens_nothing(shop: Harness) -> None:
    token = await asked(shop)
    await shop.service.database.pool.execute("UPDATE users SET email = 'b@soko.example' WHERE email = $1", MINE)
    assert (await confirm(shop, token)).status_code == 422


async def test_an_address_that_nobody_has_gets_the_same_answers(shop: Harness) -> None:
    await asked(shop)
    assert (await post(shop, "password/reset", {"email": "nobody@soko.example"})).text == '{"status":"reset_sent"}'
    assert await letters(shop, "nobody@soko.example") == []
    held = [await post(shop, "password/reset", {"email": email}) for email in (MINE, "nobody@soko.example")]
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in held] == [(429, "60")] * 2
    assert len({answer.text.replace(answer.json()["request_id"], "…") for answer in held}) == 1


async def test_a_token_confirms_the_address_it_came_to(shop: Harness) -> None:
    await post(shop, "register", {"email": "amina@shop.example", "password": "a long sentence"})
    assert (await confirm(shop, await asked(shop, "amina@shop.example"))).status_code == 204
    answer = await post(shop, "login", {"email": "amina@shop.example", "password": NEW})
    assert answer.json()["user"]["verified"] is True
    await shop.settle()
    assert any(isinstance(message, UserVerified) for message in shop.sent)


async def test_a_phone_gets_its_token_by_sms(shop: Harness) -> None:
    await create(shop, email=None, username="pat", phone="+254700000009")
    await post(shop, "password/reset", {"phone": "+254700000009"})
    (letter,) = await letters(shop, "+254700000009", "password_reset")
    assert letter.contact["email"] is None
    assert (await confirm(shop, secret(letter, "token"))).status_code == 204


async def test_tokens_are_stored_as_hashes_only(shop: Harness) -> None:
    token = await asked(shop)
    (row,) = await shop.service.database.pool.fetch("SELECT reset_tokens::text AS row FROM reset_tokens")
    assert token not in row["row"]


async def test_a_success_forgets_the_failures(shop: Harness) -> None:
    for _ in range(5):
        await post(shop, "login", {"email": MINE, "password": "not the password"})
    assert (await confirm(shop, await asked(shop))).status_code == 204
    await login(shop, password=NEW)


@pytest.mark.parametrize("password", ["qwertyuiop", "PASSWORD123", "1q2w3e4r5t6y"])
def test_a_password_that_many_people_use_is_refused(password: str) -> None:
    assert fault(password) == "is one that many people use"


def test_the_password_of_the_demo_is_not_among_them() -> None:
    assert fault(DEMO_PASSWORD) is None
