"""What the shop needs of whoever carries its SMS."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from notification.mail import NoAddress

PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")


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


class Provider(Protocol):
    """One way for SMS to leave."""

    async def send(self, sms: Sms, name: str) -> str | None:
        """Return when somebody else has it: what they call it, where they say so. ``name`` is good for a file.

        Raises Refused when they never will take it; anything else may go better later.
        """
