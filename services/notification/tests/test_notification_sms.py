"""SMS: in a folder, by Africa's Talking, and by a plain gateway. Both are real HTTP servers here."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from chassis.confiding import confide
from mailing import Running, files, rows, wish
from notification.domain import masked
from notification.providers.africastalking import LIVE, SANDBOX
from notification.rendering import text
from notification.settings import Settings
from notification.texts import TEXTS
from pydantic import SecretStr, ValidationError
from soko_contracts import identity
from soko_contracts import notification as public
from texting import Provider, africas_talking

PHONE: dict[str, Any] = {"email": None, "phone": "+254700000001", "language": "en"}
DATA = {
    "number": "SO-0198C0DE5F7E",
    "amount": 52980000,
    "currency": "KES",
    "tracking_number": "PX-7700112233",
    "total": 52980000,
    "minutes": 15,
}
SECRETS = {"code": "493027", "token": "t" * 43}


async def test_whoever_has_only_a_phone_is_told_by_sms(mailing: Running, tmp_path: Path) -> None:
    async with mailing() as harness:
        await harness.deliver(wish(contact=PHONE), subject="u-1")
        (row,) = await rows(harness)
        told = (row["channel"], row["status"], row["recipient"], row["title"])
        assert told == ("sms", "sent", "+254***001", "Your order SO-1 is confirmed")
        assert harness.sent == [public.Sent(notification_id=row["id"], kind="order_confirmed", channel="sms")]
        (file,) = (tmp_path / "sms").iterdir()
        assert "To: +254700000001\n" in file.read_text()
        assert file.read_text().endswith("\n\nSoko: your order SO-1 is confirmed.\n")
        erased = identity.UserErased(user_id="u-1", role="customer", active=False)
        await harness.deliver(erased, subject="u-1")
        assert list((tmp_path / "sms").iterdir()) == []
    assert files(tmp_path) == []


async def test_whoever_has_a_mail_address_is_told_by_mail(mailing: Running, tmp_path: Path) -> None:
    async with mailing() as harness:
        await harness.deliver(wish(contact={**PHONE, "email": "jane@soko.example"}), subject="u-1")
    assert len(files(tmp_path)) == 1
    assert not (tmp_path / "sms").exists()


async def test_africas_talking_is_asked_as_it_documents(mailing: Running, provider: Provider) -> None:
    async with mailing(**africas_talking(provider)) as harness:
        key = harness.service.settings.soko_internal_key
        secret = {"code": confide(key, "493027")}
        await harness.deliver(
            wish("verification_code", contact={**PHONE, "language": "sw"}, secrets=secret), subject="u-1"
        )
        assert [(row["status"], row["title"]) for row in await rows(harness)] == [("sent", "Nambari yako ya siri")]
    ((path, headers, body),) = provider.asked
    assert path == "/version1/messaging"
    assert (headers["apikey"], headers["accept"]) == ("a key", "application/json")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(body.decode())) == {
        "username": "soko",
        "to": "+254700000001",
        "message": "493027 ni nambari yako ya siri ya Soko. Usimpe mtu yeyote.",
        "from": "SOKO",
    }


@pytest.mark.parametrize("code", [405, 500, 502])
async def test_what_may_go_better_later_is_tried_again(mailing: Running, provider: Provider, code: int) -> None:
    provider.codes = [code]
    async with mailing(**africas_talking(provider)) as harness:
        await harness.deliver(wish(contact=PHONE), subject="u-1")
        assert [row["status"] for row in await rows(harness)] == ["queued"]
        harness.clock.advance(timedelta(seconds=30))
        await harness.settle()
        assert [row["status"] for row in await rows(harness)] == ["sent"]


@pytest.mark.parametrize("code", [403, 404, 406, 409])
async def test_a_number_that_is_never_taken_has_failed(mailing: Running, provider: Provider, code: int) -> None:
    provider.codes = [code]
    async with mailing(**africas_talking(provider)) as harness:
        await harness.deliver(wish(contact=PHONE), subject="u-1")
        assert [(row["status"], row["reason"]) for row in await rows(harness)] == [("failed", "refused")]


async def test_a_plain_gateway_gets_json_with_a_bearer_token(mailing: Running, provider: Provider) -> None:
    provider.codes = [503, 422]
    given = {"sms_gateway_url": f"{provider.url}/send", "sms_gateway_token": SecretStr("hush")}
    async with mailing(**given) as harness:
        await harness.deliver(wish(contact=PHONE), subject="u-1")
        assert [row["status"] for row in await rows(harness)] == ["queued"]
        harness.clock.advance(timedelta(seconds=30))
        await harness.settle()
        assert [row["reason"] for row in await rows(harness)] == ["refused"]
        await harness.deliver(wish(cause="o-2", contact=PHONE), subject="u-1")
        ids = [row["id"] for row in await rows(harness)]
    path, headers, body = provider.asked[-1]
    assert (path, headers["authorization"]) == ("/send", "Bearer hush")
    said = {"to": "+254700000001", "text": "Soko: your order SO-1 is confirmed.", "id": ids[-1]}
    assert orjson.loads(body) == said


@pytest.mark.parametrize("language", ["en", "sw"])
@pytest.mark.parametrize("kind", TEXTS)
def test_every_text_fits_one_sms(kind: str, language: str) -> None:
    title, said = text(kind, DATA, SECRETS, language)
    assert 0 < len(said) <= 160
    assert said.isascii()
    assert not [secret for secret in SECRETS.values() if secret in title]
    assert text(kind, {}, {}, language)[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"africastalking_username": "soko"},
        {"africastalking_api_key": SecretStr("a key")},
        {"sms_gateway_url": "nonsense"},
        {"africastalking_url": "ftp://x"},
        {"africastalking_username": "s", "africastalking_api_key": "k", "sms_gateway_url": "https://sms.example"},
    ],
)
def test_half_a_way_for_sms_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_a_number_is_masked_and_the_hosts_are_theirs() -> None:
    assert masked("+254700000001") == "+254***001"
    assert (LIVE, SANDBOX) == ("https://api.africastalking.com", "https://api.sandbox.africastalking.com")
