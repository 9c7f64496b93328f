"""What was told to whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from chassis.http import (
    FORBIDDEN,
    Answer,
    Caller,
    Listing,
    Paging,
    Problem,
    Router,
    Way,
    current_service,
    ordering,
    paging,
    read_page,
    signed_in,
)
from chassis.service import Service
from fastapi import Depends, Query, Request
from pydantic import ConfigDict, StringConstraints

from notification.delivery import Delivery
from notification.domain import Status
from notification.tables import notifications

router = Router(prefix="/api/v1", tags=["Notifications"])

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")]


class NotificationAnswer(Answer):
    """One message to somebody. ``recipient`` is masked; what it said is not kept.

    ``reason`` says why it failed: ``no-address``, ``refused`` (by the mail server), ``gave-up``, ``unknown-kind``,
    ``not-confided`` (a secret in it did not open). ``unwanted``: its customer wants none of these by this channel.
    ``delivery`` is what a provider reported since, and ``provider_id`` what it calls the message.
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
                    "provider_id": None,
                    "delivery": "bounced",
                    "delivery_reason": "550 5.1.1 no such mailbox",
                    "reported_at": "2026-03-01T12:00:07Z",
                }
            ]
        },
    )

    id: str
    kind: str
    channel: str
    recipient: str | None
    title: str | None
    status: Status
    reason: str | None
    customer_id: str | None
    created_at: datetime
    sent_at: datetime | None
    provider_id: str | None
    delivery: Delivery | None
    delivery_reason: str | None
    reported_at: datetime | None


@router.get(
    "/notifications",
    operation_id="list_notifications",
    summary="What was sent to you",
)
async def list_notifications(
    request: Request,
    scope: Annotated[Literal["own", "all"], Query(description="`all`: everybody's, for staff.")] = "own",
    status: Annotated[list[Status] | None, Query()] = None,
    kind: Annotated[list[Kind] | None, Query(max_length=20)] = None,
    order: list[tuple[str, bool]] = Depends(ordering("created_at", default="-created_at")),
    page: Paging = Depends(paging(cursor=True)),
    caller: Caller = Depends(signed_in),
    service: Service = Depends(current_service),
) -> Listing[NotificationAnswer]:
    """Newest first. With the right notifications:read also what was sent to all, and to the admin."""
    if scope == "all" and not caller.may("notifications:read"):
        raise Problem(FORBIDDEN, "This needs the right notifications:read.")
    owner = None if scope == "all" else caller.user_id
    async with service.database.engine.connect() as sql:
        found = await read_page(sql, notifications, _ways(owner, status or [], kind or []), order, page)
    items = [NotificationAnswer.model_validate(dict(row)) for row in found.rows]
    return page.answer(items, found.total, request, last=found.last)


def _ways(customer_id: str | None, statuses: Sequence[str], kinds: Sequence[str]) -> list[Way]:
    """One way to a customer's own, who has few; else one for each kind or each status."""
    is_one, of_kinds = notifications.c.status.in_(statuses), notifications.c.kind.in_(kinds)
    if customer_id is not None:
        own = [notifications.c.customer_id == customer_id]
        return [own + ([is_one] if statuses else []) + ([of_kinds] if kinds else [])]
    if kinds:
        also = [is_one] if statuses else []
        return [[*also, notifications.c.kind == kind] for kind in dict.fromkeys(kinds)]
    return [[notifications.c.status == status] for status in dict.fromkeys(statuses)] or [[]]
