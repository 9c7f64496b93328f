"""What anybody may know: the keys that tokens are signed with, and what this OpenID provider can do."""

from typing import Any, Final

from chassis.http import Answer, Caller, Router, current_service, unguarded
from fastapi import Depends, Response
from pydantic import ConfigDict

from identity.app import Identity
from identity.keys import ALGORITHM
from identity.openid import oauth
from identity.openid.scopes import SCOPES

router = Router(tags=["Identity"])


CLAIMS: Final = (
    "sub",
    "auth_time",
    "nonce",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
)


class KeySet(Answer):
    """A JSON Web Key Set (RFC 7517): what signs now, what will soon, and what did until lately."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "…", "kid": "…", "use": "sig", "alg": "EdDSA"}]}
            ]
        }
    )

    keys: list[dict[str, Any]]


@router.get("/.well-known/jwks.json", operation_id="get_keys", summary="The keys that sign access tokens")
async def get_keys(
    response: Response, _: Caller = Depends(unguarded), service: Identity = Depends(current_service)
) -> KeySet:
    response.headers["Cache-Control"] = "public, max-age=60"
    return KeySet(keys=(await service.signing.jwks())["keys"])


class Discovery(Answer):
    """What a client library needs to know of this OpenID provider (OpenID Connect Discovery, RFC 8414)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "issuer": "https://shop.example",
                    "authorization_endpoint": "https://shop.example/oauth2/authorize",
                    "token_endpoint": "https://shop.example/oauth2/token",
                    "userinfo_endpoint": "https://shop.example/oauth2/userinfo",
                    "jwks_uri": "https://shop.example/.well-known/jwks.json",
                    "revocation_endpoint": "https://shop.example/oauth2/revoke",
                    "introspection_endpoint": "https://shop.example/oauth2/introspect",
                }
            ]
        }
    )

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    revocation_endpoint: str
    introspection_endpoint: str
    scopes_supported: tuple[str, ...] = SCOPES
    response_types_supported: tuple[str, ...] = ("code",)
    response_modes_supported: tuple[str, ...] = ("query",)
    grant_types_supported: tuple[str, ...] = ("authorization_code", "refresh_token", "client_credentials")
    subject_types_supported: tuple[str, ...] = ("public",)
    id_token_signing_alg_values_supported: tuple[str, ...] = (ALGORITHM,)
    token_endpoint_auth_methods_supported: tuple[str, ...] = tuple(oauth.METHODS)
    revocation_endpoint_auth_methods_supported: tuple[str, ...] = tuple(oauth.METHODS)
    introspection_endpoint_auth_methods_supported: tuple[str, ...] = tuple(oauth.WITH_SECRET)
    code_challenge_methods_supported: tuple[str, ...] = (oauth.CHALLENGE_METHOD,)
    prompt_values_supported: tuple[str, ...] = ("none", "login", "consent", "select_account")
    claims_supported: tuple[str, ...] = CLAIMS
    claims_parameter_supported: bool = False
    request_parameter_supported: bool = False
    request_uri_parameter_supported: bool = False
    authorization_response_iss_parameter_supported: bool = True


@router.get(
    "/.well-known/openid-configuration", operation_id="get_discovery", summary="What an OpenID client has to know"
)
async def get_discovery(
    response: Response, _: Caller = Depends(unguarded), service: Identity = Depends(current_service)
) -> Discovery:
    """The routes under `/oauth2` are described here and by their RFCs: nothing of their form is our own."""
    response.headers["Cache-Control"] = "public, max-age=300"
    issuer = service.settings.shop_url
    return Discovery(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/oauth2/authorize",
        token_endpoint=f"{issuer}/oauth2/token",
        userinfo_endpoint=f"{issuer}/oauth2/userinfo",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        revocation_endpoint=f"{issuer}/oauth2/revoke",
        introspection_endpoint=f"{issuer}/oauth2/introspect",
    )
