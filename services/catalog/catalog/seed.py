"""The demo shop's categories and products."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chassis.context import Context
from chassis.http.money import digits
from chassis.service import Service
from chassis.unit import Unit
from soko_contracts import catalog as public
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.categories import tell
from catalog.copying import copy_rows
from catalog.demo_products import Sample, demo_products
from catalog.domain import Product, Variant
from catalog.images import image_row, keep_files
from catalog.offers import alone, side_by_side
from catalog.seed_opinions import open_sales, say_opinions
from catalog.seed_pictures import Drawn
from catalog.seed_words import TREE
from catalog.slugs import first_free, slug_of
from catalog.tables import categories, category_slugs, images, product_slugs, variants
from catalog.writing import insert_products

BATCH = 100
"""Products a transaction."""

Progress = Callable[[int, int], None]
Path = tuple[str, ...]


async def seed(service: Service, products: int = 1000, progress: Progress | None = None) -> int:
    """See that the first ``products`` demo products are there, by their SKUs; how many had to be made.

    The same number always makes the same products, so more can be asked for later. ``progress`` is told how many are
    done and how many there will be. Raises ``RuntimeError`` in a shop with real customers.
    """
    if service.settings.strict:
        raise RuntimeError(f"demo products are not for {service.settings.soko_env}")
    context = Context("seed", "seed", "seed")
    at = service.world.clock()
    async with service.unit(context) as unit:
        await alone(unit.sql)
        places = await _categories(unit, at)
        await open_sales(unit, {slug_of(path[-1], "category"): id_ for path, id_ in places.items()})
    samples = list(demo_products(products))
    made, drawn = 0, Drawn()
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH]
        # Kept before there is a product that shows them, so that a product is there with its pictures or not at all.
        async with service.database.engine.connect() as sql:
            there = await _there(sql, batch)
        await drawn.see_to(service, [each for each in batch if not there.intersection(_skus(each))])
        async with service.unit(context) as unit:
            await side_by_side(unit.sql)
            made += await _products(unit, batch, start, places, at, drawn)
        if progress is not None:
            progress(min(start + BATCH, len(samples)), len(samples))
    service.app.state.answers.drop()
    return made


async def _categories(unit: Unit, at: datetime) -> Mapping[Path, str]:
    """The ids of the demo categories by their path; those that are missing are made, a level at a time."""
    ids: dict[Path, str] = {}
    for level in (1, 2, 3):
        paths = [path for path in _paths() if len(path) == level]
        rows: list[dict[str, Any]] = [
            {
                "id": unit.service.world.ids(),
                "parent_id": ids.get(path[:-1]),
                "slug": slug_of(path[-1], "category"),
                "name": path[-1],
                "sequence": 1,
                "created_at": at,
                "updated_at": at,
            }
            for path in paths
        ]
        put = insert(categories).values(rows).on_conflict_do_nothing(index_elements=[categories.c.slug])
        new = set(await unit.sql.scalars(put.returning(categories.c.id)))
        made = [{"slug": row["slug"], "category_id": row["id"]} for row in rows if row["id"] in new]
        if made:
            await unit.sql.execute(insert(category_slugs).values(made))
        for row in rows:
            if row["id"] in new:
                tell(unit, public.CategoryCreated, 1, row["id"], row["parent_id"], row["slug"], row["name"])
        slugs = [row["slug"] for row in rows]
        found = await unit.sql.execute(select(categories.c.slug, categories.c.id).where(categories.c.slug.in_(slugs)))
        by_slug: dict[str, str] = {slug: id_ for slug, id_ in found}  # noqa: C416 - mypy knows rows, not dict(rows)
        ids.update({path: by_slug[row["slug"]] for path, row in zip(paths, rows, strict=True)})
    return ids


def _paths() -> Iterator[Path]:
    for top, middles in TREE.items():
        yield (top,)
        for middle, leaves in middles.items():
            yield (top, middle)
            yield from ((top, middle, leaf) for leaf in leaves)


def _skus(sample: Sample) -> list[str]:
    return [each.sku for each in sample.variants]


async def _there(sql: AsyncConnection, samples: Sequence[Sample]) -> set[str]:
    skus = [sku for sample in samples for sku in _skus(sample)]
    return set(await sql.scalars(select(variants.c.sku).where(variants.c.sku.in_(skus))))


async def _products(
    unit: Unit, samples: Sequence[Sample], start: int, places: Mapping[Path, str], at: datetime, drawn: Drawn
) -> int:
    there = await _there(unit.sql, samples)
    bases = [slug_of(sample.name, "product") for sample in samples]
    taken = set(await unit.sql.scalars(select(product_slugs.c.slug).where(product_slugs.c.slug.in_(bases))))
    made, numbers, shown = list[tuple[Product, datetime]](), dict[int, str](), list[dict[str, Any]]()
    for number, (sample, base) in enumerate(zip(samples, bases, strict=True), start):
        if there.intersection(_skus(sample)):
            continue
        slug = first_free(base, taken)
        taken.add(slug)
        product = _product(unit.service, sample, slug, places[sample.category])
        # The shop was not filled in one moment: the first is the newest.
        made.append((product, at - timedelta(minutes=number)))
        numbers[number] = product.id
        for place, row in enumerate(drawn.rows(unit.service, sample, product)):
            shown.append(image_row(row, place, at))
    if made:
        await insert_products(unit, made, unit.service.settings.shop_currency)
        await keep_files(unit, sorted({row["file"] for row in shown}))
        await copy_rows(unit.sql, images, shown)
        await say_opinions(unit, numbers)
    return len(made)


def _product(service: Service, sample: Sample, slug: str, category_id: str) -> Product:
    unit_of_money = 10 ** digits(service.settings.shop_currency)
    return Product(
        id=service.world.ids(),
        slug=slug,
        name=sample.name,
        price=sample.price * unit_of_money,
        category_ids=(category_id,),
        variants=tuple(
            Variant(
                id=service.world.ids(),
                sku=each.sku,
                options=each.options,
                price=None if each.price is None else each.price * unit_of_money,
                initial_stock=each.stock,
            )
            for each in sample.variants
        ),
        description=sample.description,
        brand=sample.brand,
        featured=sample.featured,
        attributes=sample.attributes,
    )
