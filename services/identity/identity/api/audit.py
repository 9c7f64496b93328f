"""The audit, for administrators."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from chassis.http import (
    Answer,
    Caller,
    Listing,
    Moment,
    Paging,
    Router,
    current_service,
    paging,
    read_page,
    right,
)
from fastapi import Depends, Query, Request
from pydantic import ConfigDict, Field

from identity.api.models import UUID
from identity.app import Identity
from identity.audit import Kind
from identity.tables import audit

router = Router(prefix="/api/v1/audit", tags=["Identity"])

NEWEST_FIRST = [("arrival", True)]


class AuditAnswer(Answer):
    """A security event: ids and facts, no names and no addresses."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 1042,
                    "kind": "role_changed",
                    "user_id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
                    "by_id": "0198c0d0-0a0b-7c0d-8e0f-a1b2c3d4e5f6",
                    "details": {"old": "customer", "new": "staff"},
                    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "created_at": "2026-03-01T12:00:00Z",
                }
            ]
        }
    )

    number: int | None = Field(description="Its place in the chain; null for a moment, until it has one.")
    kind: str
    user_id: str | None = Field(
        description="Whom it is about; null where it is about nobody, or nobody has the name that was tried."
    )
    by_id: str | None = Field(description="Who did it, where that is somebody else.")
    details: dict[str, Any]
    hash: str | None = Field(description="Covers this event and the hash of the one before.")
    created_at: datetime


@router.get(
    "",
    operation_id="list_audit",
    summary="List security events",
    response_model=Listing[AuditAnswer],
)
async def list_audit(
    request: Request,
    user: Annotated[str | None, Query(pattern=UUID, description="About this account.")] = None,
    kind: Annotated[list[Kind] | None, Query(description="Repeated: any of them.")] = None,
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
    page: Paging = Depends(paging(cursor=True)),
    _: Caller = Depends(right("audit:read")),
    service: Identity = Depends(current_service),
) -> Listing[AuditAnswer]:
    """The newest come first. `soko audit verify` tells whether any was changed or taken away."""
    every: list[sa.ColumnElement[bool]] = []
    if user is not None:
        every.append(audit.c.user_id == user)
    if created_after is not None:
        every.append(audit.c.created_at >= created_after)
    if created_before is not None:
        every.append(audit.c.created_at < created_before)
    ways = [[*every, audit.c.kind == one] for one in dict.fromkeys(kind)] if kind else [every]
    async with service.database.engine.connect() as sql:
        found = await read_page(sql, audit, ways, NEWEST_FIRST, page)
    items = [AuditAnswer.model_validate(dict(row)) for row in found.rows]
    return page.answer(items, found.total, request, last=found.last)
