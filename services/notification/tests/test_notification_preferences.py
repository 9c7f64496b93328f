"""What customers choose to be told of, and by which channel."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from chassis.confiding import confide
from chassis.fixtures import Harness
from mailing import Running, Server, files, rows, wish
from soko_contracts import identity

PREFERENCES = "/api/v1/notifications/preferences"
BOTH: dict[str, Any] = {"email": "jane@soko.example", "phone": "+254700000001", "language": "en"}
PHONE = {**BOTH, "email": None}
DEFAULTS = {
    "order_updates": {"email": True, "sms": None, "required": False},
    "abandoned_cart": {"email": False, "required": False},
    "account": {"required": True},
}


async def choose(harness: Harness, **body: Any) -> Any:
    answer = await harness.client.patch(PREFERENCES, json=body, headers=harness.bearer("u-1"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def told(harness: Harness) -> list[tuple[str, str, str]]:
    return sorted((row["kind"], row["channel"], row["status"]) for row in await rows(harness))


async def test_what_is_chosen_is_shown_and_the_rest_stays_as_it_is(mailing: Running) -> None:
    async with mailing() as harness:
        mine, other = harness.bearer("u-1"), harness.bearer("u-2")
        assert (await harness.client.get(PREFERENCES, headers=mine)).json() == DEFAULTS
        changed = await choose(harness, order_updates={"sms": True})
        assert changed == DEFAULTS | {"order_updates": {"email": True, "sms": True, "required": False}}
        assert await choose(harness, order_updates={"email": False}, abandoned_cart={"email": True}) == {
            "order_updates": {"email": False, "sms": True, "required": False},
            "abandoned_cart": {"email": True, "required": False},
            "account": {"required": True},
        }
        assert (await harness.client.get(PREFERENCES, headers=other)).json() == DEFAULTS
        nothing = {"email": None, "sms": None}
        assert await choose(harness, order_updates=nothing, abandoned_cart={"email": None}) == DEFAULTS
        assert await harness.service.database.pool.fetchval("select count(*) from preferences") == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"account": {"email": False}}, "/account"),
        ({"account": {}}, "/account"),
        ({"abandoned_cart": {"sms": True}}, "/abandoned_cart/sms"),
        ({"abandoned_cart": True}, "/abandoned_cart"),
        ({"order_updates": {"email": 1}}, "/order_updates/email"),
        ({"birthdays": {"email": True}}, "/birthdays"),
    ],
)
async def test_what_cannot_be_chosen_is_named(mailing: Running, body: Any, pointer: str) -> None:
    async with mailing() as harness:
        answer = await harness.client.patch(PREFERENCES, json=body, headers=harness.bearer("u-1"))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
        assert await harness.service.database.pool.fetchval("select count(*) from preferences") == 0
        assert (await harness.client.get(PREFERENCES)).status_code == 401


@pytest.mark.parametrize(
    ("chosen", "contact", "sent"),
    [
        ({}, BOTH, {("email", "sent")}),
        ({"sms": True}, BOTH, {("email", "sent"), ("sms", "sent")}),
        ({"sms": True, "email": False}, BOTH, {("email", "unwanted"), ("sms", "sent")}),
        ({"email": False}, BOTH, {("email", "unwanted")}),
        ({"sms": False}, BOTH, {("email", "sent")}),
        ({}, PHONE, {("sms", "sent")}),
        ({"email": False}, PHONE, {("sms", "sent")}),
        ({"sms": False}, PHONE, {("sms", "unwanted")}),
        ({"sms": True}, {**BOTH, "phone": None}, {("email", "sent")}),
    ],
)
async def test_an_order_is_told_of_by_the_channels_that_its_customer_chose(
    mailing: Running, tmp_path: Path, chosen: Any, contact: Any, sent: set[tuple[str, str]]
) -> None:
    async with mailing() as harness:
        if chosen:
            await choose(harness, order_updates=chosen)
        await harness.deliver(wish(contact=contact), wish(contact=contact), subject="u-1")
        found = await told(harness)
        assert found == sorted(("order_confirmed", channel, status) for channel, status in sent)
        left = sorted(channel for channel, status in sent if status == "sent")
        assert sorted(message.channel for message in harness.sent) == left
        texts = list((tmp_path / "sms").glob("*.txt"))
        assert (len(files(tmp_path)), len(texts)) == (left.count("email"), left.count("sms"))
        assert await harness.service.database.pool.fetchval("select count(*) from calls") == 0


async def test_what_is_said_by_mail_alone_is_not_missed_where_sms_is_wanted_too(mailing: Running) -> None:
    async with mailing() as harness:
        await choose(harness, order_updates={"sms": True})
        await harness.deliver(wish("order_received", contact=BOTH), wish(contact=BOTH), subject="u-1")
        assert await told(harness) == [
            ("order_confirmed", "email", "sent"),
            ("order_confirmed", "sms", "sent"),
            ("order_received", "email", "sent"),
        ]


async def test_an_sms_does_not_wait_for_the_mail_server(mailing: Running, server: Server) -> None:
    server.says = ["451 not now"]
    async with mailing(smtp_url=server.url) as harness:
        await choose(harness, order_updates={"sms": True})
        await harness.deliver(wish(contact=BOTH), subject="u-1")
        assert await told(harness) == [("order_confirmed", "email", "queued"), ("order_confirmed", "sms", "sent")]
        harness.clock.advance(timedelta(seconds=30))
        await harness.settle()
        assert await told(harness) == [("order_confirmed", "email", "sent"), ("order_confirmed", "sms", "sent")]
        assert len(server.taken) == 1


async def test_codes_and_what_concerns_an_account_go_whatever_was_chosen(mailing: Running, tmp_path: Path) -> None:
    async with mailing() as harness:
        await choose(harness, order_updates={"email": False, "sms": False}, abandoned_cart={"email": False})
        secret = {"code": confide(harness.service.settings.soko_internal_key, "493027")}
        await harness.deliver(
            wish("verification_code", secrets=secret, data={}),
            wish("verification_code", secrets=secret, data={}, contact=PHONE, cause="c-2"),
            wish("password_changed", data={}),
            subject="u-1",
        )
        assert await told(harness) == [
            ("password_changed", "email", "sent"),
            ("verification_code", "email", "sent"),
            ("verification_code", "sms", "sent"),
        ]
    assert not [mail for mail in files(tmp_path) if mail["List-Unsubscribe"]]


async def test_an_erased_customers_choices_go_and_no_sms_that_waits_beside_a_mail_leaves(
    mailing: Running, server: Server
) -> None:
    server.says = ["451 not now"]
    async with mailing(smtp_url=server.url) as harness:
        await choose(harness, order_updates={"sms": True})
        await harness.deliver(wish(contact=BOTH), subject="u-1")
        await harness.deliver(identity.UserErased(user_id="u-1", role="customer", active=False), subject="u-1")
        harness.clock.advance(timedelta(minutes=10))
        await harness.settle()
        assert [row["recipient"] for row in await rows(harness)] == [None, None]
        assert await told(harness) == [("order_confirmed", "email", "failed"), ("order_confirmed", "sms", "sent")]
        assert server.taken == []
        assert await harness.service.database.pool.fetchval("select count(*) from preferences") == 0
