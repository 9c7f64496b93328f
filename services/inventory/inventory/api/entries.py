"""What staff enter into the ledger of a SKU, and the ledger itself."""

from dataclasses import dataclass
from typing import Annotated, Any

from chassis.context import Context
from chassis.http import (
    Listing,
    Moment,
    Paging,
    Router,
    current_service,
    idempotency,
    invalid,
    paging,
    problems,
    replayed,
    request_context,
    right,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Query, Request, Response

from inventory.api.models import (
    AdjustmentBody,
    CountBody,
    MovementAnswer,
    MovementReason,
    ReceiptBody,
    Sku,
    SkuAnswer,
)
from inventory.api.reading import NOT_ENOUGH_STOCK, UNKNOWN_SKU, make_known, row_of, shown
from inventory.domain.stock import stock
from inventory.domain.stock_events import Adjust, Command, Count, Receive
from inventory.views import Ledger, movement_count, movements_of

router = Router(prefix="/api/v1", tags=["Inventory"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry into the ledger of ``sku``."""

    sku: str
    response: Response
    service: Service
    context: Context
    once: Once | None

    async def make(self, command: Command) -> SkuAnswer:
        """Give the SKU the command, and answer the SKU as it then stands. The same key again enters nothing."""
        await make_known(self.service, self.sku, self.context)
        once = self.once.for_(self.sku) if self.once else None
        done = await self.service.execute(stock, self.sku, command, self.context, once)
        if done.replayed:
            replayed(self.response)
        return shown(await row_of(self.service, self.sku))


async def an_entry(
    sku: Sku,
    response: Response,
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
    once: Once | None = Depends(idempotency()),
) -> Entry:
    """What the routes that enter something share."""
    return Entry(sku, response, service, context, once)


@router.post(
    "/inventory/{sku}/receipts",
    status_code=201,
    operation_id="receive_stock",
    summary="Enter units that came in",
    responses=problems(UNKNOWN_SKU),
    dependencies=[Depends(right("inventory:write"))],
)
async def receive_stock(body: ReceiptBody, entry: Entry = Depends(an_entry)) -> SkuAnswer:
    """Units came in: a movement `received`. Answers the SKU as it then stands."""
    return await entry.make(Receive(body.quantity, body.reference))


@router.post(
    "/inventory/{sku}/counts",
    status_code=201,
    operation_id="count_stock",
    summary="Enter what was counted",
    responses=problems(UNKNOWN_SKU),
    dependencies=[Depends(right("inventory:write"))],
)
async def count_stock(body: CountBody, entry: Entry = Depends(an_entry)) -> SkuAnswer:
    """A count is a fact: a movement `counted` by the difference. Reserved units that it misses show as `shortage`."""
    return await entry.make(Count(body.quantity, body.reference))


@router.post(
    "/inventory/{sku}/adjustments",
    status_code=201,
    operation_id="adjust_stock",
    summary="Adjust the stock of a SKU",
    responses=problems(UNKNOWN_SKU, NOT_ENOUGH_STOCK),
    dependencies=[Depends(right("inventory:write"))],
)
async def adjust_stock(body: AdjustmentBody, entry: Entry = Depends(an_entry)) -> SkuAnswer:
    """Units more or fewer, for a reason; never into what orders have reserved."""
    if body.delta == 0:
        raise invalid("/delta", "must not be 0")
    match body.reason:
        case "adjusted" | "damaged" | "returned":
            return await entry.make(Adjust(body.delta, body.reason))
        case words:
            return await entry.make(Adjust(body.delta, "adjusted", words))


@router.get(
    "/inventory/{sku}/movements",
    operation_id="list_movements",
    summary="List the movements of a SKU",
    dependencies=[Depends(right("inventory:read"))],
)
async def list_movements(
    sku: Sku,
    request: Request,
    reason: Annotated[list[MovementReason], Query(description="Movements for any of these reasons.")] = [],  # noqa: B006
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
    paging: Paging = Depends(paging(cursor=True)),
    service: Service = Depends(current_service),
) -> Listing[MovementAnswer]:
    """The ledger, the newest movement first. Its deltas add up to what is on hand."""
    await row_of(service, sku)
    ledger = Ledger(sku, tuple(reason), created_after, created_before)
    async with service.database.engine.connect() as sql:
        rows = await movements_of(sql, ledger, paging.limit + 1, paging.offset, below(paging))
        total = await movement_count(sql, ledger) if paging.cursor is None else None
    items = [MovementAnswer.model_validate(row) for row in rows[: paging.limit]]
    last = [rows[paging.limit - 1].version] if len(rows) > paging.limit else None
    return paging.answer(items, total, request, last=last)


def below(paging: Paging) -> Any:
    """The version that a cursor stands at, if there is one."""
    match paging.cursor:
        case None | ():
            return None
        case (int(version),) if 0 < version < 2**31:
            return version
        case _:
            raise invalid("/query/cursor", "must be one that next gave")
