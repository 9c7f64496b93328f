"""From a kind and its data to a mail's words, as text and as HTML on one layout, in the reader's language."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from babel.numbers import get_currency_precision
from jinja2 import Environment, PackageLoader, Template, select_autoescape
from markupsafe import Markup

from notification.accounts import PARAGRAPHS
from notification.kinds import CANCELLED, FOR_THE_ADMIN, PAYMENT_FAILED, SUBJECTS
from notification.swahili import SWAHILI
from notification.texts import TEXTS

NONE: Mapping[str, str] = {}
ENGLISH: Final = "en"


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


def strong(said: Any) -> Markup:
    """For HTML alone."""
    return Markup("<strong>{}</strong>").format(said)


CONSTANT: Final = re.compile(r'\{\{ _\("([^"%]*)"\) \}\}')
"""A line in which nothing varies."""


class Translated(PackageLoader):
    """The templates with their constant lines in one language: these need not be looked up for each mail."""

    def __init__(self, said: Callable[[str], str]) -> None:
        super().__init__("notification")
        self._said = said

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool] | None]:
        """The source of a template, and whether it still is that."""
        source, name, is_new = super().get_source(environment, template)
        return CONSTANT.sub(lambda line: self._said(line[1]), source), name, is_new


class Language:
    """Every template as it is said in one language; ``said`` turns the English of a line into it."""

    def __init__(self, code: str, said: Callable[[str], str]) -> None:
        self.code = code
        self._templates = Environment(
            loader=Translated(said),
            extensions=["jinja2.ext.i18n"],
            autoescape=select_autoescape(("html",)),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self._templates.install_gettext_callables(said, lambda one, many, n: said(one), newstyle=True)  # type: ignore[attr-defined]
        self._templates.filters |= {"money": money, "moment": moment, "strong": strong}
        self._templates.globals |= {"cancelled": CANCELLED, "payment_failed": PAYMENT_FAILED, "language": code}
        self._titles = {kind: self.line(said(line)) for kind, line in SUBJECTS.items()}
        self._paragraphs = {kind: [self.line(line) for line in lines] for kind, lines in PARAGRAPHS.items()}

        self._texts = {kind: self.line(line) for kind, line in TEXTS.items()}

    def line(self, source: str) -> Template:
        """A template of plain text."""
        return self._templates.from_string(source)

    def write(self, kind: str, data: Mapping[str, Any], secrets: Mapping[str, str], unsubscribe: str | None) -> Written:
        """See ``write`` below."""
        title = " ".join(self._titles[kind].render(data).split())
        said = {**data, **secrets, "title": title, "unsubscribe": unsubscribe}
        name = kind
        if kind in PARAGRAPHS:
            name, said["paragraphs"] = "account", [line.render(data) for line in self._paragraphs[kind]]
        text, html = (self._templates.get_template(f"{name}.{form}").render(said) for form in ("txt", "html"))
        return Written(title, text, html)

    def text(self, kind: str, data: Mapping[str, Any], secrets: Mapping[str, str]) -> tuple[str, str]:
        """The title of the SMS of this kind, and what it says."""
        title = " ".join(self._titles[kind].render(data).split())
        return title, " ".join(self._texts[kind].render({**data, **secrets}).split())

    def page(self, name: str, **said: Any) -> str:
        """A page of the shop's own, by its template's name."""
        return self._templates.get_template(f"{name}.html").render(said)


LANGUAGES: Final = {ENGLISH: Language(ENGLISH, str), "sw": Language("sw", lambda line: SWAHILI.get(line, line))}


def write(
    kind: str,
    data: Mapping[str, Any],
    secrets: Mapping[str, str] = NONE,
    language: str | None = None,
    unsubscribe: str | None = None,
) -> Written:
    """The mail of this kind; in English where it has no such language, and for the admin. Raises UnknownKind.

    What ``data`` lacks is left out. No secret stands in the title. ``unsubscribe`` is a link to do without such mails.
    """
    if kind not in SUBJECTS:
        raise UnknownKind(kind)
    spoken = LANGUAGES[ENGLISH] if kind in FOR_THE_ADMIN else spoken_in(language)
    return spoken.write(kind, data, secrets, unsubscribe)


def spoken_in(language: str | None) -> Language:
    """This language, or English where it is not spoken here."""
    return LANGUAGES.get(language or ENGLISH, LANGUAGES[ENGLISH])


def text(kind: str, data: Mapping[str, Any], secrets: Mapping[str, str], language: str | None) -> tuple[str, str]:
    """The title of the SMS of this kind, without a secret, and what it says. Raises UnknownKind."""
    if kind not in TEXTS:
        raise UnknownKind(kind)
    return spoken_in(language).text(kind, data, secrets)
