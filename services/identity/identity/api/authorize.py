"""Where an application sends people to log in: who they are, what they let it have, and back with a code.

The request is in the query of every step, and looked at anew in each: no half-done login is kept anywhere.
"""

import hmac
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import AccessDeniedError
from authlib.oidc.core.errors import (
    ConsentRequiredError,
    LoginRequiredError,
    RequestNotSupportedError,
    RequestURINotSupportedError,
)
from chassis.context import Context
from chassis.http import OpenQuery, Problem, Router, current_service, request_context, unguarded
from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from identity import domain, fields, logins, sessions, tokens
from identity.api.forms import form_of, once_each
from identity.api.origin import address_of, check_origin, device_of, secure
from identity.app import Identity
from identity.brakes import Kind
from identity.openid import clients, pages, scopes, visits
from identity.openid.oauth import Asked, InvalidRequestError, OAuth2Error, Provider
from identity.openid.visits import Visitor, Wanted
from identity.problems import (
    DEACTIVATED,
    FOREIGN_ORIGIN,
    INVALID_CREDENTIALS,
    NOT_VERIFIED,
    SECOND_FACTOR_REQUIRED,
    TOO_MANY_ATTEMPTS,
)

router = Router(
    prefix="/oauth2",
    tags=["Identity"],
    include_in_schema=False,
    dependencies=[Depends(unguarded), Depends(OpenQuery(""))],
)

COOKIE: Final = "soko_login"
LONGEST_NAME: Final = 320

