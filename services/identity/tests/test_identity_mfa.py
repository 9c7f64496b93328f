"""A second factor: set up, asked for, guessed at, lost and given up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from chassis.fixtures import Harness
from identity import factors
from identity.jobs import tidy
from identity.seed import DEMO_PASSWORD
from letterbox import letters, post, secret, wrong
from second_factor import MFA, App, enrolled, mfa, with_code
from signing_in import bearer, bearing, login, refresh, works
from signing_in import demo as demo_shop

REQUIRED = (401, "/problems/second-factor-required")
WRONG = (401, "/problems/invalid-credentials")
HELD = (429, "/problems/too-many-attempts")


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with demo_shop(running) as harness:
        yield harness


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def events(shop: Harness, user_id: str, *kinds: str) -> list[tuple[str, Any]]:
    """What the audit has of them, the newest last."""
    headers = await bearer(shop, "admin")
    query = {"user": user_id, "kind": kinds}
    found = (await shop.client.get("/api/v1/audit", params=query, headers=headers)).json()["items"]
    return [(each["kind"], each["details"]) for each in reversed(found)]


async def test_an_app_is_set_up_by_a_secret_an_address_or_a_picture(shop: Harness) -> None:
    tokens = await login(shop)
    answer = await mfa(shop, tokens, "POST", password=DEMO_PASSWORD)
    made, uri = answer.json(), urlsplit(answer.json()["uri"])
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Soko:customer%40soko.example")
    assert parse_qs(uri.query) == {"secret": [made["secret"]], "issuer": ["Soko"]}
    assert made["qr"].startswith("data:image/svg+xml")
    assert (await mfa(shop, tokens, "GET")).json() == {"enabled": False, "since": None, "recovery_codes_left": 0}
    assert (await with_code(shop, None)).status_code == 200


async def test_once_confirmed_a_login_needs_password_and_code(shop: Harness) -> None:
    app = await enrolled(shop)
    assert len(set(app.codes)) == 10
    state = (await app.ask("GET")).json()
    assert (state["enabled"], state["recovery_codes_left"]) == (True, 10)
    assert told(await with_code(shop, None)) == REQUIRED
    answer = await with_code(shop, app.next())
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["mfa_since"] == state["since"]
    spaced = app.next()
    assert (await with_code(shop, f"{spaced[:3]} {spaced[3:]}")).status_code == 200


async def test_enabling_ends_the_other_sessions_and_tells_the_owner(shop: Harness) -> None:
    other = await login(shop)
    app = await enrolled(shop)
    assert not await works(shop, other)
    assert await works(shop, app.tokens)
    assert [each.kind for each in await letters(shop, "customer@soko.example")] == ["mfa_enabled"]
    user_id = app.tokens["user"]["id"]
    assert await events(shop, user_id, "mfa_enabled", "sessions_ended") == [
        ("mfa_enabled", {}),
        ("sessions_ended", {"reason": "mfa_enabled", "sessions": 1}),
    ]


async def test_setting_up_needs_the_password_and_confirming_the_code(shop: Harness) -> None:
    tokens = await login(shop)
    assert told(await mfa(shop, tokens, "POST", password="not the password")) == WRONG
    assert (await mfa(shop, tokens, "POST", "/confirm", code="123456")).status_code == 422
    made = await mfa(shop, tokens, "POST", password=DEMO_PASSWORD)
    app = App(shop, tokens, made.json()["secret"], [])
    answer = await app.ask("POST", "/confirm", code=wrong(app.code()))
    assert told(answer) == (422, "/problems/invalid-code")
    assert (await with_code(shop, None)).status_code == 200
    shop.clock.advance(timedelta(hours=1))
    tokens = app.tokens = await login(shop)
    assert told(await app.ask("POST", "/confirm", code=app.code())) == (422, "/problems/invalid-code")


async def test_an_enrolment_that_nobody_confirms_is_gone_after_an_hour(shop: Harness) -> None:
    app = await enrolled(shop, "staff")
    await mfa(shop, await login(shop), "POST", password=DEMO_PASSWORD)
    shop.clock.advance(timedelta(minutes=59))
    assert "0 second factors" in await tidy(shop.service)
    shop.clock.advance(timedelta(minutes=2))
    assert "1 second factors" in await tidy(shop.service)
    kept = await shop.service.database.pool.fetch("SELECT user_id FROM second_factors")
    assert [row["user_id"] for row in kept] == [app.tokens["user"]["id"]]


async def test_a_second_one_is_set_up_only_after_the_first_was_given_up(shop: Harness) -> None:
    app = await enrolled(shop)
    assert told(await app.ask("POST", password=DEMO_PASSWORD)) == (409, "/problems/mfa-enabled")
    assert told(await app.ask("POST", "/confirm", code=app.next())) == (409, "/problems/mfa-enabled")
    assert (await app.ask("DELETE", password=DEMO_PASSWORD, code=app.next())).status_code == 204
    assert (await app.ask("POST", password=DEMO_PASSWORD)).status_code == 201


async def test_a_code_counts_once_also_the_one_that_confirmed(shop: Harness) -> None:
    app = await enrolled(shop)
    assert told(await with_code(shop, app.code())) == WRONG
    code = app.next()
    assert (await with_code(shop, code)).status_code == 200
    assert told(await with_code(shop, code)) == WRONG


async def test_of_many_who_send_one_code_at_once_one_gets_in(shop: Harness) -> None:
    app = await enrolled(shop)
    for code in (app.next(), app.codes[0]):
        answers = await asyncio.gather(*(with_code(shop, code) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
        shop.clock.advance(timedelta(hours=2))


async def test_a_code_is_spent_once_however_many_do_at_the_same_moment(shop: Harness) -> None:
    """As replicas would, which share no turn."""
    app, service = await enrolled(shop), shop.service
    user_id = app.tokens["user"]["id"]
    for code in (app.next(), app.codes[0].replace("-", "")):
        spent = await asyncio.gather(*(factors.spend(service, user_id, code) for _ in range(8)))  # type: ignore[arg-type]
        assert sorted(spent) == [False] * 7 + [True]


async def test_a_clock_may_be_one_step_off_and_no_more(shop: Harness) -> None:
    app = await enrolled(shop)
    shop.clock.advance(timedelta(minutes=5))
    for steps, status in ((-2, 401), (2, 401), (-1, 200), (1, 200)):
        assert (await with_code(shop, app.code(steps))).status_code == status, steps
    # The one that came from a clock ahead of ours was the newest: now's own counts no more.
    assert (await with_code(shop, app.code())).status_code == 401


async def test_a_recovery_code_counts_once_and_its_owner_is_told(shop: Harness) -> None:
    app = await enrolled(shop)
    assert (await with_code(shop, app.codes[3].upper())).status_code == 200
    assert told(await with_code(shop, app.codes[3])) == WRONG
    assert (await with_code(shop, app.codes[4].replace("-", ""))).status_code == 200
    assert (await app.ask("GET")).json()["recovery_codes_left"] == 8
    mails = await letters(shop, "customer@soko.example", "recovery_code_used")
    assert [each.data for each in mails] == [{"left": 9}, {"left": 8}]
    used = await events(shop, app.tokens["user"]["id"], "recovery_code_used")
    assert used == [("recovery_code_used", {"left": 9}), ("recovery_code_used", {"left": 8})]


async def test_new_recovery_codes_replace_the_old_ones(shop: Harness) -> None:
    app = await enrolled(shop)
    refused = await app.ask("POST", "/recovery-codes", password=DEMO_PASSWORD, code=app.code())
    assert told(refused) == WRONG
    new = (await app.ask("POST", "/recovery-codes", password=DEMO_PASSWORD, code=app.next())).json()["recovery_codes"]
    assert len({*new, *app.codes}) == 20
    assert told(await with_code(shop, app.codes[0])) == WRONG
    assert (await with_code(shop, new[0])).status_code == 200


async def test_giving_it_up_needs_password_and_code_and_tells_the_owner(shop: Harness) -> None:
    app = await enrolled(shop)
    for body in (
        {"password": "not the password", "code": app.next()},
        {"password": DEMO_PASSWORD, "code": wrong(app.code())},
    ):
        assert told(await app.ask("DELETE", **body)) == WRONG
    assert (await app.ask("DELETE", password=DEMO_PASSWORD)).status_code == 422
    assert (await app.ask("DELETE", password=DEMO_PASSWORD, code=app.codes[0])).status_code == 204
    assert (await with_code(shop, None)).status_code == 200
    kinds = [each.kind for each in await letters(shop, "customer@soko.example")]
    assert kinds == ["mfa_enabled", "recovery_code_used", "mfa_disabled"]
    for table in ("second_factors", "recovery_codes"):
        assert await shop.service.database.pool.fetchval(f"SELECT count(*) FROM {table}") == 0
    again = await app.ask("DELETE", password=DEMO_PASSWORD, code=app.codes[1])
    assert told(again) == (409, "/problems/mfa-not-enabled")


async def test_an_administrator_turns_it_off_for_whoever_lost_everything(shop: Harness) -> None:
    app = await enrolled(shop)
    user_id, admin = app.tokens["user"]["id"], await login(shop, "admin")
    path = f"/api/v1/users/{user_id}/mfa"
    assert (await shop.client.delete(path, headers=await bearer(shop, "staff"))).status_code == 403
    assert (await shop.client.delete(path, headers=bearing(admin))).status_code == 204
    assert told(await shop.client.delete(path, headers=bearing(admin))) == (409, "/problems/mfa-not-enabled")
    assert (await with_code(shop, None)).status_code == 200
    assert (await letters(shop, "customer@soko.example"))[-1].kind == "mfa_disabled"
    query = {"user": user_id, "kind": "mfa_disabled"}
    found = (await shop.client.get("/api/v1/audit", params=query, headers=bearing(admin))).json()["items"]
    assert [each["by_id"] for each in found] == [admin["user"]["id"]]


async def test_before_the_password_is_right_nothing_tells_of_a_second_factor(shop: Harness) -> None:
    app = await enrolled(shop)
    code = app.next()
    bodies: list[dict[str, str]] = [
        {"email": "customer@soko.example", "totp": code},
        {"email": "customer@soko.example"},
        {"email": "staff@soko.example", "totp": code},
        {"email": "nobody@soko.example", "totp": code},
    ]
    answers = [await post(shop, "login", body | {"password": "not the password"}) for body in bodies]
    assert {each.text.replace(each.json()["request_id"], "…") for each in answers} == {
        answers[0].text.replace(answers[0].json()["request_id"], "…")
    }
    assert {told(each) for each in answers} == {WRONG}
    assert (await with_code(shop, code)).status_code == 200


async def test_whoever_has_none_may_send_a_code_all_the_same(shop: Harness) -> None:
    assert (await with_code(shop, "123456")).status_code == 200


async def test_what_cannot_be_a_code_names_its_field(shop: Harness) -> None:
    app = await enrolled(shop)
    for totp in ("12345", "1234567", "abcdef", "", "١٢٣٤٥٦", "k3jq-x7wd-2m5t-hcv0", "1" * 33):
        answer = await with_code(shop, totp)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/totp"), totp
        answer = await app.ask("DELETE", password=DEMO_PASSWORD, code=totp)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/code"), totp


async def test_a_thousand_wrong_codes_get_nowhere_and_lock_nobody_else_out(shop: Harness) -> None:
    """By somebody who knows the password, asking as fast as they are let, from as many places."""
    app = await enrolled(shop)
    tried, begun = 0, shop.clock()
    for number in range(1000):
        answer = await with_code(shop, wrong(app.code()), network=f"203.0.{number % 256}.{number // 256}")
        tried += told(answer) == WRONG
        if answer.status_code == 429 and number % 2:
            shop.clock.advance(timedelta(seconds=int(answer.headers["retry-after"])))
    assert tried < 600
    assert shop.clock() - begun > timedelta(hours=24)
    assert (await login(shop, "staff"))["user"]["role"] == "staff"


async def test_wrong_codes_hold_back_and_are_recorded_as_wrong_passwords_are(shop: Harness) -> None:
    app = await enrolled(shop)
    for _ in range(5):
        assert told(await with_code(shop, wrong(app.code()))) == WRONG
    for totp in (app.code(1), app.codes[0], None):
        held = await with_code(shop, totp)
        assert (told(held), held.headers["retry-after"]) == (HELD, "1")
    assert await events(shop, app.tokens["user"]["id"], "login_failed", "login_held_back") == [
        *(("login_failed", {"failures": number}) for number in range(1, 6)),
        ("login_held_back", {"failures": 5}),
    ]


async def test_the_right_password_alone_forgets_no_wrong_codes(shop: Harness) -> None:
    app = await enrolled(shop)
    for _ in range(4):
        assert told(await with_code(shop, wrong(app.code()))) == WRONG
        assert told(await with_code(shop, None)) == REQUIRED
    assert told(await with_code(shop, wrong(app.code()))) == WRONG
    assert told(await with_code(shop, None)) == HELD


async def test_a_burst_of_codes_gets_no_more_tries_than_threads_allow(shop: Harness) -> None:
    app = await enrolled(shop)
    answers = await asyncio.gather(*(with_code(shop, wrong(app.code())) for _ in range(20)))
    tried = [answer for answer in answers if answer.status_code == 401]
    assert len(tried) <= 5 + shop.service.settings.password_threads  # type: ignore[attr-defined]
    assert {answer.status_code for answer in answers} == {401, 429}


async def test_wrong_codes_hold_back_whoever_confirms_renews_or_gives_up_too(shop: Harness) -> None:
    app = await enrolled(shop)
    for _ in range(5):
        await app.ask("DELETE", password=DEMO_PASSWORD, code=wrong(app.code()))
    assert told(await app.ask("POST", "/recovery-codes", password=DEMO_PASSWORD, code=app.code(1))) == HELD
    tokens = await login(shop, "staff")
    made = await mfa(shop, tokens, "POST", password=DEMO_PASSWORD)
    other = App(shop, tokens, made.json()["secret"], [])
    for _ in range(5):
        assert (await other.ask("POST", "/confirm", code=wrong(other.code()))).status_code == 422
    assert told(await other.ask("POST", "/confirm", code=other.code())) == HELD


async def test_a_new_password_by_mail_neither_passes_it_by_nor_turns_it_off_nor_forgets_wrong_codes(
    shop: Harness,
) -> None:
    app = await enrolled(shop)
    for _ in range(5):
        await with_code(shop, wrong(app.code()))
    await post(shop, "password/reset", {"email": "customer@soko.example"})
    token = secret((await letters(shop, "customer@soko.example", "password_reset"))[-1], "token")
    new = "another long sentence"
    assert (await post(shop, "password/reset/confirm", {"token": token, "new_password": new})).status_code == 204
    assert told(await with_code(shop, app.code(1), new)) == HELD
    shop.clock.advance(timedelta(seconds=1))
    assert told(await with_code(shop, None, new)) == REQUIRED
    assert (await with_code(shop, app.next(), new)).status_code == 200


async def test_a_login_that_races_with_the_enabling_leaves_no_session_without_a_code(shop: Harness) -> None:
    tokens = await login(shop)
    made = await mfa(shop, tokens, "POST", password=DEMO_PASSWORD)
    app = App(shop, tokens, made.json()["secret"], [])
    *logins, confirmed = await asyncio.gather(
        *(with_code(shop, None) for _ in range(6)), app.ask("POST", "/confirm", code=app.code())
    )
    assert confirmed.status_code == 200
    assert {answer.status_code for answer in logins} <= {200, 401}
    left = "SELECT count(*) FROM sessions WHERE user_id = $1"
    assert await shop.service.database.pool.fetchval(left, tokens["user"]["id"]) == 1


async def test_a_session_goes_on_by_its_refresh_token_alone(shop: Harness) -> None:
    app = await enrolled(shop)
    assert (await refresh(shop, app.tokens["refresh_token"])).status_code == 200


async def test_who_has_one_closes_the_account_with_it_and_nothing_of_it_stays(shop: Harness) -> None:
    app = await enrolled(shop)
    headers = bearing(app.tokens)
    for body, said in (({}, REQUIRED), ({"totp": wrong(app.code())}, WRONG)):
        refused = await shop.client.request(
            "DELETE", "/api/v1/users/me", json={"password": DEMO_PASSWORD, **body}, headers=headers
        )
        assert told(refused) == said
    body = {"password": DEMO_PASSWORD, "totp": app.next()}
    assert (await shop.client.request("DELETE", "/api/v1/users/me", json=body, headers=headers)).status_code == 204
    pool = shop.service.database.pool
    for table in ("second_factors", "recovery_codes"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await pool.fetchval("SELECT count(*) FROM users WHERE mfa_since IS NOT NULL") == 0


async def test_secret_and_codes_are_in_no_table_message_or_log(shop: Harness, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        app = await enrolled(shop)
        await with_code(shop, app.next())
        await with_code(shop, app.codes[0])
        await with_code(shop, "k3jq-x7wd-2m5t-hcva")
        await shop.settle()
    pool = shop.service.database.pool
    tables = [
        row["tablename"] for row in await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    rows = [row["row"] for table in tables for row in await pool.fetch(f'SELECT t::text AS row FROM "{table}" t')]
    said = " ".join([*rows, *map(repr, shop.sent), *(record.getMessage() for record in caplog.records)])
    marks = [app.secret, *app.codes, *(code.replace("-", "") for code in app.codes), "k3jqx7wd"]
    assert [mark for mark in marks if mark.lower() in said.lower()] == []
    answers = [await app.ask("GET"), await shop.client.get("/api/v1/users/me", headers=bearing(app.tokens))]
    assert [answer.text for answer in answers if app.secret in answer.text] == []


async def test_with_another_internal_key_recovery_codes_still_count(shop: Harness) -> None:
    app = await enrolled(shop)
    pool = shop.service.database.pool
    await pool.execute("UPDATE second_factors SET secret = 'bm90IG9mIHRoaXMga2V5LCBhbmQgbG9uZyBlbm91Z2g='")
    assert told(await with_code(shop, app.next())) == WRONG
    assert (await with_code(shop, app.codes[0])).status_code == 200


async def test_only_whoever_is_logged_in_has_one(shop: Harness) -> None:
    bodies: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("POST", "", {"password": DEMO_PASSWORD}),
        ("POST", "/confirm", {"code": "123456"}),
        ("POST", "/recovery-codes", {"password": DEMO_PASSWORD, "code": "123456"}),
        ("DELETE", "", {"password": DEMO_PASSWORD, "code": "123456"}),
    ]
    for method, path, body in bodies:
        assert (await shop.client.request(method, MFA + path, json=body)).status_code == 401
