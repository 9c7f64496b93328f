"""Codes and tokens: in the message, and nowhere else."""

from pathlib import Path
from typing import Any

import pytest
from chassis.confiding import confide
from chassis.fixtures import Harness
from mailing import Running, Server, files, rows, wish
from pydantic import SecretStr
from soko_contracts import notification as public

TABLES = ("notifications", "calls", "inbox", "outbox", "published", "feed", "done")
CODE = "493027"


def asking(harness: Harness, kind: str = "verification_code", **secrets: str) -> public.Send:
    key = harness.service.settings.soko_internal_key
    confided = {name: confide(key, text) for name, text in secrets.items()}
    return wish(kind, data={"minutes": 10}, secrets=confided)


async def kept(harness: Harness) -> str:
    """All that the database holds."""
    pool = harness.service.database.pool
    return str([await pool.fetch(f"select t::text as text from {table} t") for table in TABLES])


async def test_a_code_is_in_the_mail_and_nowhere_else(mailing: Running, tmp_path: Path) -> None:
    async with mailing() as harness:
        await harness.deliver(asking(harness, code=CODE), subject="u-1")
        (mail,) = files(tmp_path)
        assert (mail["Subject"], CODE in mail.as_string()) == ("Your code", True)
        assert [(row["status"], row["title"]) for row in await rows(harness)] == [("sent", "Your code")]
        assert CODE not in await kept(harness)


async def test_while_a_mail_waits_its_code_cannot_be_read(mailing: Running, server: Server) -> None:
    server.says = ["451 not now"]
    async with mailing(smtp_url=server.url) as harness:
        await harness.deliver(asking(harness, code=CODE), subject="u-1")
        held = await kept(harness)
        assert ("verification_code" in held, CODE in held) == (True, False)


async def test_a_secret_that_does_not_open_fails_its_notification(mailing: Running, tmp_path: Path) -> None:
    async with mailing() as harness:
        foreign = {"code": confide(SecretStr("the key of another shop, 32 chars"), CODE)}
        await harness.deliver(wish("verification_code", secrets=foreign), subject="u-1")
        assert [(row["status"], row["reason"]) for row in await rows(harness)] == [("failed", "not-confided")]
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("page", "shown"),
    [("", "t-0k3n"), ("{public_url}/choose#token={token}", "https://shop.example/choose#token=t-0k3n")],
)
async def test_a_token_is_shown_alone_or_in_a_link_to_the_shops_page(
    mailing: Running, tmp_path: Path, page: str, shown: str
) -> None:
    given: dict[str, Any] = {"password_reset_url": page, "public_url": "https://shop.example"}
    async with mailing(**given) as harness:
        await harness.deliver(asking(harness, "password_reset", token="t-0k3n"), subject="u-1")
    body = files(tmp_path)[0].get_body(("plain",))
    assert body is not None
    assert f"\n{shown}\n" in body.get_content()
