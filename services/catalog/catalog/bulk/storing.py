"""What rows made of products, written: a few statements for each batch, however many rows it has."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from chassis.unit import Unit
from sqlalchemy import Table, bindparam, delete, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog import offers
from catalog.bulk.applying import Batch
from catalog.domain import Product, told
from catalog.slugs import first_free, slug_of
from catalog.tables import categories, product_categories, product_slugs, products, variants
from catalog.views import Shown, products_by_ids
from catalog.writing import category_rows, product_row, variant_rows

LOCK = text("""
SELECT id FROM products WHERE id IN (
    SELECT product_id FROM variants WHERE sku = ANY(:skus)
    UNION SELECT product_id FROM product_slugs WHERE slug = ANY(:keys)
    UNION SELECT unnest(CAST(:keys AS text[])))
ORDER BY id FOR NO KEY UPDATE
""")
SEQUENCES = text("""
UPDATE products SET sequence = numbers.number
FROM unnest(CAST(:ids AS text[]), CAST(:numbers AS bigint[])) AS numbers (id, number) WHERE products.id = numbers.id
""")
OWNERS = text("SELECT slug, product_id FROM product_slugs WHERE slug = ANY(:slugs)")
FIXED = {"sequence", "created_at", "current_price"}
"""What an update of a product's row leaves alone."""
NEAR = 20
"""Slugs looked at for each name before more are."""


class Raced(Exception):
    """Another transaction took what this one wanted: all of it is done again, on what is there now."""


async def load(unit: Unit, rows: Sequence[dict[str, Any]], currency: str) -> Batch:
    """Everything that the rows name: products, locked until the transaction ends, and categories."""
    await offers.side_by_side(unit.sql)
    skus = _texts(row.get("sku") for row in rows)
    keys = _texts(row.get("product") for row in rows)
    places = _texts(key for row in rows if isinstance(row.get("category_ids"), list) for key in row["category_ids"])
    known = await unit.sql.execute(
        select(categories.c.id, categories.c.slug)
        .where(or_(categories.c.id.in_(places), categories.c.slug.in_(places)))
        .with_for_update(read=True, key_share=True)
    )
    found = {key: row.id for row in known for key in (row.slug, row.id)}
    batch = Batch(unit.service.world.ids, currency, found)
    ids = list(await unit.sql.scalars(LOCK, {"skus": skus, "keys": keys}))
    former = await unit.sql.execute(select(product_slugs).where(product_slugs.c.slug.in_(keys)))
    slugs: dict[str, list[str]] = {}
    for row in former:
        slugs.setdefault(row.product_id, []).append(row.slug)
    for shown in await products_by_ids(unit.sql, ids):
        batch.know(shown, *slugs.get(shown.product.id, ()))
    return batch


async def store(unit: Unit, batch: Batch) -> None:
    """Write what the batch has come to, and tell of it. Raises Raced."""
    await _take_slugs(unit.sql, batch)
    changed = [
        each for id_, each in batch.after.items() if id_ not in batch.before or batch.before[id_].product != each
    ]
    if not changed:
        return
    new = [each for each in changed if each.id not in batch.before]
    fresh = {each.id for each in new}
    old = [(batch.before[each.id], each) for each in changed if each.id in batch.before]
    if new:
        await unit.sql.execute(insert(products), [product_row(each, unit.now) for each in new])
    if old:
        await _update(unit, [after for _, after in old])
    moved = {after.id for before, after in old if before.product.category_ids != after.category_ids}
    if moved:
        await unit.sql.execute(delete(product_categories).where(product_categories.c.product_id.in_(moved)))
    if places := [row for each in changed if each.id in moved | fresh for row in category_rows(each)]:
        await unit.sql.execute(insert(product_categories), places)
    await _variants(unit.sql, new, old)
    await offers.refresh(unit.sql, [each.id for each in changed], unit.now)
    sales = await offers.sales_of(unit.sql, [each.id for each in changed])
    raised = []
    for each in changed:
        before = batch.before.get(each.id)
        after, sequence = replace(each, sales=sales.get(each.id, ())), before.sequence if before else 0
        for message in told(before.product if before else None, after, batch.currency):
            sequence += 1
            unit.send(message, subject=each.id, sequence=sequence)
        raised.append((each.id, sequence))
    await unit.sql.execute(SEQUENCES, {"ids": [id_ for id_, _ in raised], "numbers": [number for _, number in raised]})


