"""What other services ask."""

from typing import Annotated

from chassis.http import (
    NOT_FOUND,
    UNAUTHENTICATED,
    Answer,
    Peer,
    Problem,
    Router,
    current_service,
    problems,
    service_only,
)
from chassis.http.auth import CHALLENGE
from fastapi import Depends, Path, Query
from pydantic import ConfigDict

from identity import revocations
from identity.api.address_models import ADDRESS
from identity.api.models import UUID
from identity.app import Identity

router = Router(prefix="/internal/v1", tags=["Internal"])


# One checkout asks one of these: fixed statements, on the pool that plans them once.
CONTACT = "select id as user_id, email, phone, language from users where id = $1 and active"
ADDRESS_OF = """
select name, phone, line1, line2, city, region, postal_code, country, instructions
from addresses where id = $1 and user_id = $2
"""


class PostalAddress(Answer):
    """Where something goes."""

    name: str
    phone: str
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str | None
    country: str
    instructions: str | None


class Contact(Answer):
    """How to reach the caller whose token was passed on; ``address`` is the one asked for by ``address_id``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
                    "email": "customer@soko.example",
                    "phone": "+254700000001",
                    "language": "en",
                    "address": {name: value for name, value in ADDRESS.items() if name != "default"},
                }
            ]
        }
    )

    user_id: str
    email: str | None
    phone: str | None
    language: str
    address: PostalAddress | None = None


class Revoked(Answer):
    """What was revoked after the position asked for. ``users`` are ``{"id", "before"}``, before in Unix seconds."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"position": 7, "sessions": ["0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"], "users": []}]
        }
    )

    position: int
    sessions: list[str]
    users: list[dict[str, str | float]]


@router.get(
    "/users/me/contact",
    operation_id="get_contact",
    summary="How to reach the caller",
    response_model=Contact,
    responses=problems(NOT_FOUND),
)
async def get_contact(
    address_id: Annotated[str | None, Query(pattern=UUID)] = None,
    peer: Peer = Depends(service_only),
    service: Identity = Depends(current_service),
) -> Contact:
    user_id = peer.caller.user_id if peer.caller else None
    row = await service.database.pool.fetchrow(CONTACT, user_id)
    if row is None:
        raise Problem(UNAUTHENTICATED, "Pass on the token of a user.", headers=CHALLENGE)
    address = None
    if address_id is not None:
        address = await service.database.pool.fetchrow(ADDRESS_OF, address_id, user_id)
        if address is None:
            raise Problem(NOT_FOUND, "The caller has no such address.")
    return Contact(**row, address=address and PostalAddress(**address))


@router.get(
    "/users/{user_id}/contact",
    operation_id="get_contact_of",
    summary="How to reach a user",
    response_model=Contact,
    responses=problems(NOT_FOUND),
)
async def get_contact_of(
    user_id: Annotated[str, Path(pattern=UUID)],
    _: Peer = Depends(service_only),
    service: Identity = Depends(current_service),
) -> Contact:
    """For what a user asked to be told of while they are away."""
    row = await service.database.pool.fetchrow(CONTACT, user_id)
    if row is None:
        raise Problem(NOT_FOUND, "There is no such user.")
    return Contact(**row)


@router.get(
    "/revocations",
    operation_id="list_revocations",
    summary="Which access tokens do not count any more",
    response_model=Revoked,
)
async def list_revocations(
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    _: Peer = Depends(service_only),
    service: Identity = Depends(current_service),
) -> Revoked:
    return Revoked.model_validate(await revocations.after(service.database.pool, after))
