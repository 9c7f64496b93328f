"""How many of the products that fit there are by category, brand, price, rating and attribute.

Each facet is counted with all filters but its own applied: what one would find by choosing another of its values. The
bitmaps count; PostgreSQL does where they are not there yet, or have no room for a facet.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import CTE, ColumnElement, Select, Text, cast, func, literal, literal_column, select, union_all
from sqlalchemy import tuple_ as row_of
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.bitmaps import NotHeld
from catalog.filters import Filters, brand, conditions, resolved
from catalog.fitting import Counted, Fitting, fitting
from catalog.keeping import BOUNDS, KeptBitmaps
from catalog.tables import categories, products

MOST_VALUES = 100
"""Of a facet, the most frequent first."""
MOST_COUNTS = 5000
"""Of all attributes together."""
STARS = (4, 3, 2, 1)

GROUPS: Mapping[str, ColumnElement[Any]] = {
    "category": products.c.category_ids,
    "brand": brand,
    # Without parameters, which would make it another expression in each place where it stands.
    "price": literal_column(f"width_bucket(current_price, '{{{','.join(map(str, BOUNDS))}}}'::bigint[])"),
    "rating": literal_column("rated / 100"),
    "attribute": products.c.attributes,
}


class CategoryCount(NamedTuple):
    """Products in a category or below it."""

    id: str
    slug: str
    name: str
    parent_id: str | None
    found: int


@dataclass(frozen=True, slots=True)
class Facets:
    """Pairs of a value and how many products there are.

    A price's value is the first and the last minor unit of its band; a rating's is how many stars at least.
    """

    categories: Sequence[CategoryCount]
    brands: Sequence[tuple[str, int]]
    prices: Sequence[tuple[tuple[int, int], int]]
    ratings: Sequence[tuple[int, int]]
    attributes: Mapping[str, Sequence[tuple[str, int]]]


async def facets_of(sql: AsyncConnection, kept: KeptBitmaps, wanted: Filters) -> Facets:
    """Count."""
    filters = await resolved(sql, wanted)
    fits, places = await fitting(sql, kept, filters), await _places(sql)
    counts = _by_bitmaps(fits, places) if fits is not None else {}
    if missing := [name for name in GROUPS if name not in counts]:
        counts |= await _by_reading(sql, filters, missing)
    return Facets(
        categories=[
            CategoryCount(place.id, place.slug, place.name, place.parent_id, count)
            for id_, count in _of("category", counts)
            if (place := places.get(id_)) is not None
        ],
        brands=_of("brand", counts),
        prices=_bands(_of("price", counts)),
        ratings=_stars(_of("rating", counts)),
        attributes=_attributes(counts["attribute"]),
    )


def _by_bitmaps(fits: Fitting, places: Mapping[str, Any]) -> dict[str, list[Counted]]:
    """Those facets that are held."""
    parents = {id_: place.parent_id for id_, place in places.items()}
    counts = dict[str, list[Counted]]()
    for name in GROUPS:
        with suppress(NotHeld):
            counts[name] = list(fits.counted(name, parents))
    return counts


async def _by_reading(sql: AsyncConnection, filters: Filters, facets: Sequence[str]) -> dict[str, list[Counted]]:
    """One statement for all facets that no filter of their own narrows, and one for each that has one."""
    own = {name: others for name, others in _without_their_own(filters).items() if name in facets}
    counts = await _counts(sql, filters, [name for name in facets if name not in own])
    counts = [each for each in counts if each.name not in filters.attributes]
    for facet, others in own.items():
        counts += await _counts(sql, others, [facet])
    for name in filters.attributes if "attribute" in facets else ():
        others = replace(filters, attributes={key: of for key, of in filters.attributes.items() if key != name})
        counts += [each for each in await _counts(sql, others, ["attribute"]) if each.name == name]
    return {name: [each for each in counts if each.facet == name] for name in facets}


def _without_their_own(filters: Filters) -> dict[str, Filters]:
    """For each facet with a filter of its own, all others."""
    found = dict[str, Filters]()
    if filters.categories:
        found["category"] = replace(filters, categories=())
    if filters.brands:
        found["brand"] = replace(filters, brands=())
    if (filters.min_price, filters.max_price) != (None, None):
        found["price"] = replace(filters, min_price=None, max_price=None)
    if filters.min_rating is not None:
        found["rating"] = replace(filters, min_rating=None)
    return found


async def _counts(sql: AsyncConnection, filters: Filters, facets: Sequence[str]) -> list[Counted]:
    if not facets:
        return []
    counted = _grouped(filters, facets)
    # grouping() has a bit for each column, 0 where the row is grouped by it.
    every = 2 ** len(facets) - 1
    of = {name: counted.c.which == every - 2 ** (len(facets) - 1 - at) for at, name in enumerate(facets)}
    parts = list[Select[Any]]()
    for name, mine in of.items():
        if name == "category":
            parts.append(_in_all_above(counted, mine))
        elif name == "attribute":
            parts.append(_each_attribute(counted, mine))
        else:
            value = counted.c.shown if name == "brand" else cast(counted.c[name], Text)
            known = counted.c[name].is_not(None)
            parts.append(select(literal(name), literal(""), value, counted.c.count).where(mine, known))
    return [
        Counted(facet, name, value, int(count)) for facet, name, value, count in await sql.execute(union_all(*parts))
    ]


def _grouped(filters: Filters, facets: Sequence[str]) -> CTE:
    """One reading of the products that fit, grouped in as many ways as there are facets."""
    columns = [GROUPS[name] for name in facets]
    return (
        select(
            func.grouping(*columns).label("which"),
            *[column.label(name) for name, column in zip(facets, columns, strict=True)],
            func.min(products.c.brand).label("shown"),
            func.count().label("count"),
        )
        .where(*conditions(filters))
        .group_by(func.grouping_sets(*[row_of(column) for column in columns]))
        .cte("counted")
    )


def _in_all_above(counted: CTE, mine: ColumnElement[bool]) -> Select[Any]:
    """From categories that stand together on products to each of them and all above, a product once in each."""
    above = select(counted.c.category.label("together"), func.unnest(counted.c.category).label("id")).where(mine)
    tree = above.cte("above", recursive=True)
    parents = select(tree.c.together, categories.c.parent_id).join(categories, categories.c.id == tree.c.id)
    tree = tree.union(parents.where(categories.c.parent_id.is_not(None)))
    return (
        select(literal("category"), literal(""), tree.c.id, func.sum(counted.c.count))
        .join(counted, (counted.c.category == tree.c.together) & mine)
        .group_by(tree.c.id)
    )


def _each_attribute(counted: CTE, mine: ColumnElement[bool]) -> Select[Any]:
    each = func.jsonb_each_text(counted.c.attribute).table_valued("key", "value").lateral()
    total = func.sum(counted.c.count)
    most = (
        select(each.c.key, each.c.value, total.label("count"))
        .select_from(counted.join(each, literal_column("true")))
        .where(mine)
        .group_by(each.c.key, each.c.value)
        .order_by(total.desc(), each.c.key, each.c.value)
        .limit(MOST_COUNTS)
        .subquery()
    )
    return select(literal("attribute"), most.c.key, most.c.value, most.c.count)


def _of(facet: str, counts: Mapping[str, Iterable[Counted]]) -> list[tuple[str, int]]:
    return sorted(((each.value, each.found) for each in counts[facet]), key=_frequent)[:MOST_VALUES]


def _frequent(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


async def _places(sql: AsyncConnection) -> Mapping[str, Any]:
    """All categories by their ids: a tree has few."""
    columns = (categories.c.id, categories.c.slug, categories.c.name, categories.c.parent_id)
    return {row.id: row for row in await sql.execute(select(*columns))}


def _bands(counts: Sequence[tuple[str, int]]) -> list[tuple[tuple[int, int], int]]:
    bands = sorted((int(value), count) for value, count in counts)
    return [((BOUNDS[at - 1] if at else 0, BOUNDS[min(at, len(BOUNDS) - 1)] - 1), count) for at, count in bands]


def _stars(counts: Sequence[tuple[str, int]]) -> list[tuple[int, int]]:
    return [(least, sum(count for value, count in counts if int(value) >= least)) for least in STARS]


def _attributes(counts: Sequence[Counted]) -> dict[str, list[tuple[str, int]]]:
    found = dict[str, list[tuple[str, int]]]()
    most = sorted(counts, key=lambda each: (-each.found, each.name, each.value))[:MOST_COUNTS]
    for each in sorted(most, key=lambda each: each.name):
        found.setdefault(each.name, []).append((each.value, each.found))
    return {name: values[:MOST_VALUES] for name, values in found.items()}
