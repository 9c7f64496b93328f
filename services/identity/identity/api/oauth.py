"""What clients themselves ask for: tokens, whom a token is about, whether it counts, and its end.

Here errors look as RFC 6749, 6750, 7009 and 7662 say, where they say anything.
"""

from collections.abc import Awaitable
from typing import Any, Final

from chassis.context import Context
from chassis.http import (
    FORBIDDEN,
    UNAUTHENTICATED,
    OpenQuery,
    Problem,
    Router,
    current_service,
    request_context,
    unguarded,
)
from chassis.http.auth import BROKEN, CHALLENGE, bearer_token
from chassis.http.problems import unavailable
from chassis.http.tokens import Unreachable, Unverified
from fastapi import Depends, Request
from starlette.responses import JSONResponse, Response

from identity import tokens
from identity.api.forms import form_of
from identity.api.origin import address_of
from identity.app import Identity
from identity.openid import clients, grants, scopes
from identity.openid.clients import Client
from identity.openid.grants import Granted
from identity.openid.oauth import (
    Asked,
    Code,
    Introspecting,
    InvalidClientError,
    InvalidGrantError,
    InvalidScopeError,
    OAuth2Error,
    Provider,
    Revoking,
    Token,
)

router = Router(
    prefix="/oauth2",
    tags=["Identity"],
    include_in_schema=False,
    dependencies=[Depends(unguarded), Depends(OpenQuery(""))],
)

HINTS: Final = ("access_token", "refresh_token")
INSUFFICIENT: Final = {"WWW-Authenticate": 'Bearer realm="soko", error="insufficient_scope", scope="openid"'}
NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

SUBJECT: Final = """
SELECT users.* FROM users JOIN sessions ON sessions.user_id = users.id
WHERE users.id = $1 AND sessions.id = $2 AND users.active
"""


@router.post("/token", operation_id="token", summary="Tokens for a code, a refresh token or a client itself")
async def token(
    request: Request, context: Context = Depends(request_context), service: Identity = Depends(current_service)
) -> Response:
    return await _answered(_Asking(service, request, context).tokens())


@router.post("/revoke", operation_id="revoke", summary="End what a token belongs to")
async def revoke(
    request: Request, context: Context = Depends(request_context), service: Identity = Depends(current_service)
) -> Response:
    return await _answered(_Asking(service, request, context).revoked())


@router.post("/introspect", operation_id="introspect", summary="Whether a token counts, and what it says")
async def introspect(
    request: Request, context: Context = Depends(request_context), service: Identity = Depends(current_service)
) -> Response:
    return await _answered(_Asking(service, request, context).introspected())


async def _answered(work: Awaitable[dict[str, Any]]) -> Response:
    try:
        return JSONResponse(await work, headers=NOT_KEPT)
    except OAuth2Error as no:
        status, body, headers = no()
        return JSONResponse(body, status, dict(headers) | NOT_KEPT)


