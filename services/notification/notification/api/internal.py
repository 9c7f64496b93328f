"""For the start page of a development shop: the mails that would have been sent."""

import asyncio
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from chassis.http import (
    NOT_FOUND,
    Answer,
    Peer,
    Problem,
    Router,
    current_service,
    problems,
    service_only,
)
from chassis.service import Service
from fastapi import Depends

from notification.settings import Settings

router = Router(prefix="/internal/v1", tags=["Internal"])

NEWEST = 50


class MailAnswer(Answer):
    """A mail as it was written."""

    file: str
    at: datetime
    to: str
    subject: str
    text: str
    html: str


class Mails(Answer):
    """The newest ones, newest first."""

    items: list[MailAnswer]


@router.get(
    "/mails",
    operation_id="internal_mails",
    summary="The newest mails, in development only",
    responses=problems(NOT_FOUND),
)
async def internal_mails(peer: Peer = Depends(service_only), service: Service = Depends(current_service)) -> Mails:
    """Only those that were written to files."""
    settings = service.settings
    assert isinstance(settings, Settings)
    if not settings.development:
        raise Problem(NOT_FOUND)
    return Mails(items=await asyncio.to_thread(_newest, settings.mail_folder))


def _newest(folder: Path) -> list[MailAnswer]:
    files = sorted(folder.glob("*.eml"), reverse=True)[:NEWEST]
    return [_mail(file) for file in files]


def _mail(file: Path) -> MailAnswer:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    return MailAnswer(
        file=file.name,
        at=parsedate_to_datetime(message["Date"]),
        to=message["To"],
        subject=message["Subject"],
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, form: str) -> str:
    body = message.get_body((form,))
    return str(body.get_content()) if body else ""
