"""Parcels: staff make them and move them on; everybody sees their own."""

from typing import Annotated, Any

from chassis.executing import Moved
from chassis.http import (
    NOT_FOUND,
    Answer,
    Listing,
    Moment,
    Paging,
    Precondition,
    Problem,
    Router,
    Tags,
    idempotency,
    invalid,
    ordering,
    paging,
    precondition,
    problems,
    read_page,
    replayed,
    right,
    tagging,
)
from chassis.once import Once
from fastapi import Depends, Query

from order import commands, queries, tables
from order.api.answers import OrderShipmentAnswer, shipment_answer
from order.api.asking import Asking, asking
from order.api.fields import OrderId, ThingId
from order.api.models import ShipmentBody, ShipmentPatch
from order.api.refusals import NOT_SHIPPABLE
from order.domain import order
from order.shipments import Parcel, ShipmentStatus, unpacked

router = Router(prefix="/api/v1", tags=["Shipping"])


class ShipmentsAnswer(Answer):
    """An order's parcels."""

    items: list[OrderShipmentAnswer]


@router.get(
    "/orders/{order_id}/shipments",
    operation_id="list_order_shipments",
    summary="List an order's shipments",
)
async def list_order_shipments(order_id: OrderId, ask: Asking = Depends(asking())) -> ShipmentsAnswer:
    """The first one is made when the order is confirmed."""
    row = await ask.seen(order_id)
    rows = await ask.service.database.pool.fetch(queries.SHIPMENTS_OF, row["id"])
    return ShipmentsAnswer(items=[shipment_answer(each) for each in rows])


@router.post(
    "/orders/{order_id}/shipments",
    status_code=201,
    operation_id="create_shipment",
    summary="Send a part of an order by itself",
    responses=problems(NOT_SHIPPABLE),
)
async def create_shipment(
    order_id: OrderId,
    body: ShipmentBody,
    ask: Asking = Depends(asking(right("orders:fulfil"))),
    once: Once | None = Depends(idempotency()),
) -> OrderShipmentAnswer:
    """Made of units that nobody has packed yet; without `lines` of all of them."""
    row = await ask.row(order_id)
    made = await ask.done_before(once)
    if made is None:
        made = ask.service.world.ids()
        command = commands.SplitShipment(
            shipment_id=made,
            lines=await _lines(ask, row["id"], body),
            carrier=body.carrier,
            tracking_number=body.tracking_number,
            now=ask.service.world.clock(),
        )
        done = await ask.service.execute(order, row["id"], command, ask.context, once and once.for_(made))
        if done.replayed:
            replayed(ask.response)
        made = done.resource_id or made
    ask.response.headers["Location"] = f"/api/v1/shipments/{made}"
    return shipment_answer(await _row(ask, made))


async def _lines(ask: Asking, order_id: str, body: ShipmentBody) -> tuple[Parcel, ...]:
    if body.lines is None:
        waiting = unpacked((await ask.service.load(order, order_id)).state.parcels)
        if not waiting:
            raise Problem(NOT_SHIPPABLE, "Everything is packed already.")
        return tuple(Parcel(sku=sku, quantity=quantity) for sku, quantity in waiting.items())
    if len({line.sku for line in body.lines}) < len(body.lines):
        raise invalid("/lines", "must name each SKU once")
    return tuple(Parcel(sku=line.sku, quantity=line.quantity) for line in body.lines)


@router.get(
    "/shipments",
    operation_id="list_shipments",
    summary="List shipments",
)
async def list_shipments(
    status: Annotated[list[ShipmentStatus], Query(description="Any of these.")] = [],  # noqa: B006
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
    mine: Annotated[bool, Query(description="Staff: only their own.")] = False,
    order: list[tuple[str, bool]] = Depends(ordering("created_at", default="-created_at")),
    paging: Paging = Depends(paging(cursor=True)),
    ask: Asking = Depends(asking()),
) -> Listing[OrderShipmentAnswer]:
    """One's own; all for staff, `mine=true` their own."""
    everyones = ask.caller.may("orders:read") and not mine
    filters = queries.Filters(
        owners=None if everyones else ask.owners,
        among={"status": status},
        after=created_after,
        before=created_before,
    )
    async with ask.service.database.engine.connect() as sql:
        page = await read_page(sql, tables.shipments, filters.ways(tables.shipments), order, paging)
    return paging.answer([shipment_answer(row) for row in page.rows], page.total, ask.request, last=page.last)


@router.get(
    "/shipments/{shipment_id}",
    operation_id="get_shipment",
    summary="Show a shipment",
    response_model=OrderShipmentAnswer,
)
async def get_shipment(shipment_id: ThingId, ask: Asking = Depends(asking()), tags: Tags = Depends(tagging)) -> Any:
    """One's own, or any for staff."""
    owners = ask.owners
    row = await _row(ask, shipment_id)
    if row["owner"] not in owners and not ask.caller.may("orders:read"):
        raise _unknown(shipment_id)
    return tags.unchanged(row["version"]) or shipment_answer(row)


@router.patch(
    "/shipments/{shipment_id}",
    operation_id="update_shipment",
    summary="Move a shipment on",
    responses=problems(NOT_SHIPPABLE),
)
async def update_shipment(
    shipment_id: ThingId,
    body: ShipmentPatch,
    ask: Asking = Depends(asking(right("orders:fulfil"))),
    known: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
) -> OrderShipmentAnswer:
    """pending, packed, in_transit, out_for_delivery, delivered: one step at a time; failed or returned on the way."""
    command = commands.UpdateShipment(
        shipment_id=shipment_id,
        status=body.status,
        carrier=body.carrier,
        tracking_number=body.tracking_number,
    )
    while True:
        row = await _row(ask, shipment_id)
        known.check(row["version"])
        try:
            expected = known.at(row["order_version"])
            await ask.service.execute(order, row["order_id"], command, ask.context, expected=expected)
            break
        except Moved:
            continue  # perhaps another parcel has: then this one is still what the client knows
    row = await _row(ask, shipment_id)
    tags.tell(row["version"])
    return shipment_answer(row)


async def _row(ask: Asking, shipment_id: str) -> Any:
    row = await ask.service.database.pool.fetchrow(queries.SHIPMENT, shipment_id)
    if row is None:
        raise _unknown(shipment_id)
    return row


def _unknown(shipment_id: str) -> Problem:
    return Problem(NOT_FOUND, f"There is no shipment {shipment_id}.")
