"""Which products a list shows, as conditions on their rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.tables import categories, products
from catalog.words import text_query

brand: ColumnElement[str] = func.lower(products.c.brand)
NOWHERE = ("",)
"""The ids of a category that is not there: nothing stands in it."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. Several values of one filter mean any of them, different filters mean all of them.

    ``categories`` are ids or slugs, each with all below; prices are minor units, both inclusive, of what one pays now;
    ``words`` are of a search, as ``words_of`` answers them (empty: none was there to look for); ``min_rating`` is in
    hundredths.
    """

    statuses: tuple[str, ...] = ("active",)
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    min_price: int | None = None
    max_price: int | None = None
    words: tuple[str, ...] | None = None
    in_stock: bool | None = None
    on_sale: bool | None = None
    featured: bool | None = None
    min_rating: int | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


async def resolved(sql: AsyncConnection, filters: Filters) -> Filters:
    """The same with each category's id and those of all below in the place of what was asked for."""
    if not filters.categories:
        return filters
    ids = tuple([str(row[0]) for row in await sql.execute(below(filters.categories))])
    return replace(filters, categories=ids or NOWHERE)


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """What holds for every row that fits the filters, whose categories are resolved."""
    return list(_conditions(filters))


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.statuses == ("active",):
        # Written into the statement, so that the indexes on active products serve it.
        yield products.c.status == literal_column("'active'")
        yield products.c.listed
    else:
        yield products.c.status.in_(filters.statuses)
    if filters.categories:
        yield products.c.category_ids.op("&&")(cast(list(filters.categories), ARRAY(Text)))
    if filters.brands:
        yield brand.in_([each.lower() for each in filters.brands])
    if filters.min_price is not None:
        yield products.c.current_price >= filters.min_price
    if filters.max_price is not None:
        yield products.c.current_price <= filters.max_price
    if filters.words is not None:
        yield products.c.search.op("@@")(text_query(filters.words))
    if filters.min_rating is not None:
        yield products.c.rated >= filters.min_rating
    for name, values in filters.attributes.items():
        yield or_(*[products.c.attributes.contains(cast({name: value}, JSONB)) for value in values])
    yield from _yes_or_no(filters)


def _yes_or_no(filters: Filters) -> Iterator[ColumnElement[bool]]:
    sale: ColumnElement[Any] = products.c.current_percent
    for wanted, yes, no in (
        (filters.in_stock, products.c.in_stock, ~products.c.in_stock),
        (filters.on_sale, sale.is_not(None), sale.is_(None)),
        (filters.featured, products.c.featured, ~products.c.featured),
    ):
        if wanted is not None:
            yield yes if wanted else no


def below(keys: Sequence[str]) -> Select[tuple[str]]:
    """The ids of these categories (ids or slugs) and of all below them."""
    start = select(categories.c.id).where(or_(categories.c.id.in_(keys), categories.c.slug.in_(keys)))
    tree = start.cte("below", recursive=True)
    tree = tree.union(select(categories.c.id).where(categories.c.parent_id == tree.c.id))
    return select(tree.c.id)
