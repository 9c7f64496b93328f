"""Where a request comes from; the refresh cookie, and who may use it."""

import hmac
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from chassis.http import Problem
from fastapi import Request, Response

from identity import tokens
from identity.app import Identity
from identity.problems import FOREIGN_ORIGIN

REFRESH_COOKIE: Final = "soko_refresh"
CSRF_COOKIE: Final = "soko_csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
PATH: Final = "/api/v1/auth"


def check_origin(request: Request, service: Identity) -> None:
    """403 where a page of another site asks. Browsers always say where a POST comes from; other clients need not."""
    try:
        said = request.headers.get("origin")
        if said is None and (referer := request.headers.get("referer")):
            parts = urlsplit(referer)
            said = f"{parts.scheme}://{parts.netloc}"
        if said is None or said in service.settings.origins():
            return
        own = urlsplit(said).netloc == request.headers.get("host")
    except ValueError:
        own = False
    if not own:
        raise Problem(FOREIGN_ORIGIN)


def cookie_token(request: Request, service: Identity) -> str | None:
    """The refresh token in the cookie. 403 from another site, or without the CSRF token that belongs to it."""
    check_origin(request, service)
    token = request.cookies.get(REFRESH_COOKIE)
    if token is not None and not hmac.compare_digest(
        tokens.csrf_token(token).encode(), request.headers.get(CSRF_HEADER, "").encode()
    ):
        raise Problem(FOREIGN_ORIGIN)
    return token


def set_cookies(response: Response, service: Identity, token: str) -> str:
    """Keep the refresh token where no script can read it, and its CSRF token where the shop's own can. Answers that."""
    csrf = tokens.csrf_token(token)
    age = int(service.settings.refresh_token_life.total_seconds())
    tls = secure(service)
    response.set_cookie(REFRESH_COOKIE, token, max_age=age, path=PATH, secure=tls, httponly=True, samesite="strict")
    response.set_cookie(CSRF_COOKIE, csrf, max_age=age, path="/", secure=tls, samesite="strict")
    return csrf


def secure(service: Identity) -> bool:
    """Whether cookies travel by TLS alone."""
    return service.settings.strict or service.settings.public_url.startswith("https://")


def clear_cookies(response: Response) -> None:
    """Forget them."""
    response.delete_cookie(REFRESH_COOKIE, path=PATH, httponly=True, samesite="strict")
    response.delete_cookie(CSRF_COOKIE, path="/", samesite="strict")


def device_of(request: Request) -> str:
    """What the client says it is, for a person to recognise."""
    said = request.headers.get("user-agent", "")
    return "".join(character for character in said if character.isprintable())[:200]


def address_of(request: Request) -> str:
    """The client's network address. The gateway puts the one it saw last into ``X-Forwarded-For``."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    seen = forwarded or (request.client.host if request.client else "")
    try:
        return str(ip_address(seen))
    except ValueError:
        return "unknown"
