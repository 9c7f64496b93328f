"""Lists beyond page 10,000: rows behind the one that a cursor names, found by an index and not by counting."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from chassis.http.problems import Problem, invalid

Order = Sequence[tuple[sa.ColumnElement[Any], bool]]
"""Columns that are never null, each with whether it descends; the last one tells all rows apart."""


def beyond(cursor: Sequence[Any], order: Order) -> sa.ColumnElement[bool]:
    """The condition for rows behind ``cursor`` (``Paging.cursor``; empty: all rows). 422 on one that does not fit."""
    if not cursor:
        return sa.true()
    if len(cursor) != len(order):
        raise _foreign()
    for value, (column, _) in zip(cursor, order, strict=True):
        if not _fits(value, column.type):
            raise _foreign()
    columns, values = [column for column, _ in order], list(cursor)
    directions = {descending for _, descending in order}
    if len(directions) == 1:
        here, there = (
            sa.tuple_(*columns),
            sa.tuple_(*[sa.bindparam(None, v, type_=c.type) for c, v in zip(columns, values, strict=True)]),
        )
        return here < there if directions.pop() else here > there
    first, down = order[0]
    return sa.and_(
        first <= values[0] if down else first >= values[0],  # said once for all: an index can start there
        sa.or_(
            *[
                sa.and_(
                    *[column == value for column, value in zip(columns[:at], values[:at], strict=True)],
                    column < values[at] if descending else column > values[at],
                )
                for at, (column, descending) in enumerate(order)
            ]
        ),
    )


def _foreign() -> Problem:
    return invalid("/query/cursor", "must be one that next gave for this list and ordering")


def _fits(value: Any, type_: Any) -> bool:
    """The database is not asked with values that it would raise on."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return False
    if type(value) is int:
        bits = 16 if isinstance(type_, sa.SmallInteger) else 64 if isinstance(type_, sa.BigInteger) else 32
        return type_.python_type is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)
    if isinstance(value, str) and "\0" in value:
        return False
    return type(value) is type_.python_type
