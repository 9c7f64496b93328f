"""One page of the products that fit: in which order, how many there are, and where a search found its words."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from chassis.http import Paging, beyond
from chassis.http.lists import LAST_ROW
from sqlalchemy import ColumnElement, Double, Row, Select, Text, cast, func, literal_column, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.bitmaps import NotHeld
from catalog.filters import Filters, conditions, resolved
from catalog.fitting import ORDERED, fitting
from catalog.highlights import Marked, marked
from catalog.keeping import KeptBitmaps
from catalog.tables import products
from catalog.views import Shown, products_by_ids
from catalog.words import text_query

WEIGHTS: ColumnElement[Any] = literal_column("'{0.05, 0.3, 0.5, 1.0}'::float4[]")
"""Of a word in the description, a SKU, the brand, the name."""
LONGER_THAN_WORDS = 1_000
Ordering = Sequence[tuple[str, bool]]
"""Pairs of name and descending."""
Order = Sequence[tuple[ColumnElement[Any], bool]]


@dataclass(frozen=True, slots=True)
class Found:
    """One page. ``total`` and ``last`` as ``Paging.answer`` takes them; ``marks`` by product id, of a search alone."""

    products: Sequence[Shown]
    total: int | None
    last: Sequence[Any] | None
    marks: Mapping[str, Marked] = field(default_factory=dict)


async def products_like(
    sql: AsyncConnection, kept: KeptBitmaps, wanted: Filters, ordering: Ordering, page: Paging
) -> Found:
    """The products that fit ``wanted``, in the ordering asked for."""
    filters = await resolved(sql, wanted)
    order = [_order(filters, name, descending) for name, descending in ordering]
    # To know the best of all that fit, all are read: then they are counted in passing.
    ranked = any(name == "relevance" for name, _ in ordering)
    every = _page(conditions(filters), order, page, ranked)
    rows = await _by_numbers(sql, kept, filters, ordering[0], page, every)
    if rows is None:
        rows = (await sql.execute(every)).all()
    shown, more = rows[: page.limit], len(rows) > page.limit
    last: list[Any] | None = list(shown[-1])[2:] if more else None
    if page.cursor is not None:
        total = None
    elif ranked and rows:
        total = rows[0].total if rows[0].total <= LAST_ROW else None
    else:
        total = await _total(sql, kept, filters, page, len(rows))
    ids = [row.id for row in shown]
    marks = await marked(sql, ids, filters.words) if filters.words and ids else {}
    return Found(await products_by_ids(sql, ids), total, last, marks)


async def _by_numbers(
    sql: AsyncConnection, kept: KeptBitmaps, filters: Filters, by: tuple[str, bool], page: Paging, every: Select[Any]
) -> Sequence[Row[Any]] | None:
    """The page's rows by their numbers, where the bitmaps can tell which: by price or rating, and filtered.

    PostgreSQL would go through all that fit, or through all prices until it has met enough that fit.
    """
    name, descending = by
    if name not in ORDERED or filters.words is not None or filters == Filters():
        return None
    if (fits := await fitting(sql, kept, filters)) is None:
        return None
    behind = page.cursor[0] if page.cursor else None
    with suppress(NotHeld):
        first = fits.first(name, page.offset + page.limit + 1, descending=descending, behind=behind)
        if first is not None:
            numbers, enough = first
            rows = (await sql.execute(every.where(products.c.number == func.any(numbers)))).all()
            # Fewer than there were a moment ago: what has changed since may have moved others here.
            return None if enough and len(rows) <= page.limit else rows
    return None


def _page(fitting: list[ColumnElement[bool]], order: Order, page: Paging, count: bool) -> Select[Any]:
    """Ids, what they are ordered by and, where asked for, how many there are; a row more than the page holds."""
    total = func.count().over() if count else null()
    return (
        select(products.c.id, total.label("total"), *[column.label(f"by_{at}") for at, (column, _) in enumerate(order)])
        .where(*fitting, beyond(page.cursor or (), order))
        .order_by(*[column.desc() if descending else column.asc() for column, descending in order])
        .limit(page.limit + 1)
        .offset(page.offset)
    )


async def _total(sql: AsyncConnection, kept: KeptBitmaps, filters: Filters, page: Paging, read: int) -> int | None:
    """Counted only where the page does not tell, and no further than pages reach."""
    end = page.offset + read
    if end > LAST_ROW:
        return None
    if read <= page.limit and (read or not page.offset):
        return end
    if filters.words is None and (fits := await fitting(sql, kept, filters)) is not None:
        total = fits.all().bit_count()
    else:
        some = select(products.c.id).where(*conditions(filters)).limit(LAST_ROW + 1).subquery()
        total = await sql.scalar(select(func.count()).select_from(some)) or 0
    return None if total > LAST_ROW else total


def _order(filters: Filters, name: str, descending: bool) -> tuple[ColumnElement[Any], bool]:
    if name == "relevance":
        # The best come first without a minus: nobody looks for the worst.
        return rank(products.c.search, filters.words or ()), not descending
    columns: dict[str, ColumnElement[Any]] = {
        "price": products.c.current_price,
        "name": func.lower(products.c.name, type_=Text),
        "created_at": products.c.created_at,
        "rating": products.c.rated,
        "id": products.c.id,
    }
    return columns[name], descending


def rank(vector: ColumnElement[Any], words: Sequence[str]) -> ColumnElement[float]:
    """How well a text fits the words: as wholes they count once more than as beginnings."""
    begun, whole = (text_query(words, shortest=shortest) for shortest in (2, LONGER_THAN_WORDS))
    return cast(func.ts_rank(WEIGHTS, vector, begun) + func.ts_rank(WEIGHTS, vector, whole), Double)
