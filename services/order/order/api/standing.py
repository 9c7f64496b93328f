"""Where an order stands, for the gateway's operators."""

from datetime import datetime

from chassis.http import Answer, Router, service_only
from chassis.ops import on_behalf
from fastapi import Depends

from order import queries
from order.api.asking import Asking, asking
from order.api.fields import OrderId
from order.domain import order
from order.standing import Awaited, awaited

router = Router(prefix="/internal/v1", tags=["Internal"])

MOST_CORRELATIONS = 50
"""Requests that moved the order: those that are told, the latest."""


class StandingAnswer(Answer):
    """The order in a few words, all that it waits for, and the stories (correlation ids) it is part of."""

    id: str
    number: str
    status: str
    payment_status: str
    reason: str | None
    updated_at: datetime
    awaited: list[Awaited]
    correlationids: list[str]


@router.get(
    "/orders/{order_id}/standing",
    operation_id="internal_order_standing",
    summary="What an order waits for",
    dependencies=[Depends(on_behalf("ops:read"))],
)
async def order_standing(order_id: OrderId, ask: Asking = Depends(asking(service_only))) -> StandingAnswer:
    """By id or number."""
    row = await ask.row(order_id)
    stream = order.name(row["id"])
    codec = ask.service.aggregates.of(stream).codec
    recorded = await ask.service.database.pool.fetch(queries.STORY, stream)
    history = [(codec.decode(each["type"], each["data"]), each["recorded_at"]) for each in recorded]
    state = order.fold(event for event, _ in history)
    stories = dict.fromkeys(each["correlationid"] for each in recorded)
    return StandingAnswer(
        id=row["id"],
        number=row["number"],
        status=state.status,
        payment_status=state.payment_status,
        reason=state.reason,
        updated_at=recorded[-1]["recorded_at"],
        awaited=awaited(state, history),
        correlationids=list(stories)[-MOST_CORRELATIONS:],
    )
