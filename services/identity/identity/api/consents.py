"""What one has let applications have."""

from datetime import datetime

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    Answer,
    Caller,
    Listing,
    Paging,
    Problem,
    Router,
    current_service,
    paging,
    request_context,
    signed_in,
)
from fastapi import Depends, Request
from pydantic import ConfigDict

from identity.api.models import Id
from identity.app import Identity
from identity.openid import scopes, visits
from identity.tables import clients, consents

router = Router(prefix="/api/v1/users/me/consents", tags=["Identity"])


class ConsentAnswer(Answer):
    """An application, and the scopes that it gets without asking again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "client_id": "0198c0de-8b02-7e26-8d1f-3a5c7b9d1e2f",
                    "name": "Kettle Club",
                    "scopes": ["email", "openid"],
                    "given_at": "2026-03-01T12:00:00Z",
                }
            ]
        }
    )

    client_id: str
    name: str
    scopes: list[str]
    given_at: datetime


@router.get(
    "",
    operation_id="list_consents",
    summary="List the applications that may act for the own account",
    response_model=Listing[ConsentAnswer],
)
async def list_consents(
    request: Request,
    page: Paging = Depends(paging()),
    caller: Caller = Depends(signed_in),
    service: Identity = Depends(current_service),
) -> Listing[ConsentAnswer]:
    """By the application's id."""
    own = consents.c.user_id == caller.user_id
    newest = sa.select(consents, clients.c.name).join(clients).where(own).order_by(consents.c.client_id)
    async with service.database.engine.connect() as sql:
        total = (await sql.execute(sa.select(sa.func.count()).select_from(consents).where(own))).scalar_one()
        found = (await sql.execute(newest.limit(page.limit).offset(page.offset))).mappings().all()
    items = [ConsentAnswer(**{**row, "scopes": sorted(scopes.split(row["scope"]))}) for row in found]
    return page.answer(items, total, request)


@router.delete(
    "/{client_id}",
    operation_id="withdraw_consent",
    summary="Take back what an application was let have",
    status_code=204,
    response_model=None,
)
async def withdraw_consent(
    client_id: Id,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """Its sessions end, and the next time it asks again."""
    if not await visits.withdraw(service, context, caller.user_id or "", client_id):
        raise Problem(NOT_FOUND)
