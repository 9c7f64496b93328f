"""Money that staff give back."""

from typing import Annotated

from chassis.http import (
    Answer,
    Listing,
    Moment,
    Paging,
    Router,
    idempotency,
    invalid,
    ordering,
    paging,
    problems,
    read_page,
    replayed,
    right,
)
from chassis.once import Once
from fastapi import Depends, Query

from order import commands, queries, tables
from order.api.answers import RefundAnswer, refund_answer
from order.api.asking import Asking, asking
from order.api.fields import OrderId, ThingId
from order.api.models import RefundBody, RefundStatus
from order.api.refusals import REFUND_NOT_FAILED, REFUND_TOO_LARGE
from order.domain import order
from order.shipments import Parcel

router = Router(prefix="/api/v1", tags=["Refunds"])


class RefundsAnswer(Answer):
    """An order's refunds."""

    items: list[RefundAnswer]


@router.get(
    "/orders/{order_id}/refunds",
    operation_id="list_order_refunds",
    summary="List an order's refunds",
)
async def list_order_refunds(order_id: OrderId, ask: Asking = Depends(asking(right("payments:read")))) -> RefundsAnswer:
    """Those that staff decided, and those that the order decided by itself."""
    row = await ask.row(order_id)
    rows = await ask.service.database.pool.fetch(queries.REFUNDS_OF, row["id"])
    return RefundsAnswer(items=[refund_answer(each) for each in rows])


@router.post(
    "/orders/{order_id}/refunds",
    status_code=201,
    operation_id="refund_order",
    summary="Give money back",
    responses=problems(REFUND_TOO_LARGE),
)
async def refund_order(
    order_id: OrderId,
    body: RefundBody,
    ask: Asking = Depends(asking(right("payments:write"))),
    once: Once = Depends(idempotency(required=True)),
) -> RefundAnswer:
    """A part of what was captured: an `amount`, or what was paid for `lines`; without either all that is left.

    `pending` until the provider has done it.
    """
    row = await ask.row(order_id)
    if body.lines and (body.amount or len({line.sku for line in body.lines}) < len(body.lines)):
        raise invalid("/lines", "must name each SKU once, and without an amount")
    amount = body.amount.minor(row["currency"], "/amount", least=1) if body.amount else None
    made = await ask.done_before(once)
    if made is None:
        made = ask.service.world.ids()
        command = commands.GiveBack(
            refund_id=made,
            amount=amount,
            reason=body.reason,
            now=ask.service.world.clock(),
            lines=tuple(Parcel(sku=line.sku, quantity=line.quantity) for line in body.lines or ()),
        )
        done = await ask.service.execute(order, row["id"], command, ask.context, once.for_(made))
        if done.replayed:
            replayed(ask.response)
        made = done.resource_id or made
    return refund_answer(await ask.service.database.pool.fetchrow(queries.REFUND, made))


@router.post(
    "/orders/{order_id}/refunds/{refund_id}/retry",
    operation_id="retry_refund",
    summary="Try a failed refund again",
    responses=problems(REFUND_NOT_FAILED),
)
async def retry_refund(
    order_id: OrderId,
    refund_id: ThingId,
    ask: Asking = Depends(asking(right("payments:write"))),
    once: Once = Depends(idempotency(required=True)),
) -> RefundAnswer:
    """Asks the provider again for the same refund, which is `pending` until it has answered."""
    row = await ask.row(order_id)
    if await ask.done_before(once) is None:
        await ask.tell(row["id"], commands.RetryRefund(refund_id=refund_id, now=ask.service.world.clock()), once)
    return refund_answer(await ask.service.database.pool.fetchrow(queries.REFUND, refund_id))


@router.get(
    "/refunds",
    operation_id="list_refunds",
    summary="List refunds",
)
async def list_refunds(
    status: Annotated[list[RefundStatus], Query(description="Any of these; failed ones are owed.")] = [],  # noqa: B006
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
    order: list[tuple[str, bool]] = Depends(ordering("created_at", "amount", default="-created_at")),
    paging: Paging = Depends(paging(cursor=True)),
    ask: Asking = Depends(asking(right("payments:read"))),
) -> Listing[RefundAnswer]:
    """Of all orders."""
    filters = queries.Filters(among={"status": status}, after=created_after, before=created_before)
    async with ask.service.database.engine.connect() as sql:
        page = await read_page(sql, tables.refunds, filters.ways(tables.refunds), order, paging)
    return paging.answer([refund_answer(row) for row in page.rows], page.total, ask.request, last=page.last)
