"""Units that go from one location to another."""

import re
from typing import Annotated, Any

from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    Listing,
    Paging,
    Problem,
    Router,
    current_service,
    idempotency,
    invalid,
    paging,
    problems,
    read_page,
    replayed,
    request_context,
    right,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Path, Query, Request, Response

from inventory.api.models import SomeSku, TransferAnswer, TransferBody, TransferStatus
from inventory.api.reading import NOT_ENOUGH_STOCK, UNKNOWN_SKU, check_location, make_known
from inventory.domain.stock import stock
from inventory.domain.stock_commands import Dispatch, TakeIn
from inventory.queries import journeys, transfer_of
from inventory.tables import transfers

router = Router(prefix="/api/v1", tags=["Inventory"])

TransferId = Annotated[
    str, Path(max_length=36, description="The transfer.", examples=["0198f3a2-9b20-7d1e-9c3f-7a6b5c4d3e2f"])
]
AN_ID = re.compile(r"[0-9a-f-]{36}")


async def journey_of(service: Service, transfer_id: str) -> Any:
    """The transfer. 404 where there is none."""
    async with service.database.engine.connect() as sql:
        if found := await transfer_of(sql, transfer_id):
            return found
    raise Problem(NOT_FOUND, "There is no such transfer.")


@router.post(
    "/inventory/transfers",
    status_code=201,
    operation_id="send_transfer",
    summary="Send units to another location",
    responses=problems(UNKNOWN_SKU, NOT_ENOUGH_STOCK),
    dependencies=[Depends(right("inventory:write"))],
)
async def send_transfer(
    body: TransferBody,
    response: Response,
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
    once: Once | None = Depends(idempotency()),
) -> TransferAnswer:
    """Free units leave: a movement `transferred` at `origin`. Until they have arrived nobody can order them."""
    if body.origin == body.destination:
        raise invalid("/destination", "must be another location than origin")
    await check_location(service, body.origin, "/origin")
    await check_location(service, body.destination, "/destination")
    await make_known(service, body.sku, context)
    made = service.world.ids()
    command = Dispatch(made, body.quantity, body.origin, body.destination, body.reference)
    done = await service.execute(stock, body.sku, command, context, once.for_(made) if once else None)
    if done.replayed:
        replayed(response)
        made = done.resource_id or made
    return TransferAnswer.model_validate(await journey_of(service, made))


@router.post(
    "/inventory/transfers/{transfer_id}/receive",
    operation_id="receive_transfer",
    summary="Take in what was sent",
    dependencies=[Depends(right("inventory:write"))],
)
async def receive_transfer(
    transfer_id: TransferId,
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
) -> TransferAnswer:
    """All of it has arrived: a movement `transferred` at `destination`. Again, it changes nothing.

    What broke or got lost on the way is an adjustment afterwards.
    """
    row = await journey_of(service, transfer_id)
    await service.execute(stock, row.sku, TakeIn(transfer_id), context)
    return TransferAnswer.model_validate(await journey_of(service, transfer_id))


@router.get(
    "/inventory/transfers",
    operation_id="list_transfers",
    summary="List the transfers",
    dependencies=[Depends(right("inventory:read"))],
)
async def list_transfers(
    request: Request,
    sku: Annotated[SomeSku | None, Query(description="Of this SKU.")] = None,
    status: Annotated[list[TransferStatus], Query(description="In any of these states.")] = [],  # noqa: B006
    paging: Paging = Depends(paging(cursor=True)),
    service: Service = Depends(current_service),
) -> Listing[TransferAnswer]:
    """What went from one location to another, or is going, the newest first."""
    if paging.cursor and not AN_ID.fullmatch(str(paging.cursor[0])):
        raise invalid("/query/cursor", "must be one that next gave")
    async with service.database.engine.connect() as sql:
        page = await read_page(sql, transfers, journeys(sku, status), [("id", True)], paging)
    items = [TransferAnswer.model_validate(dict(row)) for row in page.rows]
    return paging.answer(items, page.total, request, last=page.last)


@router.get(
    "/inventory/transfers/{transfer_id}",
    operation_id="get_transfer",
    summary="Show a transfer",
    dependencies=[Depends(right("inventory:read"))],
)
async def get_transfer(transfer_id: TransferId, service: Service = Depends(current_service)) -> TransferAnswer:
    """Units on their way, or arrived."""
    return TransferAnswer.model_validate(await journey_of(service, transfer_id))
