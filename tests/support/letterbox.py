"""What identity asks to be told to people, opened as the notification service would."""

from typing import Any

from chassis.confiding import confided
from chassis.fixtures import INTERNAL_KEY, Harness
from pydantic import SecretStr
from soko_contracts.notification import Send


async def letters(shop: Harness, to: str = "", kind: str = "") -> list[Send]:
    """All so far, in order: those to an address, of a kind."""
    await shop.settle()
    sent = [message for message in shop.sent if isinstance(message, Send)]
    return [each for each in sent if kind in ("", each.kind) and (not to or to in each.contact.values())]


def secret(letter: Send, name: str) -> str:
    """What only the message may show."""
    assert letter.secrets is not None
    return confided(SecretStr(INTERNAL_KEY), letter.secrets[name])


async def code_at(shop: Harness, to: str) -> str:
    """The code that was sent there last."""
    return secret((await letters(shop, to, "verification_code"))[-1], "code")


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 10**6:06}"


async def post(shop: Harness, path: str, body: dict[str, Any], network: str = "203.0.113.7", **headers: str) -> Any:
    """What ``POST /auth/…`` answers to somebody at this network address."""
    return await shop.client.post(f"/api/v1/auth/{path}", json=body, headers={"X-Forwarded-For": network, **headers})
