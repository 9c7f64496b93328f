"""What providers report: kept, shown, and trusted for nothing else."""

from typing import Any

import pytest
from chassis.fixtures import Harness
from mailing import Running, rows, wish
from notification.settings import Settings
from pydantic import SecretStr, ValidationError
from soko_contracts import identity
from texting import FORM, Provider, africas_talking

SECRET = "q7Xw-0198c0de_5f7e"
REPORTS = "/api/v1/notifications/reports"
AFRICAS_TALKING, GATEWAY, MAIL = (f"{REPORTS}/{name}/{SECRET}" for name in ("africastalking", "gateway", "mail"))
PHONE: dict[str, Any] = {"email": None, "phone": "+254700000001", "language": "en"}
HEARING = {"delivery_reports_secret": SecretStr(SECRET)}


async def became(harness: Harness) -> list[tuple[str, str | None, str | None]]:
    return [(row["status"], row["delivery"], row["delivery_reason"]) for row in await rows(harness)]


async def say(harness: Harness, path: str, **body: Any) -> None:
    answer = await harness.client.post(path, json=body)
    assert (answer.status_code, answer.json()) == (200, {"received": True})


async def test_africas_talking_says_that_an_sms_arrived(mailing: Running, provider: Provider) -> None:
    async with mailing(**africas_talking(provider), **HEARING) as harness:
        await harness.deliver(wish(contact=PHONE), subject="u-1")
        (row,) = await rows(harness)
        assert [row["provider_id"]] == provider.named
        for status in ("Sent", "Submitted", "Buffered", "Whatever"):
            answer = await provider.report(harness.client, AFRICAS_TALKING, status)
            assert (answer.status_code, answer.json()) == (200, {"received": True})
        assert await became(harness) == [("sent", None, None)]
        events = len(harness.sent)
        await provider.report(harness.client, AFRICAS_TALKING, "Success")
        await harness.settle()
        assert await became(harness) == [("sent", "delivered", None)]
        assert len(harness.sent) == events
        shown = (await harness.client.get("/api/v1/notifications", headers=harness.bearer("u-1"))).json()["items"][0]
        assert (shown["delivery"], shown["provider_id"]) == ("delivered", provider.named[0])
        assert shown["reported_at"] is not None


@pytest.mark.parametrize(
    ("status", "more", "reason"),
    [
        ("Failed", {"failureReason": "UserDoesNotExist"}, "UserDoesNotExist"),
        ("Rejected", {"failureReason": ""}, "Rejected"),
        ("AbsentSubscriber", {}, "AbsentSubscriber"),
        ("Expired", {}, "Expired"),
        ("Failed", {"failureReason": "gone: +254700000001"}, "gone: ***"),
    ],
)
async def test_what_did_not_arrive_says_why_and_the_first_end_stays(
    mailing: Running, provider: Provider, status: str, more: dict[str, str], reason: str
) -> None:
    async with mailing(**africas_talking(provider), **HEARING) as harness:
        await harness.deliver(wish(contact=PHONE), subject="u-1")
        await provider.report(harness.client, AFRICAS_TALKING, status, **more)
        assert await became(harness) == [("sent", "failed", reason)]
        for late in ("Success", "Buffered", status):
            await provider.report(harness.client, AFRICAS_TALKING, late)
        assert await became(harness) == [("sent", "failed", reason)]


async def test_a_report_about_nothing_known_is_taken_and_dropped(mailing: Running, provider: Provider) -> None:
    async with mailing(**africas_talking(provider), **HEARING) as harness:
        await harness.deliver(wish(contact=PHONE), wish(cause="o-2"), subject="u-1")
        mail_id = next(row["id"] for row in await rows(harness) if row["channel"] == "email")
        answer = await provider.report(harness.client, AFRICAS_TALKING, "Success", id_="ATXid_of_another")
        assert answer.status_code == 200
        await say(harness, GATEWAY, id="nobody's", status="delivered")
        await say(harness, GATEWAY, id=mail_id, status="delivered")
        await say(harness, MAIL, message_id="<nobody@soko.example>", status="bounced")
        assert await became(harness) == [("sent", None, None)] * 2


