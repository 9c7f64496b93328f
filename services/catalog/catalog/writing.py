"""Changing products: rows and public events in one transaction, from what a product was and what it shall be."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from chassis.http import Problem, invalid
from chassis.unit import Unit
from sqlalchemy import Table, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog import offers
from catalog.copying import copy_rows
from catalog.domain import Product, Variant, told
from catalog.refusals import SKU_TAKEN
from catalog.slugs import free_slug, slug_of
from catalog.tables import categories, product_categories, product_slugs, products, variants
from catalog.views import Shown


async def category_ids(sql: AsyncConnection, keys: Sequence[str], pointers: Sequence[str]) -> tuple[str, ...]:
    """The ids of these categories (ids or slugs), in this order, each once; 422 at its pointer for one not there.

    They are locked against deletion until the transaction ends.
    """
    return await _ids(sql, categories, "is not a category", keys, pointers)


async def product_ids(sql: AsyncConnection, keys: Sequence[str], pointers: Sequence[str]) -> tuple[str, ...]:
    """The same for products."""
    return await _ids(sql, products, "is not a product", keys, pointers)


async def _ids(
    sql: AsyncConnection, table: Table, wrong: str, keys: Sequence[str], pointers: Sequence[str]
) -> tuple[str, ...]:
    if not keys:
        return ()
    rows = await sql.execute(
        select(table.c.id, table.c.slug)
        .where(or_(table.c.id.in_(keys), table.c.slug.in_(keys)))
        .with_for_update(read=True, key_share=True)
    )
    known = dict[str, str]()
    for row in rows:
        known[row.slug] = row.id
        known[row.id] = row.id
    for key, pointer in zip(keys, pointers, strict=True):
        if key not in known:
            raise invalid(pointer, wrong)
    return tuple(dict.fromkeys(known[key] for key in keys))


async def insert_product(unit: Unit, product: Product, at: datetime, currency: str) -> Product:
    """Insert a product under the first free slug of its name, and tell of it."""
    slug = await free_slug(unit.sql, product_slugs, slug_of(product.name, "product"), product.id)
    product = replace(product, slug=slug)
    await unit.sql.execute(insert(products).values(product_row(product, at)))
    await _insert_variants(unit.sql, product, product.variants)
    await _insert_categories(unit.sql, product)
    await offers.refresh(unit.sql, [product.id], at)
    (product,) = await _with_sales(unit.sql, [product])
    for message in told(None, product, currency):
        unit.send(message, subject=product.id, sequence=1)
    return product


async def save_product(unit: Unit, before: Shown, after: Product, at: datetime, currency: str) -> None:
    """Write what differs, and tell of it. The product's row is locked; nothing is written where nothing differs."""
    old = before.product
    if old == after:
        return
    if old.name != after.name:
        slug = await free_slug(unit.sql, product_slugs, slug_of(after.name, "product"), after.id)
        after = replace(after, slug=slug)
    row = product_row(after, at) | {"updated_at": at}
    for unchanged in ("id", "current_price", "created_at", "sequence"):
        del row[unchanged]
    mine = update(products).where(products.c.id == after.id)
    await unit.sql.execute(mine.values(row))
    if old.category_ids != after.category_ids:
        await unit.sql.execute(delete(product_categories).where(product_categories.c.product_id == after.id))
        await _insert_categories(unit.sql, after)
    if old.variants != after.variants:
        await _save_variants(unit.sql, old, after)
    if (old.price, old.category_ids) != (after.price, after.category_ids):
        await offers.refresh(unit.sql, [after.id], at)
        (after,) = await _with_sales(unit.sql, [after])
    messages = told(old, after, currency)
    for number, message in enumerate(messages, before.sequence + 1):
        unit.send(message, subject=after.id, sequence=number)
    await unit.sql.execute(mine.values(sequence=before.sequence + len(messages)))


async def insert_products(unit: Unit, made: Sequence[tuple[Product, datetime]], currency: str) -> None:
    """Insert many products whose slugs are known to be free, each table in one go."""
    await copy_rows(unit.sql, products, [product_row(product, at) for product, at in made])
    slugs = [{"slug": product.slug, "product_id": product.id} for product, _ in made]
    await copy_rows(unit.sql, product_slugs, slugs)
    await copy_rows(unit.sql, variants, [row for product, _ in made for row in variant_rows(product)])
    await copy_rows(unit.sql, product_categories, [row for product, _ in made for row in category_rows(product)])
    await offers.refresh(unit.sql, [product.id for product, _ in made], unit.now)
    for product in await _with_sales(unit.sql, [product for product, _ in made]):
        for message in told(None, product, currency):
            unit.send(message, subject=product.id, sequence=1)


async def _with_sales(sql: AsyncConnection, written: Sequence[Product]) -> list[Product]:
    found = await offers.sales_of(sql, [each.id for each in written])
    return [replace(each, sales=found.get(each.id, ())) for each in written]


async def _save_variants(sql: AsyncConnection, old: Product, after: Product) -> None:
    was = {each.id: each for each in old.variants}
    if gone := was.keys() - {each.id for each in after.variants}:
        await sql.execute(delete(variants).where(variants.c.id.in_(gone)))
    for variant in after.variants:
        if variant.id in was and was[variant.id] != variant:
            changed = {"options": dict(variant.options), "price": variant.price, "active": variant.active}
            await sql.execute(update(variants).where(variants.c.id == variant.id).values(changed))
    await _insert_variants(sql, after, [each for each in after.variants if each.id not in was])


async def _insert_variants(sql: AsyncConnection, product: Product, new: Sequence[Variant]) -> None:
    """A SKU that is taken, or being taken by another transaction, is not inserted, and so found out."""
    if not new:
        return
    ids = {each.id for each in new}
    rows = [row for row in variant_rows(product) if row["id"] in ids]
    put = upsert(variants).values(rows).on_conflict_do_nothing(index_elements=[variants.c.sku])
    inserted = set(await sql.scalars(put.returning(variants.c.sku)))
    taken = [each.sku for each in new if each.sku not in inserted]
    if taken or len(inserted) < len(new):
        raise Problem(SKU_TAKEN, f"Taken: {', '.join(taken)}.", skus=taken)


async def _insert_categories(sql: AsyncConnection, product: Product) -> None:
    if product.category_ids:
        await sql.execute(insert(product_categories).values(category_rows(product)))


def product_row(product: Product, at: datetime) -> dict[str, Any]:
    """A new product's row."""
    return {
        "id": product.id,
        "slug": product.slug,
        "name": product.name,
        "description": product.description,
        "brand": product.brand,
        "status": product.status.value,
        "featured": product.featured,
        "price": product.price,
        "attributes": dict(product.attributes),
        "category_ids": list(product.category_ids),
        "skus": " ".join(each.sku for each in product.variants),
        "current_price": product.price,
        "sequence": 1,
        "created_at": at,
        "updated_at": at,
    }


def variant_rows(product: Product) -> list[dict[str, Any]]:
    """The rows of its variants."""
    return [
        {
            "id": each.id,
            "product_id": product.id,
            "position": position,
            "sku": each.sku,
            "options": dict(each.options),
            "price": each.price,
            "active": each.active,
            "initial_stock": each.initial_stock,
        }
        for position, each in enumerate(product.variants)
    ]


def category_rows(product: Product) -> list[Mapping[str, Any]]:
    """Where it stands."""
    return [
        {"product_id": product.id, "category_id": each, "position": position}
        for position, each in enumerate(product.category_ids)
    ]
