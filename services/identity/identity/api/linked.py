"""The outside providers by which the caller may log in."""

from datetime import datetime
from typing import Final

from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    Answer,
    Caller,
    Problem,
    Router,
    current_service,
    problems,
    request_context,
    signed_in,
)
from fastapi import Depends
from pydantic import ConfigDict

from identity import accounts, audit
from identity.api.me import gone
from identity.app import Identity
from identity.problems import LAST_WAY_IN
from identity.registrations import NO_PASSWORD
from identity.tables import outside_identities as links

router = Router(prefix="/api/v1/users/me/providers", tags=["Identity"])

MOST: Final = 100


class LinkAnswer(Answer):
    """A provider by which this account is logged in to; several times, where somebody has several accounts there."""

    name: str
    linked_at: datetime
    last_used_at: datetime


class LinksAnswer(Answer):
    """All of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "name": "google",
                            "linked_at": "2026-03-01T12:00:00Z",
                            "last_used_at": "2026-03-02T09:00:00Z",
                        }
                    ]
                }
            ]
        }
    )

    items: list[LinkAnswer]


@router.get("", operation_id="list_own_providers", summary="List the providers by which one may log in")
async def list_own_providers(
    caller: Caller = Depends(signed_in), service: Identity = Depends(current_service)
) -> LinksAnswer:
    """They are linked by logging in with them. The newest come first."""
    rows = links.select().where(links.c.user_id == caller.user_id).order_by(links.c.linked_at.desc()).limit(MOST)
    async with service.database.engine.connect() as sql:
        found = (await sql.execute(rows)).all()
    items = [LinkAnswer(name=row.provider, linked_at=row.linked_at, last_used_at=row.last_used_at) for row in found]
    return LinksAnswer(items=items)


@router.delete(
    "/{provider}",
    operation_id="remove_own_provider",
    summary="Log in by a provider no more",
    status_code=204,
    response_model=None,
    responses=problems(NOT_FOUND, LAST_WAY_IN),
)
async def remove_own_provider(
    provider: str,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """Sessions go on. Whoever logs in there with the account's own address again is linked again."""
    async with service.unit(context) as unit:
        before = await accounts.owned(unit, caller.user_id or "")
        if before is None:
            raise gone()
        gone_by = links.delete().where(links.c.user_id == before.id, links.c.provider == provider)
        if not (await unit.sql.execute(gone_by)).rowcount:
            raise Problem(NOT_FOUND, "No such provider is linked to the account.")
        others = links.select().where(links.c.user_id == before.id).limit(1)
        if before.password_hash == NO_PASSWORD and (await unit.sql.execute(others)).first() is None:
            raise Problem(LAST_WAY_IN)
        await audit.record(unit, "provider_unlinked", before.id, provider=provider)
