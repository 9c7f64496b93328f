"""What somebody who is still typing may be looking for."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.filters import Filters, conditions
from catalog.tables import categories, products
from catalog.words import text_query, words_of

# Only as many rows are read as there are brands: each is found from the one before it, by the index.
BRANDS = text("""
WITH RECURSIVE each AS (
    (SELECT lower(brand) AS key, brand FROM products
        WHERE status = 'active' AND listed AND lower(brand) >= :typed
        ORDER BY lower(brand), id LIMIT 1)
    UNION ALL
    SELECT following.key, following.brand FROM each CROSS JOIN LATERAL (
        SELECT lower(brand) AS key, brand FROM products
        WHERE status = 'active' AND listed AND lower(brand) > each.key
        ORDER BY lower(brand), id LIMIT 1) AS following
    WHERE starts_with(each.key, :typed)
)
SELECT brand FROM each WHERE starts_with(key, :typed) LIMIT :most
""")

LAST = "\U0010ffff"


class Named(NamedTuple):
    """A product or a category."""

    id: str
    slug: str
    name: str


class Suggested(NamedTuple):
    """Each by name."""

    products: Sequence[Named]
    categories: Sequence[Named]
    brands: Sequence[str]


async def suggested(sql: AsyncConnection, typed: str, most: int) -> Suggested:
    """Products and categories with all words of ``typed`` in their names, each at least as a beginning, and brands."""
    if not (words := words_of(typed)):
        return Suggested((), (), ())
    goods = await _products(sql, typed.strip().lower(), words, most)
    their_words = func.to_tsvector(literal_column("'simple'::regconfig"), categories.c.name)
    places = (
        select(categories.c.id, categories.c.slug, categories.c.name)
        .where(their_words.op("@@")(text_query(words, shortest=1)))
        .order_by(func.lower(categories.c.name), categories.c.id)
        .limit(most)
    )
    brands = await sql.scalars(BRANDS, {"typed": typed.strip().lower(), "most": most})
    return Suggested(
        goods,
        [Named(*row) for row in await sql.execute(places)],
        list(brands),
    )


async def _products(sql: AsyncConnection, typed: str, words: Sequence[str], most: int) -> list[Named]:
    """First those whose names begin with what was typed: there may be thousands, and an index has them in order."""
    name = func.lower(products.c.name)
    beginning = (name >= typed, name <= typed + LAST, func.starts_with(name, typed))
    found = list[Named]()
    for fits in (beginning, (products.c.search.op("@@")(text_query(words, "A", shortest=1)),)):
        if len(found) < most:
            known = [each.id for each in found]
            rows = await sql.execute(
                select(products.c.id, products.c.slug, products.c.name)
                .where(*conditions(Filters()), *fits, products.c.id.not_in(known))
                .order_by(name, products.c.id)
                .limit(most - len(found))
            )
            found += [Named(*row) for row in rows]
    return found
