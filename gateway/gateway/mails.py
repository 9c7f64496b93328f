"""The mails and SMS that were written to files instead of sent, for the development page."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

MOST: Final = 50


def newest(home: Path) -> list[dict[str, Any]]:
    """The newest first: name, date, from, to, subject, and the plain text. An SMS has headers like a mail."""
    try:
        found = [*home.glob("mail/**/*.eml"), *home.glob("sms/*.txt")]
        files = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)[:MOST]
    except OSError:
        return []
    return [_shown(path) for path in files]


def _shown(path: Path) -> dict[str, Any]:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain", "html"))
    return {
        "name": path.name,
        **{name: str(message.get(name, "")) for name in ("date", "from", "to", "subject")},
        "text": body.get_content() if body else "",
    }
