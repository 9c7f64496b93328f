"""What is asked of the rows that show orders, shipments and refunds."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from chassis.http import Way

from order.tables import orders

OLDEST_UNSETTLED = "select min(created_at) from orders where not settled"
BY_ID = "select * from orders where id = $1"
BY_NUMBER = "select * from orders where number = $1"
SHIPMENT = """
select shipments.*, orders.version as order_version from shipments join orders on orders.id = order_id
where shipments.id = $1
"""
SHIPMENTS_OF = "select * from shipments where order_id = $1 order by created_at, id"
REFUND = "select * from refunds where id = $1"
REFUNDS_OF = "select * from refunds where order_id = $1 order by created_at, id"
HISTORY = "select version, type, data, recorded_at from events where stream = $1 and version > $2 order by version"
STORY = """
select type, data, recorded_at, meta->>'correlationid' as correlationid from events where stream = $1 order by version
"""

PHONE_DIGITS: Final = 4
"""So many of a phone's last digits find it, at least."""


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

    def ways(self, table: sa.Table) -> list[Way]:
        """For ``read_page``: a way for each owner; else, unless a search narrows it, for each value of a filter."""
        always = list(self._everywhere(table))
        among = {name: list(dict.fromkeys(values)) for name, values in self.among.items() if values}
        if self.owners is None and not self.search and among:
            name, values = next(iter(among.items()))
            others = [table.c[other].in_(among[other]) for other in among if other != name]
            return [[*always, *others, one] for one in _each(table, name, values)]
        always += [table.c[name].in_(values) for name, values in among.items()]
        if self.owners is None:
            return [always]
        return [[*always, table.c.owner == owner] for owner in self.owners]

    def _everywhere(self, table: sa.Table) -> Iterable[sa.ColumnElement[bool]]:
        if self.after is not None:
            yield table.c.created_at >= self.after
        if self.before is not None:
            yield table.c.created_at < self.before
        if self.total_min is not None:
            yield orders.c.total >= self.total_min
        if self.total_max is not None:
            yield orders.c.total <= self.total_max
        if self.search:
            yield _found(self.search, personal=self.personal)


def _each(table: sa.Table, name: str, values: Sequence[str]) -> Iterable[sa.ColumnElement[bool]]:
    if table is not orders:
        yield from (table.c[name] == value for value in values)
        return
    # Those that still move are few; the others are found by what they have come to rest at.
    yield from (sa.and_(orders.c.settled, orders.c[f"settled_{name}"] == value) for value in values)
    yield sa.and_(~orders.c.settled, orders.c[name].in_(values))


def _found(search: str, *, personal: bool) -> sa.ColumnElement[bool]:
    ways: list[sa.ColumnElement[bool]] = [
        orders.c.number.startswith(search.upper(), autoescape=True),
        orders.c.skus.contains([search]),
    ]
    if personal:
        ways.append(sa.func.lower(orders.c.email).startswith(search.lower(), autoescape=True))
        digits = re.sub(r"[+ ()/-]", "", search)
        if digits.isdecimal() and digits.isascii() and len(digits) >= PHONE_DIGITS:
            ways += [  # as it is kept, with the country's code, and as it is dialled there
                sa.func.reverse(orders.c.phone).startswith(ending[::-1])
                for ending in dict.fromkeys((digits, digits.removeprefix("0")))
            ]
    return sa.or_(*ways)
