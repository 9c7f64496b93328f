"""What other services ask."""

from typing import Annotated

from chassis.context import Context
from chassis.http import Router, current_service, request_context, service_only
from chassis.service import Service
from fastapi import Depends, Query

from inventory.api.models import InitialBody, LevelAnswer, LevelsAnswer, Sku, SomeSku
from inventory.domain.stock import stock
from inventory.domain.stock_commands import ListSku
from inventory.queries import levels
from inventory.settings import Settings

router = Router(prefix="/internal/v1", tags=["Internal"])


@router.post(
    "/stock/{sku}",
    operation_id="begin_stock",
    summary="Receive the stock a SKU begins with",
    dependencies=[Depends(service_only)],
)
async def begin_stock(
    sku: Sku,
    body: InitialBody,
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
) -> LevelAnswer:
    """Listed and received once a SKU, whoever says so first: the catalog's event, its answer, or this."""
    assert isinstance(service.settings, Settings)
    threshold = service.settings.low_stock_threshold
    await service.execute(stock, sku, ListSku(sku, threshold, body.initial), context)
    return level((await levels(service.database.pool, [sku]))[0])


@router.get(
    "/stock",
    operation_id="get_levels",
    summary="Show the stock of some SKUs",
    dependencies=[Depends(service_only)],
)
async def get_levels(
    sku: Annotated[list[SomeSku], Query(min_length=1, max_length=200)], service: Service = Depends(current_service)
) -> LevelsAnswer:
    """The SKUs as they stand, and which of them the inventory does not know."""
    items = [level(row) for row in await levels(service.database.pool, sku)]
    known = {item.sku for item in items}
    return LevelsAnswer(items=items, missing=[each for each in dict.fromkeys(sku) if each not in known])


def level(row: dict[str, object]) -> LevelAnswer:
    """A row as other services see it."""
    return LevelAnswer.model_validate({name: row[name] for name in LevelAnswer.model_fields})
