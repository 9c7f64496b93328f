"""From the events of a SKU to what staff see of it, and the queries on that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from chassis.rows import Meta, Put
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory.domain.stock import Stock
from inventory.domain.stock_events import Adjusted, Counted, Event, Received, Returned, Sold
from inventory.tables import movements, stock


def stock_view(event: Event, state: Stock, meta: Meta) -> Iterable[Put]:
    """The SKU as it stands after the event, and the movement that the event was, if it moved units."""
    yield Put(
        stock,
        {
            "sku": meta.id,
            "on_hand": state.on_hand,
            "reserved": state.reserved,
            "available": state.available,
            "shortage": state.shortage,
            "threshold": state.threshold,
            "version": meta.version,
            "updated_at": meta.recorded_at,
        },
    )
    if (moved := movement(event)) is None:
        return
    delta, reason, reference, note = moved
    yield Put(
        movements,
        {
            "sku": meta.id,
            "version": meta.version,
            "at": meta.recorded_at,
            "delta": delta,
            "reason": reason,
            "reference": reference,
            "note": note,
            "on_hand": state.on_hand,
        },
    )


def movement(event: Event) -> tuple[int, str, str | None, str | None] | None:
    """The units that the event moved, with reason, reference and note; None where it moved none."""
    match event:
        case Received(quantity, reference):
            return quantity, "received", reference, None
        case Sold(order_id, quantity):
            return -quantity, "sold", order_id, None
        case Returned(order_id, quantity):
            return quantity, "returned", order_id, None
        case Counted(_, delta, _, reference):
            return delta, "counted", reference, None
        case Adjusted(delta, reason, note):
            return delta, reason, None, note
        case _:
            return None


LEVELS = """
select sku, on_hand, reserved, available, shortage, threshold, version, updated_at
from stock where sku = any($1::text[]) order by sku
"""


async def levels(pool: Any, skus: Sequence[str]) -> list[Any]:
    """These SKUs as they stand; those that are not in the inventory are left out."""
    found: list[Any] = await pool.fetch(LEVELS, list(skus))
    return found


@dataclass(frozen=True, slots=True)
class Filters:
    """Which SKUs a list shows: any of ``skus``; ``search`` within the SKU; low, or not; with free units, or without."""

    skus: tuple[str, ...] = ()
    search: str | None = None
    low: bool | None = None
    in_stock: bool | None = None


async def skus_like(
    sql: AsyncConnection, filters: Filters, ordering: Sequence[tuple[str, bool]], limit: int, offset: int
) -> tuple[Sequence[Any], int]:
    """One page of the SKUs that fit, and how many fit in all. ``ordering``: pairs of column and descending."""
    wanted = sa.and_(*_conditions(filters))
    columns = [stock.c[name].desc() if descending else stock.c[name] for name, descending in ordering]
    page = await sql.execute(sa.select(stock).where(wanted).order_by(*columns).limit(limit).offset(offset))
    total = await sql.scalar(sa.select(sa.func.count()).select_from(stock).where(wanted))
    return page.all(), total or 0


def _conditions(filters: Filters) -> Iterable[sa.ColumnElement[bool]]:
    yield sa.true()
    if filters.skus:
        yield stock.c.sku.in_(filters.skus)
    if filters.search:
        yield stock.c.sku.icontains(filters.search, autoescape=True)
    if filters.low is not None:
        yield (stock.c.available <= stock.c.threshold) == filters.low
    if filters.in_stock is not None:
        yield (stock.c.available > 0) == filters.in_stock


@dataclass(frozen=True, slots=True)
class Ledger:
    """Which movements of a SKU are shown: any of ``reasons``, from ``after`` on and until just before ``before``."""

    sku: str
    reasons: tuple[str, ...] = ()
    after: datetime | None = None
    before: datetime | None = None


async def movements_of(
    sql: AsyncConnection, ledger: Ledger, limit: int, offset: int, below: int | None = None
) -> Sequence[Any]:
    """One page of the movements, the newest first; ``below``: only those before that version."""
    wanted = sa.select(movements).where(*_entries(ledger))
    if below is not None:
        wanted = wanted.where(movements.c.version < below)
    return (await sql.execute(wanted.order_by(movements.c.version.desc()).limit(limit).offset(offset))).all()


async def movement_count(sql: AsyncConnection, ledger: Ledger) -> int:
    """How many movements there are in all."""
    count = sa.select(sa.func.count()).select_from(movements).where(*_entries(ledger))
    return await sql.scalar(count) or 0


def _entries(ledger: Ledger) -> Iterable[sa.ColumnElement[bool]]:
    yield movements.c.sku == ledger.sku
    if ledger.reasons:
        yield movements.c.reason.in_(ledger.reasons)
    if ledger.after is not None:
        yield movements.c.at >= ledger.after
    if ledger.before is not None:
        yield movements.c.at < ledger.before
