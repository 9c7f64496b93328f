"""OAuth's own rules, by Authlib's grants: who a client is, what a request must hold, whose a code or a token is.

They ask for rows while they judge, and wait for each; our database is asynchronous. So the rows that a request names
are read first and handed in, the grants say no by raising ``OAuth2Error``, and what follows from a yes is written by
``grants`` in a transaction of its own, which looks at the rows again under their locks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oidc.core import OpenIDCode

from identity.openid.clients import Client
from identity.openid.scopes import SCOPES

WITH_SECRET: Final = ["client_secret_basic", "client_secret_post"]
METHODS: Final = [*WITH_SECRET, "none"]
CHALLENGE_METHOD: Final = "S256"

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Code(AuthorizationCodeMixin):
    """An authorization code as it is kept."""

    hash: str
    client_id: str
    user_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    authenticated_at: datetime
    code_challenge_method: str = CHALLENGE_METHOD

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True, slots=True)
class Token:
    """A token that a client presents, as it is kept or as it says. ``said`` is what introspection answers.

    ``session_id`` ends all that was given with it; for what a machine holds it names the one token.
    """

    client_id: str | None
    session_id: str | None
    user_id: str | None
    scope: str
    active: bool
    said: dict[str, Any] = field(default_factory=dict)

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.id

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return not self.active

    def is_revoked(self) -> bool:
        return not self.active


class Asked(OAuth2Request):
    """A request as Authlib reads it. That nobody listens is seen to where TLS ends, in front of the gateway."""

    def __init__(self, method: str, headers: Mapping[str, str], params: Form) -> None:
        super().__init__(method, "https://localhost/", headers=dict(headers))
        self.payload = BasicOAuth2Payload(dict(params))
        self.headers = headers

    @property
    def form(self) -> Form:
        found: Form = self.payload.data
        return found

    @property
    def args(self) -> Form:
        return self.form

    @property
    def names(self) -> str | None:
        """The client that it says it is from."""
        try:
            client_id, _ = extract_basic_authorization(self.headers)
        except ValueError:
            client_id = "\0"
        if client_id and "\0" in client_id:
            raise InvalidClientError("The Authorization header holds what no client is called.", status_code=401)
        return client_id or self.form.get("client_id")


class CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        known: Code | None = self.server.code
        return known if known and known.client_id == client.id else None


class Challenge(CodeChallenge):
    """PKCE for every client: a code alone is worth nothing, wherever it got to on its way."""

    SUPPORTED_CODE_CHALLENGE_METHOD = [CHALLENGE_METHOD]  # noqa: RUF012 - as Authlib declares it

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        said = grant.request.payload.data
        if not said.get("code_challenge") or said.get("code_challenge_method") != CHALLENGE_METHOD:
            raise InvalidRequestError("code_challenge is required, with code_challenge_method S256")
        super().validate_code_challenge(grant, redirect_uri)


class Login(OpenIDCode):
    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """A nonce is the client's to look at: OpenID Connect wants it passed on, and no more."""
        return False


class RefreshGrant(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        known: Token | None = self.server.token
        return known


class MachineGrant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = WITH_SECRET


class Revoking(RevocationEndpoint):
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        known: Token | None = self.server.token
        return known


class Introspecting(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = WITH_SECRET

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        known: Token | None = self.server.token
        return known

    def check_permission(self, token: Token, client: Client, request: Any) -> bool:
        return token.check_client(client)

    def introspect_token(self, token: Token) -> dict[str, Any]:
        return token.said


class Provider(AuthorizationServer):
    """The rules, over the rows that one request names."""

    def __init__(self, client: Client | None, *, code: Code | None = None, token: Token | None = None) -> None:
        super().__init__(scopes_supported=SCOPES)
        self._client, self.code, self.token = client, code, token
        self.register_grant(CodeGrant, [Challenge(), Login()])
        self.register_grant(RefreshGrant)
        self.register_grant(MachineGrant)

    def query_client(self, client_id: str) -> Client | None:
        return self._client if self._client and self._client.id == client_id else None

    def create_oauth2_request(self, request: Asked) -> Asked:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


__all__ = [
    "Asked",
    "Code",
    "Introspecting",
    "InvalidClientError",
    "InvalidGrantError",
    "InvalidRequestError",
    "InvalidScopeError",
    "OAuth2Error",
    "Provider",
    "Revoking",
    "Token",
]
