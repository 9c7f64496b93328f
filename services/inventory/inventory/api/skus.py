"""The SKUs as they stand, what they are worth, and what people set of them."""

from typing import Annotated, Any

from chassis.context import Context
from chassis.executing import Moved
from chassis.http import (
    Listing,
    Money,
    Paging,
    Precondition,
    Router,
    Tags,
    current_service,
    ordering,
    paging,
    precondition,
    request_context,
    right,
    tagging,
)
from chassis.service import Service
from fastapi import Depends, Query, Request

from inventory.api.models import ONE_LINE, ConfigurationBody, Place, Sku, SkuAnswer, SomeSku, ValuationAnswer
from inventory.api.reading import row_of, shown
from inventory.domain.stock import stock
from inventory.domain.stock_commands import Configure
from inventory.queries import Filters, skus_like, worth

router = Router(prefix="/api/v1", tags=["Inventory"])

COLUMNS = ("sku", "available", "on_hand", "reserved", "updated_at")
Ordering = list[tuple[str, bool]]
Search = Annotated[str | None, Query(min_length=1, max_length=64, pattern=ONE_LINE, description="A part of the SKU.")]
Skus = Annotated[list[SomeSku], Query(max_length=100, description="These SKUs only.")]


async def page(
    service: Service, request: Request, filters: Filters, order: Ordering, paging: Paging
) -> Listing[SkuAnswer]:
    """One page of the SKUs that fit."""
    by = [("sku" if name == "id" else name, descending) for name, descending in order]
    async with service.database.engine.connect() as sql:
        rows, total = await skus_like(sql, filters, by, paging.limit, paging.offset)
    return paging.answer([shown(row, service.settings.shop_currency) for row in rows], total, request)


@router.get(
    "/inventory",
    operation_id="list_stock",
    summary="List the stock of all SKUs",
    dependencies=[Depends(right("inventory:read"))],
)
async def list_stock(
    request: Request,
    sku: Skus = [],  # noqa: B006 - FastAPI copies defaults
    search: Search = None,
    low: Annotated[bool | None, Query(description="At the threshold or below, or not.")] = None,
    in_stock: Annotated[bool | None, Query(description="With free units, or without.")] = None,
    backordered: Annotated[bool | None, Query(description="With promised units that are still to come.")] = None,
    location: Annotated[Place | None, Query(description="With units at this location.")] = None,
    order: Ordering = Depends(ordering(*COLUMNS, default="sku")),
    paging: Paging = Depends(paging()),
    service: Service = Depends(current_service),
) -> Listing[SkuAnswer]:
    """On hand, reserved and free units of every SKU."""
    filters = Filters(tuple(sku), search, low, in_stock, backordered, location)
    return await page(service, request, filters, order, paging)


@router.get(
    "/inventory/low-stock",
    operation_id="list_low_stock",
    summary="List the SKUs that run low",
    dependencies=[Depends(right("inventory:read"))],
)
async def list_low_stock(
    request: Request,
    search: Search = None,
    order: Ordering = Depends(ordering(*COLUMNS, default="available")),
    paging: Paging = Depends(paging()),
    service: Service = Depends(current_service),
) -> Listing[SkuAnswer]:
    """The SKUs whose free units are at their threshold or below, the emptiest first."""
    return await page(service, request, Filters(search=search, low=True), order, paging)


@router.get(
    "/inventory/valuation",
    operation_id="value_stock",
    summary="Show what the stock is worth",
    dependencies=[Depends(right("inventory:read"))],
)
async def value_stock(service: Service = Depends(current_service)) -> ValuationAnswer:
    """All units on hand and in transit, at the prices of today and at what they cost."""
    row, currency = await worth(service.database.pool), service.settings.shop_currency
    return ValuationAnswer(
        skus=row["skus"],
        on_hand=row["on_hand"],
        in_transit=row["in_transit"],
        at_price=Money.of(row["at_price"], currency),
        at_cost=Money.of(row["at_cost"], currency),
        units_without_price=row["without_price"],
        units_without_cost=row["without_cost"],
    )


def version(row: Any) -> tuple[str, str]:
    """What people set, then the rest: an order that reserves units is no reason to refuse a new threshold."""
    return f"{row['threshold']}.{row['backorder_limit']}", f"{row['version']}.{row['price']}"


@router.get(
    "/inventory/{sku}",
    operation_id="get_stock",
    summary="Show the stock of one SKU",
    response_model=SkuAnswer,
    dependencies=[Depends(right("inventory:read"))],
)
async def get_stock(sku: Sku, tags: Tags = Depends(tagging), service: Service = Depends(current_service)) -> Any:
    """One SKU as it stands."""
    row = await row_of(service, sku)
    return tags.unchanged(*version(row)) or shown(row, service.settings.shop_currency)


@router.patch(
    "/inventory/{sku}",
    operation_id="configure_stock",
    summary="Set threshold and backorder limit of one SKU",
    response_model=SkuAnswer,
    dependencies=[Depends(right("inventory:write"))],
)
async def configure_stock(
    sku: Sku,
    body: ConfigurationBody,
    known: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
) -> SkuAnswer:
    """From now on the SKU is low at `threshold` free units, and takes orders for `backorder_limit` more than it has."""
    command = Configure(body.threshold, body.backorder_limit)
    while True:
        row = await row_of(service, sku)
        known.check(version(row)[0])
        try:
            await service.execute(stock, sku, command, context, expected=known.at(row["version"]))
            break
        except Moved:
            continue  # perhaps its units have: then these are still the settings that the client knows
    row = await row_of(service, sku)
    tags.tell(*version(row))
    return shown(row, service.settings.shop_currency)
