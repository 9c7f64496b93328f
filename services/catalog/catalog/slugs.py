"""Slugs: made from a name, one of a kind. A thing that is renamed takes a new one; the old ones still lead to it."""

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


async def free_slug(sql: AsyncConnection, table: Table, base: str, id_: str) -> str:
    """The first slug of ``base`` that nothing else ever had: it is this thing's from now on.

    ``table`` keeps every slug and whose it is. One of its own former slugs is as good as a free one. Another
    transaction may be taking the same one: the primary key waits for it and lets this insert do nothing, and the next
    look sees what it took.
    """
    slug, owner = table.c.values()
    looked = 20
    while True:
        wanted = [base, *(f"{base}-{number}" for number in range(2, looked))]
        taken = set(await sql.scalars(select(slug).where(slug.in_(wanted), owner != id_)))
        if len(taken) == len(wanted):
            looked *= 10
            continue
        found = first_free(base, taken)
        put = insert(table).values({slug: found, owner: id_})
        mine = put.on_conflict_do_update(index_elements=[slug], set_={owner.name: owner}, where=owner == id_)
        if (await sql.execute(mine.returning(slug))).first() is not None:
            return found


async def slug_of_now(sql: AsyncConnection, things: Table, table: Table, slug: str) -> str | None:
    """The slug of the thing that once had this one; null where there is none."""
    former, owner = table.c.values()
    found: str | None = await sql.scalar(select(things.c.slug).where(things.c.id == owner, former == slug))
    return found
