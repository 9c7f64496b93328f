"""Which products a list shows, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal_column, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.tables import categories, product_categories, products
from catalog.views import Shown, products_by_ids

MOST_WORDS = 12


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. Several values of one filter mean any of them, different filters mean all of them.

    ``categories`` are ids or slugs, each with all below; prices are minor units, both inclusive.
    """

    statuses: tuple[str, ...] = ("active",)
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    min_price: int | None = None
    max_price: int | None = None
    search: str | None = None
    in_stock: bool | None = None
    featured: bool | None = None


async def products_like(
    sql: AsyncConnection, filters: Filters, ordering: Sequence[tuple[str, bool]], limit: int, offset: int
) -> tuple[list[Shown], int]:
    """One page of the products that fit, and how many fit in all. ``ordering``: pairs of name and descending."""
    conditions = _conditions(filters)
    page = select(products.c.id).where(*conditions).order_by(*_order(filters, ordering)).limit(limit).offset(offset)
    ids = list(await sql.scalars(page))
    if offset == 0 and len(ids) < limit:
        total = len(ids)
    else:
        total = await sql.scalar(select(func.count()).select_from(products).where(*conditions)) or 0
    return await products_by_ids(sql, ids), total


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    # One status is written into the statement, so that the indexes on active products serve it.
    found: list[ColumnElement[bool]] = [
        products.c.status == literal_column("'active'")
        if filters.statuses == ("active",)
        else products.c.status.in_(filters.statuses)
    ]
    if filters.statuses == ("active",):
        found.append(products.c.listed)
    if filters.categories:
        inside = product_categories.c.category_id.in_(below(filters.categories))
        found.append(exists().where(product_categories.c.product_id == products.c.id, inside))
    if filters.brands:
        found.append(func.lower(products.c.brand).in_([each.lower() for each in filters.brands]))
    if filters.min_price is not None:
        found.append(products.c.price >= filters.min_price)
    if filters.max_price is not None:
        found.append(products.c.price <= filters.max_price)
    if filters.search is not None:
        found.append(products.c.search.op("@@")(_query(filters.search)))
    if filters.in_stock is not None:
        found.append(products.c.in_stock if filters.in_stock else ~products.c.in_stock)
    if filters.featured is not None:
        found.append(products.c.featured if filters.featured else ~products.c.featured)
    return found or [true()]


def _order(filters: Filters, ordering: Sequence[tuple[str, bool]]) -> list[ColumnElement[Any]]:
    columns: dict[str, ColumnElement[Any]] = {
        "price": products.c.price,
        "name": func.lower(products.c.name),
        "created_at": products.c.created_at,
        "id": products.c.id,
    }
    order = list[ColumnElement[Any]]()
    for name, descending in ordering:
        if name == "relevance":
            # The best come first without a minus: nobody looks for the worst.
            rank = func.ts_rank_cd(products.c.search, _query(filters.search or ""))
            order.append(rank.asc() if descending else rank.desc())
        else:
            order.append(columns[name].desc() if descending else columns[name].asc())
    return order


def below(keys: Sequence[str]) -> Select[tuple[str]]:
    """The ids of these categories (ids or slugs) and of all below them."""
    start = select(categories.c.id).where(or_(categories.c.id.in_(keys), categories.c.slug.in_(keys)))
    tree = start.cte("below", recursive=True)
    tree = tree.union(select(categories.c.id).where(categories.c.parent_id == tree.c.id))
    return select(tree.c.id)


def _query(search: str) -> ColumnElement[Any]:
    """Every word has to be there, as written or by its stem, each at least as a beginning."""
    words = (word.replace("'", "").replace("\\", "") for word in search.split()[:MOST_WORDS])
    terms = " & ".join(f"'{word}':*" for word in words if any(char.isalnum() for char in word))
    simple, english = (func.to_tsquery(literal_column(f"'{each}'::regconfig"), terms) for each in ("simple", "english"))
    return simple.op("||")(english)
