"""One page of a table that grows: found by its indexes, and counted no further than pages reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.http.keyset import Order, beyond
from chassis.http.lists import LAST_ROW, Paging

Way = Sequence[sa.ColumnElement[bool]]
"""Conditions that all hold for a row."""


@dataclass(frozen=True, slots=True)
class Page:
    """``rows`` to show; ``total`` and ``last`` as ``Paging.answer`` takes them."""

    rows: Sequence[Any]
    total: int | None
    last: list[Any] | None


async def read_page(
    sql: AsyncConnection,
    table: sa.Table,
    ways: Sequence[Way],
    ordering: Sequence[tuple[str, bool]],
    paging: Paging,
    *,
    searched: bool = False,
) -> Page:
    """The rows that fit one of ``ways``, in the ordering asked for: pairs of column and descending.

    No row may fit two ways. Each is read in the list's order from an index that begins with what it compares and goes
    on with that order, and they are merged: any of five statuses is five short reads, where ``in (…)`` is one long one.
    ``searched``: nobody can tell how many rows fit, so that is asked first. Few are gathered by the search's own
    indexes and then sorted; in the list's order one would look at all others in between.
    """
    order = [(table.c[name], descending) for name, descending in ordering]
    counted = await _count(sql, table, ways) if searched else None
    gathered = searched and counted is not None
    rows = (await sql.execute(_rows(table, ways, order, paging, gathered=gathered))).all()
    shown, more = [row._mapping for row in rows[: paging.limit]], len(rows) > paging.limit
    last = [shown[-1][name] for name, _ in ordering] if more else None
    if paging.cursor is not None:
        return Page(shown, None, last)
    if not searched:
        counted = await _total(sql, table, ways, paging, len(rows))
    return Page(shown, counted, last)


def _rows(table: sa.Table, ways: Sequence[Way], order: Order, paging: Paging, *, gathered: bool) -> sa.Select[Any]:
    """A row more than the page holds. What is skipped is skipped in the index: whole rows are read for the page."""
    key, upto = list(table.primary_key.columns), paging.offset + paging.limit + 1
    named = list({column.name: column for column in [*key, *(column for column, _ in order)]}.values())
    behind = beyond(paging.cursor or (), order)
    found = [sa.select(*named).where(*way, behind) for way in ways]
    # Each way is ordered and ends by itself: merging ordered ways is not what the planner would come to otherwise.
    # And an offset of 0 keeps it from looking at the order of what is gathered first.
    bounded = [each.offset(0) if gathered else each.order_by(*_sorted(order)).limit(upto) for each in found]
    fitting = sa.union_all(*[each.subquery().select() for each in bounded]).subquery()
    page = (
        sa.select(*[fitting.c[column.name] for column in key])
        .order_by(*_sorted([(fitting.c[column.name], descending) for column, descending in order]))
        .limit(paging.limit + 1)
        .offset(paging.offset)
        .subquery()
    )
    return (
        sa.select(table)
        .join(page, sa.and_(*[column == page.c[column.name] for column in key]))
        .order_by(*_sorted(order))
    )


def _sorted(order: Order) -> list[sa.ColumnElement[Any]]:
    return [column.desc() if descending else column.asc() for column, descending in order]


async def _total(sql: AsyncConnection, table: sa.Table, ways: Sequence[Way], paging: Paging, read: int) -> int | None:
    """Counted only where the page does not tell; a row beyond the last that pages reach ends it."""
    end = paging.offset + read
    if end > LAST_ROW:
        return None
    if read <= paging.limit and (read or not paging.offset):
        return end
    return await _count(sql, table, ways)


async def _count(sql: AsyncConnection, table: sa.Table, ways: Sequence[Way]) -> int | None:
    one: sa.Label[int] = sa.literal_column("1", sa.Integer).label("one")
    fitting = sa.union_all(*[sa.select(one).select_from(table).where(*way) for way in ways]).subquery()
    some = sa.select(fitting.c.one).limit(LAST_ROW + 1).subquery()
    total = await sql.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    return None if total > LAST_ROW else total
