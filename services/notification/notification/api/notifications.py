"""What was told to whom."""

from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from chassis.http import (
    FORBIDDEN,
    Answer,
    Caller,
    Listing,
    Paging,
    Problem,
    Router,
    current_service,
    ordering,
    paging,
    signed_in,
)
from chassis.service import Service
from fastapi import Depends, Query, Request
from pydantic import ConfigDict, StringConstraints

from notification.tables import notifications

router = Router(prefix="/api/v1", tags=["Notifications"])

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")]


class NotificationAnswer(Answer):
    """One message to somebody. ``recipient`` is masked; what it said is not kept.

    ``reason`` says why it failed: ``no-address``, ``refused`` (by the mail server), ``gave-up``, ``unknown-kind``.
    """

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
                    "kind": "order_confirmed",
                    "channel": "email",
                    "recipient": "c***@soko.example",
                    "title": "Your order SO-1042 is confirmed",
                    "status": "sent",
                    "reason": None,
                    "customer_id": "0198c0d0-0a0b-7c0d-8e0f-a1b2c3d4e5f6",
                    "created_at": "2026-03-01T12:00:00Z",
                    "sent_at": "2026-03-01T12:00:01Z",
                }
            ]
        },
    )

    id: str
    kind: str
    channel: str
    recipient: str | None
    title: str | None
    status: Literal["queued", "sent", "failed"]
    reason: str | None
    customer_id: str | None
    created_at: datetime
    sent_at: datetime | None


@router.get(
    "/notifications",
    operation_id="list_notifications",
    summary="What was sent to you",
)
async def list_notifications(
    request: Request,
    scope: Annotated[Literal["own", "all"], Query(description="`all`: everybody's, for staff.")] = "own",
    status: Annotated[list[Literal["queued", "sent", "failed"]] | None, Query()] = None,
    kind: Annotated[list[Kind] | None, Query(max_length=20)] = None,
    order: list[tuple[str, bool]] = Depends(ordering("created_at", default="-created_at")),
    page: Paging = Depends(paging()),
    caller: Caller = Depends(signed_in),
    service: Service = Depends(current_service),
) -> Listing[NotificationAnswer]:
    """Newest first. With the right notifications:read also what was sent to all, and to the admin."""
    if scope == "all" and not caller.may("notifications:read"):
        raise Problem(FORBIDDEN, "This needs the right notifications:read.")
    wanted: list[Any] = [] if scope == "all" else [notifications.c.customer_id == caller.user_id]
    if status:
        wanted.append(notifications.c.status.in_(status))
    if kind:
        wanted.append(notifications.c.kind.in_(kind))
    columns = (notifications.c[name] for name, _ in order)
    sorting = [column.desc() if down else column for column, (_, down) in zip(columns, order, strict=True)]
    query = sa.select(notifications).where(*wanted).order_by(*sorting).limit(page.limit).offset(page.offset)
    async with service.database.engine.connect() as sql:
        items = [NotificationAnswer.model_validate(row) for row in await sql.execute(query)]
        total = await sql.scalar(sa.select(sa.func.count()).select_from(notifications).where(*wanted))
    return page.answer(items, total, request)
