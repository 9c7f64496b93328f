"""The tree of categories: reading it, and changing it without making a ring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from chassis.http import Problem
from chassis.unit import Unit
from soko_contracts import catalog as public
from sqlalchemy import Row, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog import offers
from catalog.filters import below
from catalog.refusals import CATEGORY_CYCLE, CATEGORY_IN_USE
from catalog.slugs import free_slug, slug_of
from catalog.tables import categories, category_slugs, product_categories, products

ABOVE = text("""
WITH RECURSIVE above AS (
    SELECT id, parent_id FROM categories WHERE id = :id
    UNION SELECT c.id, c.parent_id FROM categories c JOIN above ON c.id = above.parent_id
)
SELECT id FROM above
""")

# One mover at a time: two at once could each put its category below the other's.
LOCK_TREE = text("LOCK TABLE categories IN SHARE ROW EXCLUSIVE MODE")


async def lock_tree(sql: AsyncConnection) -> None:
    """Begin a transaction that changes the tree."""
    await offers.alone(sql)
    await sql.execute(LOCK_TREE)


@dataclass(frozen=True, slots=True)
class Prices:
    """Minor units; null where there is no product."""

    average: int | None
    lowest: int | None
    highest: int | None
    count: int


async def category_by_id_or_slug(sql: AsyncConnection, key: str, *, lock: bool = False) -> Row[Any] | None:
    """One category's row; ``lock`` keeps others from changing it, and from putting anything into it."""
    found = (
        select(categories)
        .where(or_(categories.c.id == key, categories.c.slug == key))
        .order_by((categories.c.id == key).desc())
        .limit(1)
    )
    return (await sql.execute(found.with_for_update() if lock else found)).first()


async def create_category(unit: Unit, id_: str, name: str, parent_id: str | None, at: datetime) -> None:
    """A new category, under the first free slug of its name."""
    slug = await free_slug(unit.sql, category_slugs, slug_of(name, "category"), id_)
    row = {"id": id_, "slug": slug, "name": name, "parent_id": parent_id, "sequence": 1}
    await unit.sql.execute(insert(categories).values(row | {"created_at": at, "updated_at": at}))
    tell(unit, public.CategoryCreated, 1, id_, parent_id, slug, name)


async def change_category(unit: Unit, before: Row[Any], name: str, parent_id: str | None, at: datetime) -> None:
    """Rename or move. The tree is locked (``lock_tree``), so that what is checked here stays true."""
    if (name, parent_id) == (before.name, before.parent_id):
        return
    if parent_id is not None and before.id in set(await unit.sql.scalars(ABOVE, {"id": parent_id})):
        raise Problem(CATEGORY_CYCLE)
    slug = before.slug
    if name != before.name:
        slug = await free_slug(unit.sql, category_slugs, slug_of(name, "category"), before.id)
    changed = {"slug": slug, "name": name, "parent_id": parent_id, "sequence": before.sequence + 1, "updated_at": at}
    await unit.sql.execute(update(categories).where(categories.c.id == before.id).values(changed))
    if parent_id != before.parent_id:
        await offers.refresh_and_tell(unit.sql, await offers.products_below(unit.sql, [before.id]), at)
    tell(unit, public.CategoryUpdated, before.sequence + 1, before.id, parent_id, slug, name)


async def delete_category(unit: Unit, before: Row[Any]) -> None:
    """Delete one that nothing stands in. Its row is locked, so nothing can come meanwhile."""
    children = exists().where(categories.c.parent_id == before.id)
    inside = exists().where(product_categories.c.category_id == before.id)
    used = (await unit.sql.execute(select(children.label("categories"), inside.label("products")))).one()
    if used.categories or used.products:
        what = " and ".join(
            name for name, there in (("categories", used.categories), ("products", used.products)) if there
        )
        raise Problem(CATEGORY_IN_USE, f"{before.name} still has {what}.")
    await unit.sql.execute(delete(categories).where(categories.c.id == before.id))
    tell(unit, public.CategoryDeleted, before.sequence + 1, before.id, before.parent_id, before.slug, before.name)


def tell(unit: Unit, event: Any, sequence: int, id_: str, parent_id: str | None, slug: str, name: str) -> None:
    """Send a category's event."""
    message = event(category_id=id_, parent_id=parent_id, slug=slug, name=name)
    unit.send(message, subject=id_, sequence=sequence)


async def categories_page(
    sql: AsyncConnection, parent: str | None, limit: int, offset: int
) -> tuple[Sequence[Row[Any]], int]:
    """One page by name, and how many there are in all; ``parent`` (id or slug) keeps what stands right below it."""
    conditions = []
    if parent is not None:
        own = select(categories.c.id).where(or_(categories.c.id == parent, categories.c.slug == parent))
        conditions.append(categories.c.parent_id.in_(own.scalar_subquery()))
    page = select(categories).where(*conditions).order_by(func.lower(categories.c.name), categories.c.id)
    rows = (await sql.execute(page.limit(limit).offset(offset))).all()
    total = await sql.scalar(select(func.count()).select_from(categories).where(*conditions))
    return rows, total or 0


async def prices_below(sql: AsyncConnection, category_id: str) -> Prices:
    """The prices of the active products in this category and all below, each product once."""
    inside = select(product_categories.c.product_id).where(product_categories.c.category_id.in_(below([category_id])))
    row = (
        await sql.execute(
            select(
                func.round(func.avg(products.c.price)),
                func.min(products.c.price),
                func.max(products.c.price),
                func.count(),
            ).where(products.c.status == "active", products.c.id.in_(inside))
        )
    ).one()
    return Prices(None if row[0] is None else int(row[0]), row[1], row[2], row[3])


async def tree_json(sql: AsyncConnection) -> bytes:
    """The whole tree as JSON, read in one query."""
    columns = (categories.c.id, categories.c.parent_id, categories.c.slug, categories.c.name)
    rows = await sql.execute(select(*columns).order_by(func.lower(categories.c.name), categories.c.id))
    children: dict[str | None, list[Node]] = {}
    for id_, parent_id, slug, name in rows:
        own = orjson.dumps({"id": id_, "slug": slug, "name": name})
        children.setdefault(parent_id, []).append((id_, own[:-1] + b',"children":['))
    return b'{"items":[' + b"".join(_nodes(children)) + b"]}"


Node = tuple[str, bytes]
"""Id, and the JSON up to where its children begin."""


def _nodes(children: Mapping[str | None, Sequence[Node]]) -> list[bytes]:
    """Without recursion, and without a JSON library: a tree may be deeper than either goes."""
    out = list[bytes]()
    stack = _pushed(children.get(None, ()))
    while stack:
        node, follows = stack.pop()
        if node is None:
            out.append(b"]}")
            continue
        out.append(b"," + node[1] if follows else node[1])
        stack.append((None, False))
        stack += _pushed(children.get(node[0], ()))
    return out


def _pushed(nodes: Sequence[Node]) -> list[tuple[Node | None, bool]]:
    """With the first one on top; whether a comma stands before it."""
    return list(reversed([(node, at > 0) for at, node in enumerate(nodes)]))