async def test_a_plain_gateway_reports_by_the_id_that_it_was_given(mailing: Running, provider: Provider) -> None:
    async with mailing(sms_gateway_url=f"{provider.url}/send", **HEARING) as harness:
        await harness.deliver(wish(contact=PHONE), subject="u-1")
        (row,) = await rows(harness)
        assert [row["provider_id"]] == provider.named
        await say(harness, GATEWAY, id=row["id"], status="failed", reason="the phone is off")
        await say(harness, GATEWAY, id=row["id"], status="delivered")
        assert await became(harness) == [("sent", "failed", "the phone is off")]


async def test_a_mail_that_comes_back_is_shown_so(mailing: Running) -> None:
    async with mailing(**HEARING) as harness:
        await harness.deliver(wish(), subject="u-1")
        (row,) = await rows(harness)
        message_id = f"<{row['id']}@soko.example>"
        await say(harness, MAIL, message_id=message_id, status="delivered")
        assert await became(harness) == [("sent", "delivered", None)]
        said = "550 5.1.1 <jane@soko.example>: no such mailbox"
        await say(harness, MAIL, message_id=message_id.strip("<>"), status="bounced", reason=said)
        await say(harness, MAIL, message_id=message_id, status="delivered")
        await say(harness, MAIL, message_id=message_id, status="complained")
        assert await became(harness) == [("sent", "bounced", "550 5.1.1 <***>: no such mailbox")]
        await harness.deliver(wish(cause="o-2"), subject="u-1")
        assert [status for status, _, _ in await became(harness)] == ["sent", "sent"]
        await harness.deliver(identity.UserErased(user_id="u-1", role="customer", active=False), subject="u-1")
        assert await became(harness) == [("sent", "bounced", None), ("sent", None, None)]
        later = f"<{(await rows(harness))[1]['id']}@soko.example>"
        await say(harness, MAIL, message_id=later, status="bounced", reason="Jane is gone")
        assert await became(harness) == [("sent", "bounced", None)] * 2


@pytest.mark.parametrize("path", [AFRICAS_TALKING, GATEWAY, MAIL])
async def test_whoever_does_not_know_the_path_finds_nothing(mailing: Running, provider: Provider, path: str) -> None:
    body = {"id": "x", "status": "delivered", "message_id": "x"}
    async with mailing(**HEARING) as harness:
        for wrong in (path[:-1], path + "x", path.replace(SECRET, "%F0%9F%92%A5")):
            answer = await harness.client.post(wrong, json=body)
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    async with mailing() as harness:
        assert (await harness.client.post(path, json=body)).status_code == 404
        assert (await harness.client.post(f"{path.removesuffix(SECRET)}-", json=body)).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("status=Success", 422),
        ("id=&status=Success", 422),
        ("id=1", 422),
        (f"id={'1' * 201}&status=Success", 422),
        ("&".join(f"a{number}=1" for number in range(30)), 400),
        (b"id=\xff", 400),
        ("", 422),
        ("x" * 20_000, 413),
    ],
)
async def test_a_report_that_cannot_be_read_is_refused(mailing: Running, body: Any, status: int) -> None:
    async with mailing(**HEARING) as harness:
        answer = await harness.client.post(AFRICAS_TALKING, content=body, headers={"Content-Type": FORM})
        assert answer.status_code == status, answer.text
        wrong = await harness.client.post(MAIL, json={"message_id": "x", "status": "read"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/status")


@pytest.mark.parametrize("secret", ["short", "x" * 129, "sixteen letters!", "a/path/that/is/none"])
def test_a_path_that_is_guessed_or_is_no_path_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError):
        Settings(delivery_reports_secret=SecretStr(secret))