TOLD: Final = {
    INVALID_CREDENTIALS.slug: "There is no such account, or this is not its password.",
    NOT_VERIFIED.slug: "This account waits for the code that was sent to its address.",
    DEACTIVATED.slug: "The shop has closed this account.",
    TOO_MANY_ATTEMPTS.slug: "Too many tries. Wait a little before the next one.",
    SECOND_FACTOR_REQUIRED.slug: "This account has a second factor: send the password again, with a code.",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request at these pages, found right. ``who`` is None where somebody has to log in first."""

    service: Identity
    request: Request
    context: Context
    params: dict[str, str]
    wanted: Wanted
    who: Visitor | None
    prompts: frozenset[str]
    cookie: str

    def action(self, **changed: str | None) -> str:
        """Where this request is asked again."""
        params = {name: value for name, value in {**self.params, **changed}.items() if value}
        return f"/oauth2/authorize?{urlencode(params)}"

    @property
    def csrf(self) -> str:
        """What shows that a form is from a page of ours in this browser."""
        return tokens.csrf_token(self.cookie)


@router.get("/authorize", operation_id="authorize", summary="Log in for an application")
async def authorize(
    request: Request,
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> Response:
    try:
        visit = await _arrive(service, request, context)
        return await _go_on(visit)
    except OAuth2Error as no:
        return _refused(service, request, no)


@router.post("/authorize", operation_id="answer_authorize", summary="Answer one of its pages")
async def answer(
    request: Request,
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> Response:
    """A request by POST, which OpenID Connect allows, begins as one by GET does."""
    try:
        form = await form_of(request)
        if "client_id" in form:
            return RedirectResponse(f"/oauth2/authorize?{urlencode(form)}", 303)
        visit = await _arrive(service, request, context)
        if not _is_ours(visit, form):
            return pages.refusal("This form is too old, or not from the page that asks.", FOREIGN_ORIGIN.status)
        match form.get("step"):
            case "login":
                return await _log_in(visit, form)
            case "leave":
                return await _leave(visit)
            case "consent" if visit.who is not None:
                if form.get("decision") != "allow":
                    raise AccessDeniedError(redirect_uri=visit.wanted.redirect_uri)
                return await _allow(visit, visit.who)
        return await _go_on(visit)
    except OAuth2Error as no:
        return _refused(service, request, no)


async def _arrive(service: Identity, request: Request, context: Context) -> Visit:
    """The request, checked. Raises ``OAuth2Error``, with where to say so if that is known."""
    params = once_each(request.query_params.multi_items())
    client = await clients.find(service, params.get("client_id"))
    cookie = request.cookies.get(_cookie_name(service), "")
    who = await visits.visitor(service, cookie) if cookie else None
    asked = Asked("GET", request.headers, params)
    try:
        grant = Provider(client).get_consent_grant(asked, who)
    except ValueError:
        # Authlib's own errors hold no text that OAuth's may not.
        raise InvalidRequestError("A parameter holds what it may not hold.") from None
    assert client is not None
    target = str(grant.redirect_uri)
    _check_the_rest(params, target)
    if who is not None and (grant.prompt in ("login", "select_account") or _too_long_ago(service, who, params)):
        who = None
    prompts = frozenset(params.get("prompt", "").split())
    if who is None and "none" in prompts:
        raise LoginRequiredError(redirect_uri=target)
    wanted = Wanted(client, scopes.split(asked.scope), target, params["code_challenge"], params.get("nonce"))
    return Visit(service, request, context, params, wanted, who, prompts, cookie or tokens.refresh_token())


def _check_the_rest(params: dict[str, str], target: str) -> None:
    for name, error in (("request", RequestNotSupportedError), ("request_uri", RequestURINotSupportedError)):
        if name in params:
            raise error(redirect_uri=target)
    if params.get("response_mode", "query") != "query":
        raise InvalidRequestError("response_mode must be query", redirect_uri=target)
    if not params.get("max_age", "0").isdecimal() or len(params.get("max_age", "0")) > 9:
        raise InvalidRequestError("max_age must be a number of seconds", redirect_uri=target)


def _too_long_ago(service: Identity, who: Visitor, params: dict[str, str]) -> bool:
    if "max_age" not in params:
        return False
    return service.world.clock() - who.authenticated_at > timedelta(seconds=int(params["max_age"]))


async def _go_on(visit: Visit) -> Response:
    """The page that comes next, or back to the client where nothing is left to ask."""
    if visit.who is None:
        return _login_page(visit, name=visit.params.get("login_hint", "")[:LONGEST_NAME])
    given = _given(visit, visit.who)
    known = await visits.consented(visit.service, visit.who.user_id, visit.wanted.client.id)
    if given <= known and "consent" not in visit.prompts:
        return await _send_back(visit, visit.who, None)
    if "none" in visit.prompts:
        raise ConsentRequiredError(redirect_uri=visit.wanted.redirect_uri)
    wanted = visit.wanted
    page = pages.consent(
        wanted.client, wanted.redirect_uri, visit.action(), visit.csrf, name=visit.who.name, scope=given
    )
    return _keeping(visit, page)


def _given(visit: Visit, who: Visitor) -> frozenset[str]:
    """What they can let it have. Raises ``AccessDeniedError`` where that is nothing."""
    given = scopes.lent(visit.wanted.scope, scopes.split(visit.wanted.client.scope), who.rights)
    if not given:
        told = "The account has none of the rights that were asked for."
        raise AccessDeniedError(told, redirect_uri=visit.wanted.redirect_uri)
    return given


async def _allow(visit: Visit, who: Visitor) -> Response:
    known = await visits.consented(visit.service, who.user_id, visit.wanted.client.id)
    return await _send_back(visit, who, known | _given(visit, who))


async def _send_back(visit: Visit, who: Visitor, consent: frozenset[str] | None) -> Response:
    wanted = replace(visit.wanted, scope=_given(visit, who))
    code = await visits.give_code(visit.service, visit.context, who, wanted, consent)
    if code is None:
        return _login_page(visit, name="")
    said = {"code": code, "state": visit.params.get("state"), "iss": visit.service.settings.shop_url}
    return _redirect(wanted.redirect_uri, said)


async def _log_in(visit: Visit, form: dict[str, str]) -> Response:
    name = form.get("name", "").strip()[:LONGEST_NAME]
    password = form.get("password", "")
    if len(password) > domain.PASSWORD_LONGEST:
        password = ""
    request = visit.request
    asking = logins.Asking(*_named(name), device=device_of(request), address=address_of(request))
    try:
        opened, _ = await logins.login(visit.service, asking, password, _factor(form))
    except Problem as no:
        if no.kind.slug not in TOLD:
            raise
        factor = no.kind is SECOND_FACTOR_REQUIRED or "totp" in form
        page = _login_page(visit, name=name, told=TOLD[no.kind.slug], second_factor=factor, status=no.kind.status)
        page.headers.update(no.headers)
        return page
    # They have logged in now, which is all that these two ask for.
    rest = " ".join(sorted(visit.prompts - {"login", "select_account"}))
    onward = RedirectResponse(visit.action(prompt=rest, max_age=None), 303)
    return _keeping(replace(visit, cookie=opened.refresh_token), onward)


def _factor(form: dict[str, str]) -> str | None:
    try:
        return fields.factor_code(form.get("totp", ""))
    except ValueError:
        return None


def _named(name: str) -> tuple[Kind, str]:
    if "@" in name:
        return "email", name
    try:
        return "phone", fields.phone(name)
    except ValueError:
        return "username", name


async def _leave(visit: Visit) -> Response:
    """Somebody else wants to log in: the login ends, here and in the list of who had it."""
    if visit.who is not None:
        async with visit.service.unit(visit.context) as unit:
            life = visit.service.settings.access_token_life
            await sessions.end(unit.sql, visit.who.user_id, "logout", unit.now, life, only=visit.who.session_id)
    return _keeping(replace(visit, cookie=tokens.refresh_token()), RedirectResponse(visit.action(), 303))


def _login_page(visit: Visit, *, name: str, told: str = "", second_factor: bool = False, status: int = 200) -> Response:
    wanted = visit.wanted
    page = pages.login(
        wanted.client,
        wanted.redirect_uri,
        visit.action(),
        visit.csrf,
        name=name,
        told=told,
        second_factor=second_factor,
        status=status,
    )
    return _keeping(visit, page)


def _is_ours(visit: Visit, form: dict[str, str]) -> bool:
    """Whether a page of ours in this browser sent the form: by where it comes from, and by what only we can know."""
    try:
        check_origin(visit.request, visit.service)
    except Problem:
        return False
    return hmac.compare_digest(visit.csrf.encode(), form.get("csrf", "").encode())


def _refused(service: Identity, request: Request, no: OAuth2Error) -> Response:
    if not no.redirect_uri:
        return pages.refusal(str(no.description or "The request is not one that this shop answers."))
    said = {"error": no.error, "error_description": no.description, "state": request.query_params.get("state")}
    return _redirect(no.redirect_uri, {**said, "iss": service.settings.shop_url})


def _redirect(target: str, said: dict[str, str | None]) -> Response:
    params = {name: value for name, value in said.items() if value}
    return RedirectResponse(add_params_to_uri(target, params), 303, {"Cache-Control": "no-store"})


def _keeping(visit: Visit, response: Response) -> Response:
    """Let the browser keep what shows that it is the same one."""
    name, tls = _cookie_name(visit.service), secure(visit.service)
    response.set_cookie(name, visit.cookie, path="/", secure=tls, httponly=True, samesite="lax")
    return response


def _cookie_name(service: Identity) -> str:
    # So no other host, and no page of a subdomain, can set it.
    return f"__Host-{COOKIE}" if secure(service) else COOKIE
