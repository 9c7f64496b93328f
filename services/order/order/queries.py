"""What is asked of the rows that show orders, shipments and refunds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from chassis.http import beyond
from sqlalchemy.ext.asyncio import AsyncConnection

from order.tables import orders

OLDEST_UNSETTLED = "select min(created_at) from orders where not settled"
BY_ID = "select * from orders where id = $1"
BY_NUMBER = "select * from orders where number = $1"
SHIPMENT = "select * from shipments where id = $1"
SHIPMENTS_OF = "select * from shipments where order_id = $1 order by created_at, id"
REFUND = "select * from refunds where id = $1"
REFUNDS_OF = "select * from refunds where order_id = $1 order by created_at, id"
HISTORY = "select version, type, data, recorded_at from events where stream = $1 and version > $2 order by version"
STORY = """
select type, data, recorded_at, meta->>'correlationid' as correlationid from events where stream = $1 order by version
"""

Ordering = Sequence[tuple[str, bool]]
"""Pairs of column and descending; the last one is the id."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows a list shows: any of each of ``among``; ``owners``: only theirs, or None for everybody's.

    ``after`` is inclusive, ``before`` exclusive. ``search`` finds by number, SKU and, if ``personal``, by contact.
    """

    owners: tuple[str, ...] | None = None
    among: dict[str, Sequence[str]] = field(default_factory=dict)
    after: datetime | None = None
    before: datetime | None = None
    total_min: int | None = None
    total_max: int | None = None
    search: str | None = None
    personal: bool = False


async def page(
    sql: AsyncConnection,
    table: sa.Table,
    filters: Filters,
    ordering: Ordering,
    limit: int,
    offset: int,
    cursor: Sequence[Any] | None,
) -> tuple[Sequence[Any], int | None]:
    """One page and, unless it stands behind a cursor, how many rows fit in all. A row more than ``limit`` may come."""
    wanted = sa.and_(sa.true(), *_conditions(table, filters))
    order = [(table.c[name], descending) for name, descending in ordering]
    rows = (
        sa.select(table)
        .where(wanted, beyond(cursor or (), order))
        .order_by(*[column.desc() if descending else column for column, descending in order])
        .limit(limit + 1)
        .offset(offset)
    )
    found = (await sql.execute(rows)).all()
    if cursor is not None:
        return found, None
    return found, await sql.scalar(sa.select(sa.func.count()).select_from(table).where(wanted)) or 0


def _conditions(table: sa.Table, filters: Filters) -> Iterable[sa.ColumnElement[bool]]:
    if filters.owners is not None:
        yield table.c.owner.in_(filters.owners)
    for name, values in filters.among.items():
        if values:
            yield table.c[name].in_(values)
    if filters.after is not None:
        yield table.c.created_at >= filters.after
    if filters.before is not None:
        yield table.c.created_at < filters.before
    if filters.total_min is not None:
        yield orders.c.total >= filters.total_min
    if filters.total_max is not None:
        yield orders.c.total <= filters.total_max
    if filters.search:
        yield _found(filters.search, personal=filters.personal)


def _found(search: str, *, personal: bool) -> sa.ColumnElement[bool]:
    ways: list[sa.ColumnElement[bool]] = [
        orders.c.number.istartswith(search, autoescape=True),
        orders.c.skus.contains([search]),
    ]
    if personal:
        ways += [orders.c.email.icontains(search, autoescape=True), orders.c.phone.contains(search, autoescape=True)]
    return sa.or_(*ways)
