"""Wishes to tell somebody something, and what becomes of them at a real mail server or in a folder."""

import socket
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from chassis.fixtures import Harness
from pydantic import SecretStr
from soko_contracts import notification as public

DATA = {"number": "SO-1", "currency": "KES", "total": 100, "lines": []}

Running = Callable[..., Any]


class Server:
    """A real SMTP server that keeps what it takes; ``says`` is its answer to the next mails."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.says: list[str] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        if self.says:
            return self.says.pop(0)
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    @property
    def url(self) -> SecretStr:
        return SecretStr(f"smtp://127.0.0.1:{self.port}")


def wish(kind: str = "order_confirmed", cause: str = "o-1", **changes: Any) -> public.Send:
    said: dict[str, Any] = {
        "cause": cause,
        "kind": kind,
        "subject_id": "u-1",
        "customer_id": "u-1",
        "contact": {"email": "jane@soko.example", "phone": None, "language": "en"},
        "data": DATA,
    }
    return public.Send(**{**said, **changes})


async def rows(harness: Harness) -> list[dict[str, Any]]:
    found = await harness.service.database.pool.fetch("select * from notifications order by created_at, id")
    return [dict(row) for row in found]


def files(folder: Path) -> list[EmailMessage]:
    found = sorted((folder / "mail").glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in found]
