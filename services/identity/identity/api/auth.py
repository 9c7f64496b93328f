"""Logging in, staying in, logging out."""

from typing import Annotated, Literal

from chassis.context import Context
from chassis.http import (
    UNAUTHENTICATED,
    Answer,
    Body,
    Caller,
    Problem,
    Router,
    current_service,
    invalid,
    problems,
    request_context,
    unguarded,
)
from chassis.http.auth import CHALLENGE
from chassis.http.problems import unavailable
from chassis.http.tokens import Unreachable, Unverified
from fastapi import Depends, Query, Request, Response
from pydantic import ConfigDict, Field, SecretStr, StringConstraints, model_validator

from identity import domain, letters, logins, sessions, tokens
from identity.api.models import USER, UserAnswer
from identity.api.origin import (
    address_of,
    check_origin,
    clear_cookies,
    cookie_token,
    device_of,
    set_cookies,
)
from identity.app import Identity
from identity.brakes import Kind
from identity.fields import FactorCode, Line, Phone
from identity.openid import scopes
from identity.problems import (
    DEACTIVATED,
    FOREIGN_ORIGIN,
    INVALID_CREDENTIALS,
    INVALID_REFRESH_TOKEN,
    NOT_VERIFIED,
    SECOND_FACTOR_REQUIRED,
    TOO_MANY_ATTEMPTS,
)
from identity.tables import users

router = Router(prefix="/api/v1/auth", tags=["Identity"])

UseCookie = Annotated[
    bool, Query(description="Keep the refresh token in an HttpOnly cookie. Needs the header X-CSRF-Token afterwards.")
]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=domain.PASSWORD_LONGEST)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Login(Body):
    """One of ``email``, ``username`` and ``phone``, and the password; ``totp`` where there is a second factor."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "customer@soko.example", "password": "soko-demo-2026"}]}
    )

    email: Annotated[Line, Field(max_length=320)] | None = None
    username: Annotated[Line, Field(max_length=64)] | None = None
    phone: Phone | None = None
    password: Secret
    totp: FactorCode | None = Field(
        None, description="Six digits, or a recovery code: needed once the answer is second-factor-required."
    )

    @model_validator(mode="after")
    def _one_name(self) -> "Login":
        if len([name for name in (self.email, self.username, self.phone) if name is not None]) != 1:
            raise ValueError("must name the account by one of email, username and phone")
        return self

    def named(self) -> tuple[Kind, str]:
        """By what, and how, the account is named."""
        if self.email is not None:
            return "email", self.email
        return ("username", self.username) if self.username is not None else ("phone", self.phone or "")


class RefreshToken(Body):
    """Left out where the token is in the cookie."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "q1Zr…"}]})

    refresh_token: Token | None = None


class AccessToken(Body):
    """A token to be checked."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "eyJhbGciOiJFZERTQSIs…"}]})

    token: Token


class TokensAnswer(Answer):
    """What a client goes on with. With ``?cookie=true`` the refresh token is in the cookie and ``csrf_token`` here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJFZERTQSIs…",
                    "refresh_token": "q1Zr…",
                    "token_type": "Bearer",
                    "expires_in": 900,
                    "scope": "",
                    "csrf_token": None,
                    "user": USER,
                }
            ]
        }
    )

    access_token: str
    refresh_token: str | None
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int
    scope: str
    csrf_token: str | None = None
    user: UserAnswer


