"""Orders: looking at them, paying them, and calling them off."""

from typing import Annotated, Any

from chassis.executing import Moved
from chassis.http import (
    FORBIDDEN,
    Listing,
    Moment,
    Money,
    Paging,
    Precondition,
    Router,
    Tags,
    idempotency,
    ordering,
    paging,
    precondition,
    prefer_wait,
    problems,
    read_page,
    tagging,
)
from chassis.http.problems import CONFLICT
from chassis.once import Once
from fastapi import Depends, Query

from order import commands, queries, tables
from order.api.answers import OrderAnswer, order_answer
from order.api.asking import Asking, asking
from order.api.checkout import SEALED_PARTS
from order.api.fields import OrderId
from order.api.models import AddressBody, CancelBody, PaymentChoice, PaymentStatus, Status
from order.api.refusals import ALREADY_SHIPPED, NOT_PAYABLE, PAYMENT_FAILED, PAYMENT_IN_PROGRESS
from order.domain import order as decider
from order.values import Address

router = Router(prefix="/api/v1", tags=["Orders"])

Amount = Annotated[str | None, Query(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$", description="As in 1250.00.")]


@router.get(
    "/orders",
    operation_id="list_orders",
    summary="List orders",
)
async def list_orders(
    status: Annotated[list[Status], Query(description="Any of these.")] = [],  # noqa: B006
    payment_status: Annotated[list[PaymentStatus], Query(description="Any of these.")] = [],  # noqa: B006
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
    total_min: Amount = None,
    total_max: Amount = None,
    search: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            description="A number or e-mail from its start, a phone's last digits (four or more), or a SKU."
            " By e-mail and phone staff need the right orders:personal.",
        ),
    ] = None,
    mine: Annotated[bool, Query(description="Staff: only their own.")] = False,
    order: list[tuple[str, bool]] = Depends(ordering("created_at", "total", "number", default="-created_at")),
    paging: Paging = Depends(paging(cursor=True)),
    ask: Asking = Depends(asking()),
) -> Listing[OrderAnswer]:
    """One's own; all for staff, `mine=true` their own. A guest sees those placed with their cart token."""
    everyones = ask.caller.may("orders:read") and not mine
    filters = queries.Filters(
        owners=None if everyones else ask.owners,
        among={"status": status, "payment_status": payment_status},
        after=created_after,
        before=created_before,
        total_min=_minor(ask, total_min, "total_min"),
        total_max=_minor(ask, total_max, "total_max"),
        search=search,
        personal=not everyones or ask.caller.may("orders:personal"),
    )
    async with ask.service.database.engine.connect() as sql:
        page = await read_page(sql, tables.orders, filters.ways(tables.orders), order, paging, searched=bool(search))
    return paging.answer(
        [order_answer(row, personal=ask.personal(row)) for row in page.rows], page.total, ask.request, last=page.last
    )


def _minor(ask: Asking, amount: str | None, name: str) -> int | None:
    if amount is None:
        return None
    currency = ask.settings.shop_currency
    whole, point, fraction = amount.partition(".")
    return Money(amount=f"{int(whole)}{point}{fraction}", currency=currency).minor(currency, f"/query/{name}")


@router.get(
    "/orders/{order_id}",
    operation_id="get_order",
    summary="Show an order",
    response_model=OrderAnswer,
)
async def get_order(order_id: OrderId, ask: Asking = Depends(asking()), tags: Tags = Depends(tagging)) -> Any:
    """By id or number. `next_action` says what its owner has to do to pay."""
    row = await ask.seen(order_id)
    return tags.unchanged(row["version"]) or await ask.show(row)


@router.patch(
    "/orders/{order_id}",
    operation_id="change_order_address",
    summary="Send an order elsewhere",
    responses=problems(FORBIDDEN, CONFLICT),
)
async def change_order_address(
    order_id: OrderId,
    body: AddressBody,
    ask: Asking = Depends(asking()),
    known: Precondition = Depends(precondition),
) -> OrderAnswer:
    """Before it is confirmed; from then on it may be on its way."""
    row = await ask.owned(order_id)
    parts = body.shipping_address.model_dump()
    subject = row["customer_id"] or row["id"]
    address = Address(
        sealed=await ask.service.seal(subject, {name: parts[name] for name in SEALED_PARTS}),
        country=parts["country"],
        region=parts["region"],
        postal_code=parts["postal_code"],
    )
    command = commands.ChangeAddress(address=address)
    while True:
        known.check(row["version"])
        try:
            await ask.service.execute(decider, row["id"], command, ask.context, expected=known.at(row["version"]))
            return await ask.show(await ask.row(row["id"]))
        except Moved:
            row = await ask.owned(order_id)


@router.post(
    "/orders/{order_id}/pay",
    operation_id="pay_order",
    summary="Pay an order, or try again",
    responses={
        202: {"model": OrderAnswer, "description": "Not settled yet."},
        **problems(FORBIDDEN, PAYMENT_FAILED, NOT_PAYABLE, PAYMENT_IN_PROGRESS),
    },
)
async def pay_order(
    order_id: OrderId,
    body: PaymentChoice,
    ask: Asking = Depends(asking()),
    once: Once = Depends(idempotency(required=True)),
    prefer: float = Depends(prefer_wait),
) -> OrderAnswer:
    """One attempt at a time, until the order's time is over or the last attempt failed. 402: this one failed."""
    return await pay(order_id, body, ask, once, prefer)


async def pay(order_id: str, body: PaymentChoice, ask: Asking, once: Once, prefer: float) -> OrderAnswer:
    """The same for whoever passes it on."""
    row = await ask.owned(order_id)
    if await ask.done_before(once) is None:
        payment, sealing = await ask.chosen(body, "")
        assert payment is not None
        await ask.tell(row["id"], commands.Pay(payment=payment, now=ask.service.world.clock()), once, sealing)
    row = await ask.settle(row["id"], prefer)
    await ask.refuse_failed(row)
    ask.response.status_code = 200 if row["settled"] else 202
    return await ask.show(row)


@router.post(
    "/orders/{order_id}/cancel",
    operation_id="cancel_order",
    summary="Call an order off",
    responses={
        202: {"model": OrderAnswer, "description": "A payment is on its way; its answer ends the order."},
        **problems(ALREADY_SHIPPED),
    },
)
async def cancel_order(
    order_id: OrderId,
    body: CancelBody | None = None,
    ask: Asking = Depends(asking()),
    once: Once | None = Depends(idempotency()),
    prefer: float = Depends(prefer_wait),
) -> OrderAnswer:
    """Until the first parcel has left. Money that came, or still comes, goes back by itself."""
    row = await ask.seen(order_id, "orders:fulfil")
    if await ask.done_before(once) is None:
        note = body.reason if body else None
        subject = row["customer_id"] or row["id"]
        command = commands.Cancel(
            by="customer" if ask.owns(row) else "staff",
            note=await ask.service.seal(subject, note) if note else None,
            new_id=ask.service.world.ids(),
            now=ask.service.world.clock(),
        )
        await ask.tell(row["id"], command, once)
    row = await ask.settle(row["id"], prefer)
    ask.response.status_code = 202 if row["status"] == "cancelling" else 200
    return await ask.show(row)