class _Asking:
    """A client's request. Each way to answer it raises ``OAuth2Error``."""

    def __init__(self, service: Identity, request: Request, context: Context) -> None:
        self._service, self._request, self._context = service, request, context
        self._address = address_of(request)
        self._client: Client | None = None

    async def tokens(self) -> dict[str, Any]:
        asked = await self._read()
        code = await grants.find_code(self._service, asked.form.get("code"))
        known = await grants.find_token(self._service, asked.form.get("refresh_token"))
        grant = await self._judged(asked, code, known)
        client: Client = asked.client
        match grant.GRANT_TYPE:
            case "authorization_code":
                assert code is not None
                granted = await grants.take(self._service, self._context, client, code, self._address)
            case "refresh_token":
                presented, narrowed = asked.form["refresh_token"], asked.form.get("scope")
                granted = await grants.renew(self._service, self._context, client, presented, narrowed)
            case _:
                return await self._for_itself(client, asked.form.get("scope"))
        if granted is None:
            raise InvalidGrantError("It was used, has expired, or was taken back.")
        return await self._for_a_person(client, granted, code)

    async def revoked(self) -> dict[str, Any]:
        asked = await self._read()
        known = await grants.find_token(self._service, asked.form.get("token"))
        rules = Revoking(Provider(self._client, token=known))
        client = await self._proven(asked, rules)
        token = rules.authenticate_token(asked, client)
        if token is not None and token.active:
            await grants.end(self._service, self._context, token)
        return {}

    async def introspected(self) -> dict[str, Any]:
        asked = await self._read()
        known = await grants.find_token(self._service, asked.form.get("token"))
        rules = Introspecting(Provider(self._client, token=known))
        client = await self._proven(asked, rules)
        said: dict[str, Any] = rules.create_introspection_payload(rules.authenticate_token(asked, client))
        return said

    async def _read(self) -> Asked:
        await clients.refuse_held_back(self._service, self._address)
        form = await form_of(self._request)
        if form.get("token_type_hint") not in HINTS:
            form.pop("token_type_hint", None)
        asked = Asked("POST", self._request.headers, form)
        self._client = await clients.find(self._service, asked.names)
        return asked

    async def _judged(self, asked: Asked, code: Code | None, known: Token | None) -> Any:
        grant = Provider(self._client, code=code, token=known).get_token_grant(asked)
        try:
            grant.validate_token_request()
        except InvalidClientError:
            raise await self._unproven() from None
        return grant

    async def _proven(self, asked: Asked, rules: Any) -> Client:
        try:
            found: Client = rules.authenticate_endpoint_client(asked)
        except InvalidClientError:
            raise await self._unproven() from None
        return found

    async def _unproven(self) -> InvalidClientError:
        await clients.count_refusal(self._service, self._context, self._address, self._client)
        return InvalidClientError("The client is not known here, or did not prove that it is it.", status_code=401)

    async def _for_a_person(self, client: Client, granted: Granted, code: Code | None) -> dict[str, Any]:
        given = await self._signed(client, granted.scope, granted.session_id, granted.user_id)
        if granted.refresh_token:
            given["refresh_token"] = granted.refresh_token
        if code is not None and scopes.OPENID in granted.scope:
            given["id_token"] = tokens.id_token(
                await self._service.signing.active(),
                issuer=self._service.settings.shop_url,
                client_id=client.id,
                user_id=granted.user_id,
                nonce=code.nonce,
                authenticated_at=code.authenticated_at,
                now=self._service.world.clock(),
                lifetime=self._service.settings.access_token_life,
            )
        return given

    async def _for_itself(self, client: Client, scope: str | None) -> dict[str, Any]:
        wanted = scopes.split(scope) or scopes.split(client.scope)
        if not wanted <= scopes.split(client.scope):
            raise InvalidScopeError
        # It has no session: the token's own id is what a revocation names.
        return await self._signed(client, wanted, self._service.world.ids(), None)

    async def _signed(
        self, client: Client, scope: frozenset[str], session_id: str, user_id: str | None
    ) -> dict[str, Any]:
        life = self._service.settings.access_token_life
        access = tokens.client_token(
            await self._service.signing.active(),
            client_id=client.id,
            user_id=user_id,
            session_id=session_id,
            scope=scope,
            token_id=self._service.world.ids(),
            now=self._service.world.clock(),
            lifetime=life,
        )
        said = {"access_token": access, "token_type": "Bearer", "expires_in": int(life.total_seconds())}
        return {**said, "scope": scopes.joined(scope)}


@router.get("/userinfo", operation_id="get_userinfo", summary="Whom a client's token is about")
async def get_userinfo(request: Request, service: Identity = Depends(current_service)) -> Response:
    """The claims of the scopes that were granted."""
    bearer = bearer_token(request.headers.get("authorization"))
    if bearer is None:
        raise Problem(UNAUTHENTICATED, headers=CHALLENGE)
    try:
        claims = await service.given.verify(bearer)
    except Unverified as no:
        raise Problem(UNAUTHENTICATED, f"{no}.", headers=BROKEN) from None
    except Unreachable:
        raise unavailable("identity") from None
    if scopes.OPENID not in claims.rights:
        raise Problem(FORBIDDEN, "This needs the scope openid.", headers=INSUFFICIENT)
    user = await service.database.pool.fetchrow(SUBJECT, claims.user_id, claims.session_id)
    if user is None:
        raise Problem(UNAUTHENTICATED, "What was given was taken back.", headers=BROKEN)
    return JSONResponse(scopes.claims(user, claims.rights), headers=NOT_KEPT)


router.add_api_route(
    "/userinfo",
    get_userinfo,
    methods=["POST"],
    operation_id="post_userinfo",
    summary="The same by POST, which OpenID Connect asks for",
)
