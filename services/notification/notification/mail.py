"""Handing a mail over: to an SMTP server, or to a folder where there is none."""

import asyncio
import base64
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from notification.rendering import Written
from notification.settings import Settings

ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,255}")
"""One address and nothing else: no name, no second address, no line break."""

SECONDS = 20.0
LONGEST_LINE = 998
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class NoAddress(Exception):
    """There is no address to send to, or it is none."""


class Refused(Exception):
    """The server will never take this mail: trying again is of no use."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it travels (RFC 5322), lines ended by LF."""

    sender: str
    to: str
    content: bytes


def composed(
    settings: Settings, id_: str, written: Written, to: str, at: datetime, unsubscribe: str | None = None
) -> Mail:
    """The mail in both forms. The same notification has the same Message-ID whenever it is sent.

    ``unsubscribe`` is the URL at which its reader can do without others like it (RFC 8058). Raises NoAddress.
    """
    if not ADDRESS.fullmatch(to):
        raise NoAddress
    # Put together here: of what an order costs the whole shop, the standard library's generator took a seventh. What
    # it guards against cannot be: the address is one by ADDRESS, the title is one line, the rest is ours.
    name, sender = parseaddr(settings.mail_from)
    boundary = f"=_{id_}"
    lines = (
        f"From: {formataddr((name, sender))}",
        f"To: {to}",
        f"Subject: {written.title if written.title.isascii() else Header(written.title, 'utf-8').encode()}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{id_}@{sender.rpartition('@')[2]}>",
        "Auto-Submitted: auto-generated",
        *_one_click(unsubscribe),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
        *_part(written.text, "plain", boundary),
        *_part(written.html, "html", boundary),
        f"--{boundary}--",
        "",
    )
    return Mail(sender, to, "\n".join(lines).encode("ascii"))


def _one_click(url: str | None) -> Iterable[str]:
    if url:
        yield f"List-Unsubscribe: <{url}>"
        yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"


def _part(text: str, kind: str, boundary: str) -> Iterable[str]:
    plain = text.isascii() and max(map(len, text.splitlines()), default=0) <= LONGEST_LINE
    yield f"--{boundary}"
    yield f"Content-Type: text/{kind}; charset={'us-ascii' if plain else 'utf-8'}"
    yield f"Content-Transfer-Encoding: {'7bit' if plain else 'base64'}"
    yield ""
    yield text if plain else base64.encodebytes(text.encode()).decode()


async def hand_over(settings: Settings, mail: Mail, name: str) -> None:
    """Return when somebody else has it. Raises Refused when they never will; anything else may go better later."""
    if settings.smtp_url.get_secret_value():
        await _smtp(settings.smtp_url.get_secret_value(), mail)
    else:
        await asyncio.to_thread(write_file, settings.mail_folder, mail.content, name)


async def _smtp(url: str, mail: Mail) -> None:
    where = urlsplit(url)
    try:
        await aiosmtplib.send(
            mail.content,
            sender=mail.sender,
            recipients=[mail.to],
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


def write_file(folder: Path, content: bytes, name: str) -> None:
    """Whoever looks finds a whole mail or none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = folder / f".{name}.part"
    beside.write_bytes(content)
    os.replace(beside, folder / name)
