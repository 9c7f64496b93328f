"""Slugs: made from a name once, never changed, one of a kind."""

from typing import Any

from slugify import slugify
from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

LONGEST = 80
RESERVED = frozenset({"bulk", "featured", "suggest", "tree"})
"""Last parts of paths that are not things."""


def slug_of(name: str, otherwise: str) -> str:
    """The slug a name asks for; ``otherwise`` where nothing of it can be written in a URL."""
    return slugify(name, max_length=LONGEST, word_boundary=True) or otherwise


def first_free(base: str, taken: set[str]) -> str:
    """``base``, or ``base-2``, ``base-3``… which is not taken."""
    taken = taken | RESERVED
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


async def insert_with_slug(sql: AsyncConnection, table: Table, base: str, values: dict[str, Any]) -> str:
    """Insert a row under the first free slug, and say which.

    Another transaction may be taking the same one: the unique constraint waits for it and lets this insert do
    nothing, and the next look sees what it took.
    """
    like = f"^{base}(-[0-9]+)?$"
    while True:
        rows = await sql.scalars(select(table.c.slug).where(table.c.slug.op("~")(like)))
        slug = first_free(base, set(rows))
        put = insert(table).values(**values, slug=slug).on_conflict_do_nothing(index_elements=[table.c.slug])
        if (await sql.execute(put.returning(table.c.slug))).first() is not None:
            return slug
