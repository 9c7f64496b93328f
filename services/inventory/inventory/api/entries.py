"""What staff enter into the ledger of a SKU."""

from dataclasses import dataclass

from chassis.context import Context
from chassis.http import (
    Router,
    current_service,
    idempotency,
    invalid,
    problems,
    replayed,
    request_context,
    right,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Response

from inventory.api.models import AdjustmentBody, CountBody, ReceiptBody, Sku, SkuAnswer
from inventory.api.reading import (
    NOT_ENOUGH_STOCK,
    UNKNOWN_SKU,
    VALUE_OUT_OF_RANGE,
    check_location,
    make_known,
    row_of,
    shown,
)
from inventory.domain.stock import stock
from inventory.domain.stock_commands import Adjust, Count, Receive

router = Router(prefix="/api/v1", tags=["Inventory"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry into the ledger of ``sku``."""

    sku: str
    response: Response
    service: Service
    context: Context
    once: Once | None

    @property
    def currency(self) -> str:
        """The shop's."""
        return self.service.settings.shop_currency

    async def make(self, command: Receive | Count | Adjust) -> SkuAnswer:
        """Give the SKU the command, and answer the SKU as it then stands. The same key again enters nothing."""
        await check_location(self.service, command.location, "/location_id")
        await make_known(self.service, self.sku, self.context)
        once = self.once.for_(self.sku) if self.once else None
        done = await self.service.execute(stock, self.sku, command, self.context, once)
        if done.replayed:
            replayed(self.response)
        return shown(await row_of(self.service, self.sku), self.currency)


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
    responses=problems(UNKNOWN_SKU, VALUE_OUT_OF_RANGE),
    dependencies=[Depends(right("inventory:write"))],
)
async def receive_stock(body: ReceiptBody, entry: Entry = Depends(an_entry)) -> SkuAnswer:
    """Units came in: a movement `received`. Answers the SKU as it then stands.

    Who waited for units has them first, the oldest order before the others.
    """
    cost = body.unit_cost.minor(entry.currency, "/unit_cost") if body.unit_cost else None
    return await entry.make(Receive(body.quantity, body.reference, body.location_id, cost, body.supplier))


@router.post(
    "/inventory/{sku}/counts",
    status_code=201,
    operation_id="count_stock",
    summary="Enter what was counted",
    responses=problems(UNKNOWN_SKU, VALUE_OUT_OF_RANGE),
    dependencies=[Depends(right("inventory:write"))],
)
async def count_stock(body: CountBody, entry: Entry = Depends(an_entry)) -> SkuAnswer:
    """A count is a fact: a movement `counted` by the difference. Reserved units that it misses show as `shortage`."""
    return await entry.make(Count(body.quantity, body.reference, body.location_id))


@router.post(
    "/inventory/{sku}/adjustments",
    status_code=201,
    operation_id="adjust_stock",
    summary="Adjust the stock of a SKU",
    responses=problems(UNKNOWN_SKU, NOT_ENOUGH_STOCK, VALUE_OUT_OF_RANGE),
    dependencies=[Depends(right("inventory:write"))],
)
async def adjust_stock(body: AdjustmentBody, entry: Entry = Depends(an_entry)) -> SkuAnswer:
    """Units more or fewer, for a reason; never into what orders have reserved."""
    if body.delta == 0:
        raise invalid("/delta", "must not be 0")
    match body.reason:
        case "adjusted" | "damaged" | "returned":
            return await entry.make(Adjust(body.delta, body.reason, None, body.location_id))
        case words:
            return await entry.make(Adjust(body.delta, "adjusted", words, body.location_id))
