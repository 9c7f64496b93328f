"""What is asked of the rows that the views have made."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from chassis.http import Way
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory.domain.location import NAME
from inventory.domain.shelves import MAIN
from inventory.tables import locations, movements, shelves, stock, transfers

LEVELS = """
select sku, on_hand, reserved, available, greatest(0, backorder_limit - backordered) as backorderable
from stock where sku = any($1::text[]) order by sku
"""
PRICE = """
(select price from prices where prices.sku = stock.sku order by active desc, sequence desc limit 1)
"""  # of those that ever had the SKU, what is sold now
PLACES = """
(select json_agg(json_build_object('location_id', location_id, 'on_hand', on_hand, 'reserved', reserved, 'shortage',
        shortage) order by location_id <> 'main', location_id) from shelves where shelves.sku = stock.sku)::text
"""
WORTH = f"""
select count(*) as skus, sum(on_hand) as on_hand, sum(in_transit) as in_transit, sum(cost) as at_cost,
       sum((on_hand + in_transit) * price::numeric) as at_price, sum(on_hand + in_transit - costed) as without_cost,
       sum(on_hand + in_transit) filter (where price is null) as without_price
from (select stock.*, {PRICE} as price from stock) stock
"""  # each is null where there is nothing to add up
LEDGER_PAGE = 1_000


async def levels(pool: Any, skus: Sequence[str]) -> list[Any]:
    """These SKUs as other services see them; those that are not in the inventory are left out."""
    found: list[Any] = await pool.fetch(LEVELS, list(skus))
    return found


@dataclass(frozen=True, slots=True)
class Filters:
    """Which SKUs a list shows: any of ``skus``; ``search`` within the SKU; low, or not; with free units, or without;
    with units promised before they came, or without; with units at ``location``.
    """

    skus: tuple[str, ...] = ()
    search: str | None = None
    low: bool | None = None
    in_stock: bool | None = None
    backordered: bool | None = None
    location: str | None = None


async def skus_like(
    sql: AsyncConnection, filters: Filters, ordering: Sequence[tuple[str, bool]], limit: int, offset: int
) -> tuple[Sequence[Any], int]:
    """One page of the SKUs that fit, with price and locations, and how many fit in all.

    ``ordering``: pairs of column and descending. ``locations`` is JSON, null where all is at the main one.
    """
    wanted = sa.and_(*_conditions(filters))
    columns = [stock.c[name].desc() if descending else stock.c[name] for name, descending in ordering]
    shown = sa.select(
        stock, sa.literal_column(PRICE).label("price"), sa.literal_column(PLACES).label("locations")
    ).where(wanted)
    page = await sql.execute(shown.order_by(*columns).limit(limit).offset(offset))
    rows = [row._mapping for row in page]
    if len(rows) < limit and (rows or not offset):
        return rows, offset + len(rows)
    total = await sql.scalar(sa.select(sa.func.count()).select_from(stock).where(wanted))
    return rows, total or 0


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
    if filters.backordered is not None:
        yield stock.c.backordered > 0 if filters.backordered else stock.c.backordered == 0
    if filters.location is not None:
        has_units = sa.or_(shelves.c.on_hand > 0, shelves.c.reserved > 0)
        there = sa.select(shelves.c.sku).where(shelves.c.location_id == filters.location, has_units)
        fits: sa.ColumnElement[bool] = stock.c.sku.in_(there)
        if filters.location == MAIN:
            nowhere_else = ~sa.exists().where(shelves.c.sku == stock.c.sku)
            fits = sa.or_(fits, sa.and_(nowhere_else, sa.or_(stock.c.on_hand > 0, stock.c.reserved > 0)))
        yield fits


async def worth(pool: Any) -> dict[str, int]:
    """What all of the stock is worth, in minor units."""
    return {name: int(value or 0) for name, value in (await pool.fetchrow(WORTH)).items()}


@dataclass(frozen=True, slots=True)
class Ledger:
    """Which movements are shown: of any of ``skus``, for any of ``reasons``, at ``location``, from ``after`` on and
    until just before ``before``.
    """

    skus: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    location: str | None = None
    after: datetime | None = None
    before: datetime | None = None

    def ways(self) -> list[Way]:
        """For ``read_page``: one for each reason."""
        always: list[sa.ColumnElement[bool]] = []
        if self.skus:  # one is said so that an index is seen to be in order
            always.append(movements.c.sku.in_(self.skus) if self.skus[1:] else movements.c.sku == self.skus[0])
        if self.location is not None:
            always.append(movements.c.location_id == self.location)
        if self.after is not None:
            always.append(movements.c.at >= self.after)
        if self.before is not None:
            always.append(movements.c.at < self.before)
        return [[*always, movements.c.reason == reason] for reason in dict.fromkeys(self.reasons)] or [always]


NEWEST = [("version", True)]


async def ledger_pages(engine: Any, ledger: Ledger) -> AsyncIterator[Sequence[Any]]:
    """All movements that fit, SKU by SKU, the oldest first; a page at a time, and nothing is held in between."""
    order = movements.c.sku, movements.c.version
    fits = sa.or_(*[sa.and_(sa.true(), *way) for way in ledger.ways()])
    behind: tuple[str, int] = ("", 0)
    while True:
        wanted = sa.select(movements).where(fits, sa.tuple_(*order) > sa.tuple_(*map(sa.literal, behind)))
        async with engine.connect() as sql:
            rows = (await sql.execute(wanted.order_by(*order).limit(LEDGER_PAGE))).all()
        if rows:
            yield rows
        if len(rows) < LEDGER_PAGE:
            return
        behind = rows[-1].sku, rows[-1].version


PLACE = sa.select(locations.c.id, locations.c.name, locations.c.priority, locations.c.version).union_all(
    sa.select(sa.literal(MAIN), sa.literal(NAME), sa.literal(0), sa.literal(0)).where(
        ~sa.exists().where(locations.c.id == MAIN)
    )
)


async def all_locations(sql: AsyncConnection, limit: int, offset: int) -> tuple[Sequence[Any], int]:
    """One page of the locations, in the order in which they give, and how many there are."""
    place = PLACE.subquery()
    page = await sql.execute(sa.select(place).order_by(place.c.priority, place.c.id).limit(limit).offset(offset))
    return page.all(), await sql.scalar(sa.select(sa.func.count()).select_from(place)) or 0


async def location_of(sql: AsyncConnection, location_id: str) -> Any:
    """The location; None where there is none."""
    place = PLACE.subquery()
    return (await sql.execute(sa.select(place).where(place.c.id == location_id))).one_or_none()


async def transfer_of(sql: AsyncConnection, transfer_id: str) -> Any:
    """The transfer; None where there is none."""
    return (await sql.execute(sa.select(transfers).where(transfers.c.id == transfer_id))).one_or_none()


def journeys(sku: str | None, statuses: Sequence[str]) -> list[Way]:
    """For ``read_page``: transfers of the SKU, in any of these states."""
    always = [transfers.c.sku == sku] if sku else []
    return [[*always, transfers.c.status == status] for status in dict.fromkeys(statuses)] or [always]
