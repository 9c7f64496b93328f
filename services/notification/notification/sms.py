"""Handing an SMS over: to Africa's Talking, to another gateway over HTTP, or to a folder where there is neither."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

import httpx

from notification.mail import SECONDS, NoAddress, Refused, write_file
from notification.settings import Settings

PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
LIVE, SANDBOX = "https://api.africastalking.com", "https://api.sandbox.africastalking.com"
TAKEN: Final = frozenset({100, 101, 102})
"""Processed, sent, queued."""
NEVER: Final = frozenset({403, 404, 406, 409})
"""No such number, a kind of number that gets none, or one that wants none. All else may go better later."""


class NotTaken(Exception):
    """Not now; it may go better later. Says the provider's status and never the message."""


@dataclass(frozen=True, slots=True)
class Sms:
    """One message. ``id`` is the notification's."""

    id: str
    to: str
    text: str
    at: datetime


def addressed(id_: str, to: str, text: str, at: datetime) -> Sms:
    """A message to a number in E.164. Raises NoAddress."""
    if not PHONE.fullmatch(to):
        raise NoAddress
    return Sms(id_, to, text, at)


async def hand_over(settings: Settings, sms: Sms, name: str) -> None:
    """Return when somebody else has it. Raises Refused when they never will; anything else may go better later."""
    if settings.africastalking_api_key.get_secret_value():
        await _africas_talking(settings, sms)
    elif settings.sms_gateway_url:
        await _gateway(settings, sms)
    else:
        content = f"Date: {format_datetime(sms.at)}\nTo: {sms.to}\nSubject: SMS\n\n{sms.text}\n".encode()
        await asyncio.to_thread(write_file, settings.sms_folder, content, name)


async def _africas_talking(settings: Settings, sms: Sms) -> None:
    username = settings.africastalking_username
    host = settings.africastalking_url or (SANDBOX if username == "sandbox" else LIVE)
    form = {"username": username, "to": sms.to, "message": sms.text}
    if settings.africastalking_sender:
        form["from"] = settings.africastalking_sender
    headers = {"apiKey": settings.africastalking_api_key.get_secret_value(), "Accept": "application/json"}
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        answer = await client.post(f"{host}/version1/messaging", data=form, headers=headers)
    if not answer.is_success:
        raise NotTaken(f"status {answer.status_code}")
    code = _code(answer)
    if code in NEVER:
        raise Refused(str(code))
    if code not in TAKEN:
        raise NotTaken(f"code {code}")


def _code(answer: httpx.Response) -> int:
    """What became of the one recipient; 0 where nothing is said of it."""
    try:
        said: Any = answer.json()
        return int(said["SMSMessageData"]["Recipients"][0]["statusCode"])
    except (ValueError, KeyError, IndexError, TypeError):
        return 0


async def _gateway(settings: Settings, sms: Sms) -> None:
    headers = {"Authorization": f"Bearer {settings.sms_gateway_token.get_secret_value()}"}
    body = {"to": sms.to, "text": sms.text, "id": sms.id}
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        answer = await client.post(settings.sms_gateway_url, json=body, headers=headers)
    if answer.status_code in (400, 422):
        raise Refused(str(answer.status_code))
    if not answer.is_success:
        raise NotTaken(f"status {answer.status_code}")
