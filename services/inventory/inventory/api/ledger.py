"""The ledger: every unit that came or went."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any

from chassis.http import (
    Listing,
    Moment,
    Money,
    Paging,
    Router,
    current_service,
    paging,
    read_page,
    right,
)
from chassis.service import Service
from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from inventory.api.models import MovementAnswer, MovementReason, Place, Sku, SomeSku
from inventory.api.reading import row_of
from inventory.queries import NEWEST, Ledger, ledger_pages
from inventory.tables import movements

router = Router(prefix="/api/v1", tags=["Inventory"])

Reasons = Annotated[list[MovementReason], Query(description="Movements for any of these reasons.")]
At = Annotated[Place | None, Query(description="Movements at this location.")]
From = Annotated[Moment | None, Query(description="Inclusive.")]
Until = Annotated[Moment | None, Query(description="Exclusive.")]

COLUMNS = (
    *("sku", "at", "delta", "reason", "reference", "note", "supplier", "location_id", "unit_cost", "cost", "on_hand"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
WORDS = ("reference", "note", "supplier")


@router.get(
    "/inventory/movements.csv",
    operation_id="export_movements",
    summary="Export the movements of all SKUs",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The ledger as CSV"}},
    dependencies=[Depends(right("inventory:read"))],
)
async def export_movements(
    sku: Annotated[list[SomeSku], Query(max_length=100, description="Movements of these SKUs only.")] = [],  # noqa: B006
    reason: Reasons = [],  # noqa: B006
    location: At = None,
    created_after: From = None,
    created_before: Until = None,
    service: Service = Depends(current_service),
) -> StreamingResponse:
    """The ledger, SKU by SKU, the oldest movement first. What is entered meanwhile is not in it.

    Words that a spreadsheet would take for a formula begin with an apostrophe.
    """
    now = service.world.clock()
    until = min(created_before, now) if created_before else now
    ledger = Ledger(tuple(dict.fromkeys(sku)), tuple(reason), location, created_after, until)
    headers = {"Content-Disposition": 'attachment; filename="movements.csv"'}
    return StreamingResponse(exported(service, ledger), media_type="text/csv; charset=utf-8", headers=headers)


async def exported(service: Service, ledger: Ledger) -> AsyncIterator[bytes]:
    """The lines, a page of the ledger at a time."""
    yield lines([COLUMNS])
    async for rows in ledger_pages(service.database.engine, ledger):
        yield lines(cells(row._mapping, service.settings.shop_currency) for row in rows)


def cells(row: Any, currency: str) -> list[Any]:
    """One movement."""
    values = dict(row) | amounts(row, currency) | {"at": row["at"].isoformat().replace("+00:00", "Z")}
    for name in WORDS:
        if (said := values[name]) and said.startswith(FORMULA):
            values[name] = f"'{said}"
    return [getattr(values[name], "amount", values[name]) for name in COLUMNS]


def lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """These rows as CSV (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


@router.get(
    "/inventory/{sku}/movements",
    operation_id="list_movements",
    summary="List the movements of a SKU",
    dependencies=[Depends(right("inventory:read"))],
)
async def list_movements(
    sku: Sku,
    request: Request,
    reason: Reasons = [],  # noqa: B006
    location: At = None,
    created_after: From = None,
    created_before: Until = None,
    paging: Paging = Depends(paging(cursor=True)),
    service: Service = Depends(current_service),
) -> Listing[MovementAnswer]:
    """The ledger, the newest movement first. Its deltas add up to what is on hand, its costs to the value at cost."""
    await row_of(service, sku)
    ledger = Ledger((sku,), tuple(reason), location, created_after, created_before)
    async with service.database.engine.connect() as sql:
        page = await read_page(sql, movements, ledger.ways(), NEWEST, paging)
    currency = service.settings.shop_currency
    items = [MovementAnswer.model_validate(dict(row) | amounts(row, currency)) for row in page.rows]
    return paging.answer(items, page.total, request, last=page.last)


def amounts(row: Any, currency: str) -> dict[str, Money | None]:
    """The money in a movement."""
    paid = row["unit_cost"]
    return {"cost": Money.of(row["cost"], currency), "unit_cost": None if paid is None else Money.of(paid, currency)}