class TokenAnswer(Answer):
    """What a token that counts says."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "valid": True,
                    "user_id": USER["id"],
                    "session_id": "0198c0de-7a01-7d15-9c0e-2f4b6a8c0d1e",
                    "role": "customer",
                    "scope": "",
                    "expires_at": 1772367300,
                }
            ]
        }
    )

    valid: Literal[True] = True
    user_id: str
    session_id: str
    role: str
    scope: str
    expires_at: int = Field(description="Unix seconds.")


@router.post(
    "/login",
    operation_id="login",
    summary="Log in",
    response_model=TokensAnswer,
    responses=problems(
        INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED, NOT_VERIFIED, DEACTIVATED, FOREIGN_ORIGIN, TOO_MANY_ATTEMPTS
    ),
)
async def login(
    body: Login,
    request: Request,
    response: Response,
    cookie: UseCookie = False,
    _: Caller = Depends(unguarded),
    service: Identity = Depends(current_service),
) -> TokensAnswer:
    """After several failures the next try has to wait, for the account and for the address, known or not."""
    if cookie:
        check_origin(request, service)
    asking = logins.Asking(*body.named(), device=device_of(request), address=address_of(request))
    opened, account = await logins.login(service, asking, body.password.get_secret_value(), body.totp)
    user = UserAnswer.model_validate({**account, "role": opened.role})
    return await tokens_answer(service, response, opened, user, cookie)


@router.post(
    "/refresh",
    operation_id="refresh_token",
    summary="Get new tokens for a refresh token",
    response_model=TokensAnswer,
    responses=problems(INVALID_REFRESH_TOKEN, FOREIGN_ORIGIN),
)
async def refresh(
    request: Request,
    response: Response,
    body: RefreshToken | None = None,
    cookie: UseCookie = False,
    _: Caller = Depends(unguarded),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> TokensAnswer:
    """A refresh token works once. Presented again it ends its session, for thief and owner alike; the owner is told."""
    token = _presented(request, body, cookie, service)
    if token is None:
        if not cookie:
            raise invalid("/refresh_token", "is required")
        raise Problem(INVALID_REFRESH_TOKEN, headers=CHALLENGE)
    async with service.unit(context) as unit:
        lives = service.settings.access_token_life, service.settings.refresh_token_life
        opened = await sessions.rotate(unit.sql, token, unit.now, *lives)
        if isinstance(opened, sessions.Reused):
            letters.reused(service, unit, opened.user, opened.device)
            opened = None
        user_id = opened.user_id if opened else None
        user = (await unit.sql.execute(users.select().where(users.c.id == user_id))).one_or_none()
    if opened is None or user is None:
        raise Problem(INVALID_REFRESH_TOKEN, headers=CHALLENGE)
    return await tokens_answer(service, response, opened, UserAnswer.of(user), cookie)


@router.post(
    "/logout",
    operation_id="logout",
    summary="End the session",
    status_code=204,
    response_model=None,
    responses=problems(UNAUTHENTICATED, FOREIGN_ORIGIN),
)
async def logout(
    request: Request,
    response: Response,
    body: RefreshToken | None = None,
    cookie: UseCookie = False,
    caller: Caller = Depends(unguarded),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """The session of the access token, of the refresh token, or both. A session that is over already is no mistake."""
    token = _presented(request, body, cookie, service)
    if caller.user_id is None and token is None and not cookie:
        raise Problem(UNAUTHENTICATED, "Send the access token, or the refresh token.", headers=CHALLENGE)
    ended = [(caller.user_id, caller.session_id)]
    life = service.settings.access_token_life
    async with service.unit(context) as unit:
        if token is not None:
            values = {"hash": tokens.stored_form(token)}
            row = (await unit.sql.execute(sessions.OF_TOKEN, values)).one_or_none()
            ended += [(row.user_id, row.id)] if row else []
        for user_id, session_id in dict.fromkeys(ended):
            if user_id and session_id:
                await sessions.end(unit.sql, user_id, "logout", unit.now, life, only=session_id)
    clear_cookies(response)


@router.post(
    "/token/verify",
    operation_id="verify_token",
    summary="Check an access token",
    response_model=TokenAnswer,
    responses=problems(UNAUTHENTICATED),
)
async def verify(
    body: AccessToken, _: Caller = Depends(unguarded), service: Identity = Depends(current_service)
) -> TokenAnswer:
    """200 with what it says, or 401. Here the session itself is looked at: a logout counts at once."""
    try:
        claims = await service.authentication.verifier.verify(body.token)
    except Unverified as no:
        raise Problem(UNAUTHENTICATED, f"{no}.", headers=CHALLENGE) from None
    except Unreachable:
        raise unavailable("identity") from None
    if claims.client_id is not None:
        raise Problem(UNAUTHENTICATED, "A client's token is looked at by POST /oauth2/introspect.", headers=CHALLENGE)
    alive = "SELECT true FROM sessions WHERE id = $1 AND user_id = $2"
    if not await service.database.pool.fetchval(alive, claims.session_id, claims.user_id):
        raise Problem(UNAUTHENTICATED, "The session is over.", headers=CHALLENGE)
    return TokenAnswer(
        user_id=claims.user_id or "",
        session_id=claims.session_id or "",
        role=claims.role or "",
        scope=" ".join(sorted(claims.rights)),
        expires_at=claims.expires_at,
    )


def _presented(request: Request, body: RefreshToken | None, cookie: bool, service: Identity) -> str | None:
    if cookie:
        return cookie_token(request, service)
    return body.refresh_token if body else None


async def tokens_answer(
    service: Identity, response: Response, opened: sessions.Opened, user: UserAnswer, cookie: bool
) -> TokensAnswer:
    """The answer that goes on with this session; with ``cookie`` the refresh token is not in it."""
    life, scope = service.settings.access_token_life, scopes.joined(opened.rights)
    access = tokens.access_token(
        await service.signing.active(),
        user_id=opened.user_id,
        role=opened.role,
        scope=scope,
        session_id=opened.session_id,
        token_id=service.world.ids(),
        now=service.world.clock(),
        lifetime=life,
    )
    response.headers["Cache-Control"] = "no-store"
    csrf = set_cookies(response, service, opened.refresh_token) if cookie else None
    return TokensAnswer(
        access_token=access,
        refresh_token=None if cookie else opened.refresh_token,
        expires_in=int(life.total_seconds()),
        scope=scope,
        csrf_token=csrf,
        user=user,
    )
