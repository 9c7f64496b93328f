"""Handing a mail over: to an SMTP server, or to a folder where there is none."""

import asyncio
import os
import re
from datetime import datetime
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from notification.rendering import Written
from notification.settings import Settings

ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,255}")
"""One address and nothing else: no name, no second address, no line break."""

SECONDS = 20.0
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class NoAddress(Exception):
    """There is no address to send to, or it is none."""


class Refused(Exception):
    """The server will never take this mail: trying again is of no use."""


def composed(settings: Settings, id_: str, written: Written, to: str, at: datetime) -> MIMEMultipart:
    """The mail as it travels. The same notification has the same Message-ID whenever it is sent.

    Raises NoAddress.
    """
    if not ADDRESS.fullmatch(to):
        raise NoAddress
    # The older classes: EmailMessage parses every header it is given, at ten times the cost of the whole mail.
    message = MIMEMultipart("alternative")
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    message["From"] = settings.mail_from
    message["To"] = to
    message["Subject"] = written.title if written.title.isascii() else Header(written.title, "utf-8").encode()
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{id_}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.attach(_part(written.text, "plain"))
    message.attach(_part(written.html, "html"))
    return message


def _part(text: str, subtype: str) -> MIMEText:
    return MIMEText(text, subtype, "us-ascii" if text.isascii() else "utf-8")


async def hand_over(settings: Settings, message: MIMEMultipart, name: str) -> None:
    """Return when somebody else has it. Raises Refused when they never will; anything else may go better later."""
    if settings.smtp_url.get_secret_value():
        await _smtp(settings.smtp_url.get_secret_value(), message)
    else:
        await asyncio.to_thread(_file, settings.mail_folder, message, name)


async def _smtp(url: str, message: MIMEMultipart) -> None:
    where = urlsplit(url)
    try:
        await aiosmtplib.send(
            message,
            hostname=where.hostname or "localhost",
            port=where.port or PORTS[where.scheme],
            username=unquote(where.username) if where.username else None,
            password=unquote(where.password) if where.password else None,
            use_tls=where.scheme == "smtps",
            start_tls={"smtp": None, "smtp+starttls": True, "smtps": False}[where.scheme],
            timeout=SECONDS,
        )
    except aiosmtplib.SMTPRecipientsRefused as refused:
        if all(each.code >= 500 for each in refused.recipients):
            raise Refused(f"{refused.recipients[0].code}") from refused
        raise
    except aiosmtplib.SMTPDataError as refused:
        if refused.code >= 500:
            raise Refused(f"{refused.code}") from refused
        raise


def _file(folder: Path, message: MIMEMultipart, name: str) -> None:
    """Whoever looks finds a whole mail or none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = folder / f".{name}.part"
    beside.write_bytes(message.as_bytes())
    os.replace(beside, folder / name)
