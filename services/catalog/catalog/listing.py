"""One page of the products that fit: in which order, how many there are, and where a search found its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.http import Paging, beyond
from chassis.http.lists import LAST_ROW
from sqlalchemy import ColumnElement, Double, Select, Text, cast, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.filters import Filters, conditions, rating, resolved
from catalog.highlights import Marked, marked
from catalog.tables import products
from catalog.views import Shown, products_by_ids
from catalog.words import text_query

WEIGHTS: ColumnElement[Any] = literal_column("'{0.05, 0.3, 0.5, 1.0}'::float4[]")
"""Of a word in the description, a SKU, the brand, the name."""
Ordering = Sequence[tuple[str, bool]]
"""Pairs of name and descending."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page. ``total`` and ``last`` as ``Paging.answer`` takes them; ``marks`` by product id, of a search alone."""

    products: Sequence[Shown]
    total: int | None
    last: Sequence[Any] | None
    marks: Mapping[str, Marked] = field(default_factory=dict)


async def products_like(sql: AsyncConnection, wanted: Filters, ordering: Ordering, page: Paging) -> Found:
    """The products that fit ``wanted``, in the ordering asked for."""
    filters = await resolved(sql, wanted)
    order = [_order(filters, name, descending) for name, descending in ordering]
    fitting = conditions(filters)
    rows = (await sql.execute(_page(fitting, order, page))).all()
    shown, more = rows[: page.limit], len(rows) > page.limit
    last = list(shown[-1][1:]) if more else None
    total = None if page.cursor is not None else await _total(sql, fitting, page, len(rows))
    ids = [row[0] for row in shown]
    marks = await marked(sql, ids, filters.words) if filters.words else {}
    return Found(await products_by_ids(sql, ids), total, last, marks)


def _page(
    fitting: list[ColumnElement[bool]], order: list[tuple[ColumnElement[Any], bool]], page: Paging
) -> Select[Any]:
    """The ids and what they are ordered by; a row more than the page holds."""
    return (
        select(products.c.id, *[column.label(f"by_{at}") for at, (column, _) in enumerate(order)])
        .where(*fitting, beyond(page.cursor or (), order))
        .order_by(*[column.desc() if descending else column.asc() for column, descending in order])
        .limit(page.limit + 1)
        .offset(page.offset)
    )


async def _total(sql: AsyncConnection, fitting: list[ColumnElement[bool]], page: Paging, read: int) -> int | None:
    """Counted only where the page does not tell, and no further than pages reach."""
    end = page.offset + read
    if end > LAST_ROW:
        return None
    if read <= page.limit and (read or not page.offset):
        return end
    some = select(products.c.id).where(*fitting).limit(LAST_ROW + 1).subquery()
    total = await sql.scalar(select(func.count()).select_from(some)) or 0
    return None if total > LAST_ROW else total


def _order(filters: Filters, name: str, descending: bool) -> tuple[ColumnElement[Any], bool]:
    if name == "relevance":
        # The best come first without a minus: nobody looks for the worst.
        rank = func.ts_rank(WEIGHTS, products.c.search, text_query(filters.words or ()))
        return cast(rank, Double), not descending
    columns: dict[str, ColumnElement[Any]] = {
        "price": products.c.current_price,
        "name": func.lower(products.c.name, type_=Text),
        "created_at": products.c.created_at,
        "rating": rating,
        "id": products.c.id,
    }
    return columns[name], descending
