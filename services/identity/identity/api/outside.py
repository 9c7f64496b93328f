"""Logging in with an outside OpenID provider."""

from typing import Annotated, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    Answer,
    Caller,
    OpenQuery,
    Problem,
    Router,
    current_service,
    invalid,
    problems,
    request_context,
    unguarded,
)
from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ConfigDict

from identity import logins, tokens
from identity.api.auth import TokensAnswer, tokens_answer
from identity.api.models import UserAnswer
from identity.api.origin import address_of, device_of, secure, set_cookies
from identity.app import Identity
from identity.outside import people
from identity.outside.logins import LIFE, begin, end
from identity.outside.provider import Provider
from identity.problems import (
    DEACTIVATED,
    PROVIDER_AWAY,
    PROVIDER_DENIED,
    PROVIDER_EMAIL,
    PROVIDER_LOGIN_OVER,
    PROVIDER_REFUSED,
    SECOND_FACTOR_REQUIRED,
)
from identity.sessions import Opened

router = Router(prefix="/api/v1/auth/providers", tags=["Identity"])

COOKIE: Final = "soko_outside"
AWAY: Final = ("server_error", "temporarily_unavailable")


class ProviderAnswer(Answer):
    """A provider: what people call it, and where to send them. That takes `return_to`, the page to come back to."""

    name: str
    title: str
    login_url: str


class ProvidersAnswer(Answer):
    """Those that this shop is set up for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"name": "google", "title": "Google", "login_url": "/api/v1/auth/providers/google/login"},
                    ]
                }
            ]
        }
    )

    items: list[ProviderAnswer]


@router.get("", operation_id="list_providers", summary="List outside providers to log in with")
async def list_providers(
    _: Caller = Depends(unguarded), service: Identity = Depends(current_service)
) -> ProvidersAnswer:
    items = [
        ProviderAnswer(name=name, title=each.settings.shown, login_url=f"{router.prefix}/{name}/login")
        for name, each in service.outside.items()
    ]
    return ProvidersAnswer(items=items)


@router.get(
    "/{provider}/login",
    operation_id="begin_provider_login",
    summary="Go to an outside provider to log in",
    status_code=302,
    response_class=RedirectResponse,
    responses=problems(NOT_FOUND, PROVIDER_AWAY),
)
async def begin_provider_login(
    provider: str,
    return_to: Annotated[
        str | None,
        Query(max_length=2000, description="A page of the shop's own, or of an origin in CORS_ORIGINS, to end at."),
    ] = None,
    _: Caller = Depends(unguarded),
    service: Identity = Depends(current_service),
) -> RedirectResponse:
    """For a browser to follow. The login ends in the same browser, within ten minutes, or not at all."""
    found = _known(service, provider)
    if return_to is not None and not _ours(return_to, service):
        raise invalid("/query/return_to", "must be a page of this shop")
    begun = await begin(service, found, return_to)
    answer = RedirectResponse(begun.url, 302, {"Cache-Control": "no-store"})
    answer.set_cookie(
        COOKIE,
        begun.browser,
        max_age=int(LIFE.total_seconds()),
        path=found.callback,
        secure=secure(service),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get(
    "/{provider}/callback",
    operation_id="end_provider_login",
    summary="Come back from an outside provider",
    response_model=TokensAnswer,
    responses={
        303: {"description": "To `return_to`: the refresh token is in its cookie; `?error=` names the problem."},
        **problems(
            NOT_FOUND,
            DEACTIVATED,
            PROVIDER_AWAY,
            PROVIDER_DENIED,
            PROVIDER_EMAIL,
            PROVIDER_LOGIN_OVER,
            PROVIDER_REFUSED,
            SECOND_FACTOR_REQUIRED,
        ),
    },
)
async def end_provider_login(
    provider: str,
    request: Request,
    response: Response,
    code: Annotated[str | None, Query(max_length=4096)] = None,
    state: Annotated[str | None, Query(max_length=200)] = None,
    iss: Annotated[str | None, Query(max_length=500)] = None,
    error: Annotated[str | None, Query(max_length=200)] = None,
    others: dict[str, list[str]] = Depends(OpenQuery("")),
    _: Caller = Depends(unguarded),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> TokensAnswer | Response:
    """Only the provider sends people here. Where the login began without `return_to` the answer is that of `/login`."""
    found = _known(service, provider)
    ended = await end(service, found, state, request.cookies.get(COOKIE))
    response.delete_cookie(COOKIE, path=found.callback, httponly=True, samesite="lax")
    try:
        await found.check_issuer(iss)
        if error in AWAY:
            raise found.away(f"it answers {error}")
        if error is not None:
            raise Problem(PROVIDER_DENIED)
        if not code:
            raise invalid("/query/code", "is required")
        said = await found.who(code, ended.verifier, ended.nonce)
        user_id = await people.whose(service, found, said, address_of(request), context)
        where = device_of(request), address_of(request)
        opened, account = await logins.enter(service, user_id, *where, found.name)
    except Problem as no:
        if ended.return_to is None:
            raise
        return RedirectResponse(_told(ended.return_to, error=no.kind.slug), 303, response.headers)
    if ended.return_to is not None:
        return _back(service, response, ended.return_to, opened)
    user = UserAnswer.model_validate({**account, "role": opened.role})
    return await tokens_answer(service, response, opened, user, cookie=False)


def _known(service: Identity, name: str) -> Provider:
    try:
        return service.outside[name]
    except KeyError:
        raise Problem(NOT_FOUND, "This shop knows no such provider.") from None


def _ours(page: str, service: Identity) -> bool:
    """Whether somebody may be sent there with a session just opened: to the shop's own pages alone."""
    try:
        parts = urlsplit(page)
    except ValueError:
        return False
    odd = "\\" in page or any(ord(character) <= 32 or ord(character) == 127 for character in page)
    return not odd and f"{parts.scheme}://{parts.netloc}" in service.settings.origins()


def _back(service: Identity, response: Response, page: str, opened: Opened) -> Response:
    parts = urlsplit(page)
    if f"{parts.scheme}://{parts.netloc}" != service.settings.public_url:
        # A page of another host cannot read the shop's cookies: it finds there what it has to send beside them.
        csrf = tokens.csrf_token(opened.refresh_token)
        page = urlunsplit(parts._replace(fragment=urlencode({"csrf_token": csrf})))
    answer = RedirectResponse(page, 303, response.headers)
    set_cookies(answer, service, opened.refresh_token)
    return answer


def _told(page: str, **more: str) -> str:
    parts = urlsplit(page)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(more))))))
