"""What anybody may know: the keys that access tokens are signed with."""

from typing import Any

from chassis.http import Answer, Caller, Router, current_service, unguarded
from fastapi import Depends, Response
from pydantic import ConfigDict

from identity.app import Identity

router = Router(tags=["Identity"])


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
