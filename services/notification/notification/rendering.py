"""From a kind and its data to a mail's words, as text and as HTML on one layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from jinja2 import Environment, PackageLoader, select_autoescape

from notification.accounts import PARAGRAPHS
from notification.kinds import CANCELLED, PAYMENT_FAILED, SUBJECTS

NONE: Mapping[str, str] = {}


class UnknownKind(Exception):
    """There is no mail of this kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"no mail is called {kind!r}")


@dataclass(frozen=True, slots=True)
class Written:
    """A mail without its address."""

    title: str
    text: str
    html: str


def money(minor: Any, currency: Any) -> str:
    """Minor units as people write them: ``KES 1,250.00``. What is missing is left out."""
    if not isinstance(minor, int) or not isinstance(currency, str):
        return ""
    digits = get_currency_precision(currency)
    return f"{currency} {Decimal(minor).scaleb(-digits):,.{digits}f}"


def moment(told: Any) -> str:
    """An ISO instant as people write it; anything else as it is."""
    try:
        return f"{datetime.fromisoformat(told).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (TypeError, ValueError):
        return str(told)


templates = Environment(
    loader=PackageLoader("notification"),
    autoescape=select_autoescape(("html",)),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
)
templates.filters |= {"money": money, "moment": moment}
templates.globals |= {"cancelled": CANCELLED, "payment_failed": PAYMENT_FAILED}
SUBJECT = {kind: templates.from_string(line) for kind, line in SUBJECTS.items()}
PARAGRAPH = {kind: [templates.from_string(line) for line in lines] for kind, lines in PARAGRAPHS.items()}


def write(kind: str, data: Mapping[str, Any], secrets: Mapping[str, str] = NONE) -> Written:
    """The mail of this kind. What ``data`` lacks is left out; no secret stands in the title. Raises UnknownKind."""
    if kind not in SUBJECT:
        raise UnknownKind(kind)
    title = " ".join(SUBJECT[kind].render(data).split())
    said = {**data, **secrets, "title": title}
    name = kind
    if kind in PARAGRAPH:
        name, said["paragraphs"] = "account", [line.render(data) for line in PARAGRAPH[kind]]
    text, html = (templates.get_template(f"{name}.{form}").render(said) for form in ("txt", "html"))
    return Written(title, text, html)
