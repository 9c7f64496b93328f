"""Reading products and categories as they are, many in one query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.domain import Product, Sale, Status, Variant

PRODUCTS = """
SELECT p.id, p.slug, p.name, p.description, p.brand, p.status, p.featured, p.price, p.attributes::text AS attributes,
    p.sequence, p.created_at, p.updated_at, p.rating, p.review_count,
    (SELECT coalesce(json_agg(json_build_object(
            'id', v.id, 'sku', v.sku, 'options', v.options, 'price', v.price, 'active', v.active,
            'initial_stock', v.initial_stock, 'available', s.available, 'backorderable', s.backorderable)
            ORDER BY v.position, v.id), '[]')::text
        FROM variants v LEFT JOIN stock s USING (sku) WHERE v.product_id = p.id) AS variants,
    (SELECT coalesce(json_agg(json_build_object(
            'id', c.id, 'slug', c.slug, 'name', c.name) ORDER BY pc.position), '[]')::text
        FROM product_categories pc JOIN categories c ON c.id = pc.category_id
        WHERE pc.product_id = p.id) AS categories,
    (SELECT coalesce(json_agg(json_build_array(o.starts_at, o.ends_at, o.percent) ORDER BY o.starts_at), '[]')::text
        FROM offers o WHERE o.product_id = p.id AND o.percent IS NOT NULL) AS sales,
    (SELECT coalesce(json_agg(json_build_array(i.id, i.alt, i.position, i.variant_id, i.width, i.height, i.file)
            ORDER BY i.position, i.id), '[]')::text
        FROM images i WHERE i.product_id = p.id) AS images
FROM products p
"""
BY_IDS = text(PRODUCTS + "WHERE p.id = ANY(:ids)")
BY_ID_OR_SLUG = text(PRODUCTS + "WHERE p.id = :key OR p.slug = :key ORDER BY p.id = :key DESC LIMIT 1")
BY_VARIANT = text(PRODUCTS + "WHERE p.id = (SELECT product_id FROM variants WHERE id = :key)")
BY_SKUS = text(PRODUCTS + "WHERE p.id IN (SELECT product_id FROM variants WHERE sku = ANY(:skus)) ORDER BY p.id")

LOCK_PRODUCT = text("SELECT id FROM products WHERE id = :key OR slug = :key ORDER BY id = :key DESC LIMIT 1 FOR UPDATE")
LOCK_OF_VARIANT = text(
    "SELECT id FROM products WHERE id = (SELECT product_id FROM variants WHERE id = :key) FOR UPDATE"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A category as a product shows it."""

    id: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a product shows it."""

    id: str
    alt: str
    position: int
    variant_id: str | None
    width: int
    height: int
    file: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A product with what stands around it: its categories' names, its pictures, and the units heard of by SKU.

    ``available`` are there; ``backorderable`` can be ordered besides, and come later.
    """

    product: Product
    sequence: int
    created_at: datetime
    updated_at: datetime
    categories: tuple[Place, ...]
    available: Mapping[str, int]
    backorderable: Mapping[str, int]
    rating: float | None
    review_count: int
    images: tuple[Picture, ...] = ()

    def in_stock(self, variant: Variant) -> bool:
        """Whether a unit of this variant was for sale, there or not yet, when the inventory last said."""
        return variant.active and self.available[variant.sku] + self.backorderable[variant.sku] > 0

    def backorder(self, variant: Variant) -> bool:
        """Whether it can be ordered though there is none of it."""
        return self.in_stock(variant) and self.available[variant.sku] == 0


async def products_by_ids(sql: AsyncConnection, ids: Sequence[str]) -> list[Shown]:
    """These products in this order; ids that are not there are left out."""
    found = {row.id: _shown(row) for row in await sql.execute(BY_IDS, {"ids": list(ids)})} if ids else {}
    return [found[each] for each in ids if each in found]


async def product_by_id_or_slug(sql: AsyncConnection, key: str) -> Shown | None:
    """One product."""
    return _one((await sql.execute(BY_ID_OR_SLUG, {"key": key})).first())


async def product_of_variant(sql: AsyncConnection, variant_id: str) -> Shown | None:
    """The product that has this variant."""
    return _one((await sql.execute(BY_VARIANT, {"key": variant_id})).first())


async def products_by_skus(sql: AsyncConnection, skus: Sequence[str]) -> list[Shown]:
    """The products that have a variant with one of these SKUs."""
    return [_shown(row) for row in await sql.execute(BY_SKUS, {"skus": list(skus)})] if skus else []


async def lock_product(sql: AsyncConnection, key: str, *, of_variant: bool = False) -> Shown | None:
    """One product, by id or slug or its variant's id, that nobody else changes until this transaction ends.

    The row is locked first and read after, so that what is read is what the last writer left.
    """
    locked = await sql.scalar(LOCK_OF_VARIANT if of_variant else LOCK_PRODUCT, {"key": key})
    return await product_by_id_or_slug(sql, locked) if locked else None


def _one(row: Row[Any] | None) -> Shown | None:
    return None if row is None else _shown(row)


def _shown(row: Row[Any]) -> Shown:
    variants = orjson.loads(row.variants)
    places = tuple(Place(**each) for each in orjson.loads(row.categories))
    return Shown(
        product=Product(
            id=row.id,
            slug=row.slug,
            name=row.name,
            description=row.description,
            brand=row.brand,
            status=Status(row.status),
            featured=row.featured,
            price=row.price,
            attributes=orjson.loads(row.attributes),
            category_ids=tuple(place.id for place in places),
            variants=tuple(
                Variant(each["id"], each["sku"], each["options"], each["price"], each["active"], each["initial_stock"])
                for each in variants
            ),
            sales=tuple(
                Sale(datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at), percent)
                for starts_at, ends_at, percent in orjson.loads(row.sales)
            ),
        ),
        sequence=row.sequence,
        created_at=row.created_at,
        updated_at=row.updated_at,
        categories=places,
        available={each["sku"]: each["available"] or 0 for each in variants},
        backorderable={each["sku"]: each["backorderable"] or 0 for each in variants},
        rating=None if row.rating is None else float(row.rating),
        review_count=row.review_count,
        images=tuple(Picture(*each) for each in orjson.loads(row.images)),
    )
