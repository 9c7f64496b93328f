"""The pages on which people log in for an application and let it have something: HTML and no scripts."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from identity.openid import scopes
from identity.openid.clients import Client

_TEMPLATES: Final = Environment(
    loader=PackageLoader("identity.openid"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE: Final = _TEMPLATES.get_template("style.css").render()
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def login(
    client: Client, redirect_uri: str, action: str, csrf: str, *, name: str, told: str, second_factor: bool, status: int
) -> HTMLResponse:
    """Who are you? ``told`` is what was wrong with the last answer."""
    shown = {"client": client, "action": action, "csrf": csrf, "name": name, "told": told}
    return _page("login.html", shown | {"second_factor": second_factor}, status, redirect_uri)


def consent(
    client: Client, redirect_uri: str, action: str, csrf: str, *, name: str | None, scope: frozenset[str]
) -> HTMLResponse:
    """May the client have this?"""
    asked = [words for each, words in scopes.SHOWN.items() if each in scope]
    shown = {"client": client, "action": action, "csrf": csrf, "name": name, "asked": asked}
    return _page("consent.html", shown | {"place": urlsplit(redirect_uri).hostname or client.name}, 200, redirect_uri)


def refusal(told: str, status: int = 400) -> HTMLResponse:
    """There is nowhere to send anybody: it is said here."""
    return _page("refusal.html", {"told": told}, status, None)


def _page(template: str, shown: Mapping[str, Any], status: int, redirect_uri: str | None) -> HTMLResponse:
    body = _TEMPLATES.get_template(template).render(shown, style=Markup(_STYLE))  # noqa: S704 - our own file
    # Browsers hold redirects that answer a form to form-action too.
    target = urlsplit(redirect_uri or "")
    back = f" {target.scheme}:{f'//{target.netloc}' if target.netloc else ''}" if redirect_uri else ""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'{back}; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return HTMLResponse(body, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})