async def _take_slugs(sql: AsyncConnection, batch: Batch) -> None:
    """Give each new or renamed product the first slug that nothing else ever had."""
    bases = {id_: slug_of(name, "product") for id_, name in batch.slugs.items()}
    if not bases:
        return
    asked = Counter(bases.values())
    taken, looked = dict[str, str](), {base: NEAR + count for base, count in asked.items()}
    unknown = set(looked)
    while unknown:
        wanted = [slug for base in unknown for slug in _numbered(base, looked[base])]
        taken |= {row.slug: row.product_id for row in await sql.execute(OWNERS, {"slugs": wanted})}
        # Where so many are taken that not each of this batch may find one, more are looked at.
        unknown = {base for base in unknown if looked[base] - _count(taken, base) <= asked[base]}
        looked |= {base: looked[base] * 10 for base in unknown}
    rows = list[dict[str, str]]()
    for id_, base in bases.items():
        slug = first_free(base, {each for each in _numbered(base, looked[base]) if taken.get(each, id_) != id_})
        taken[slug] = id_
        rows.append({"slug": slug, "product_id": id_})
        batch.after[id_] = replace(batch.after[id_], slug=slug)
    put = upsert(product_slugs).values(rows)
    mine = put.on_conflict_do_update(
        index_elements=[product_slugs.c.slug],
        set_={"product_id": product_slugs.c.product_id},
        where=product_slugs.c.product_id == put.excluded.product_id,
    )
    if len(set(await sql.scalars(mine.returning(product_slugs.c.slug)))) < len(rows):
        raise Raced


def _numbered(base: str, count: int) -> list[str]:
    return [base, *(f"{base}-{number}" for number in range(2, count + 1))]


def _count(slugs: Iterable[str], base: str) -> int:
    return sum(1 for each in slugs if re.fullmatch(f"{re.escape(base)}(-[0-9]+)?", each))


async def _update(unit: Unit, changed: Sequence[Product]) -> None:
    rows = [product_row(each, unit.now) for each in changed]
    await _update_each(unit.sql, products, [{name: row[name] for name in row if name not in FIXED} for row in rows])


async def _update_each(sql: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """The rows with these ids get these values: one statement, prepared once and sent for all."""
    if rows:
        names: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "id"}
        statement = update(table).where(table.c.id == bindparam("new_id")).values(names)
        await sql.execute(statement, [{f"new_{name}": value for name, value in row.items()} for row in rows])


async def _variants(sql: AsyncConnection, new: Sequence[Product], old: Sequence[tuple[Shown, Product]]) -> None:
    added, changed = [row for each in new for row in variant_rows(each)], list[dict[str, Any]]()
    for before, after in old:
        was = {each.id: each for each in before.product.variants}
        rows = {row["id"]: row for row in variant_rows(after)}
        added += [rows[each.id] for each in after.variants if each.id not in was]
        for each in after.variants:
            if each.id in was and was[each.id] != each:
                changed.append({name: rows[each.id][name] for name in ("id", "options", "price", "active")})
    await _update_each(sql, variants, changed)
    if added:
        put = upsert(variants).values(added).on_conflict_do_nothing(index_elements=[variants.c.sku])
        if len((await sql.execute(put.returning(variants.c.sku))).all()) < len(added):
            raise Raced


def _texts(values: Any) -> list[str]:
    return sorted({value for value in values if isinstance(value, str)})
