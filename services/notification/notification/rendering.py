"""From a kind and its data to a mail's words, as text and as HTML on one layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from jinja2 import Environment, PackageLoader, select_autoescape

from notification.kinds import CANCELLED, PAYMENT_FAILED, SUBJECTS


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


templates = Environment(
    loader=PackageLoader("notification"),
    autoescape=select_autoescape(("html",)),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
)
templates.filters["money"] = money
templates.globals |= {"cancelled": CANCELLED, "payment_failed": PAYMENT_FAILED}
SUBJECT = {kind: templates.from_string(line) for kind, line in SUBJECTS.items()}


def write(kind: str, data: Mapping[str, Any]) -> Written:
    """The mail of this kind. What ``data`` lacks is left out. Raises UnknownKind."""
    if kind not in SUBJECT:
        raise UnknownKind(kind)
    title = " ".join(SUBJECT[kind].render(data).split())
    text, html = (templates.get_template(f"{kind}.{form}").render(data, title=title) for form in ("txt", "html"))
    return Written(title, text, html)
