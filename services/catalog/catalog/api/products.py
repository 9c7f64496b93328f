"""Products over HTTP."""

from chassis.http import (
    Router,
    idempotency,
    problems,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Response

from catalog import offers
from catalog.api.answers import ProductAnswer, product_answer
from catalog.api.asking import (
    MOVED,
    Asking,
    Editing,
    IdOrSlug,
    Renamed,
    as_json,
    asking,
    changing,
    currency_of,
    editing,
    missing,
)
from catalog.api.bodies import ProductBody, ProductNew, ProductPatch
from catalog.api.product_input import changed, in_categories, new_product
from catalog.cache import Ready
from catalog.domain import Status
from catalog.refusals import SKU_TAKEN
from catalog.slugs import slug_of_now
from catalog.stock import hand_over
from catalog.tables import product_slugs, products
from catalog.views import lock_product, product_by_id_or_slug
from catalog.writing import insert_product, save_product

router = Router(prefix="/api/v1", tags=["Products"])


@router.get(
    "/products/{key}",
    operation_id="get_product",
    summary="One product with its variants",
    response_model=ProductAnswer,
    responses=MOVED,
)
async def get_product(key: IdOrSlug, ask: Asking = Depends(asking)) -> Response:
    return await ask.seen(lambda: _read(ask.service, key, staff=ask.staff))


@router.post(
    "/products",
    operation_id="create_product",
    summary="Add a product",
    description="201 once the inventory holds `initial_stock`; 202 when it does not within 5 s: it will.",
    status_code=201,
    response_model=ProductAnswer,
    responses={202: {"model": ProductAnswer, "description": "Made; its stock follows"}, **problems(SKU_TAKEN)},
)
async def create_product(
    body: ProductNew,
    edit: Editing = Depends(editing),
    once: Once | None = Depends(idempotency()),
) -> Response:
    product = new_product(edit.service, body)
    async with edit.service.unit(edit.context, once and once.for_(product.id)) as unit:
        if unit.replayed is None:
            await offers.side_by_side(unit.sql)
            product = await in_categories(unit.sql, product, body)
            await insert_product(unit, product, unit.now, edit.currency)
    made = unit.replayed or product.id
    async with edit.sql() as sql:
        shown = await product_by_id_or_slug(sql, made)
    held = shown is None or await hand_over(edit.service, shown.product.variants, edit.context)
    edit.answers.drop()
    ready, again = await _read(edit.service, made, staff=True), unit.replayed is not None
    return edit.made(ready, f"/api/v1/products/{made}", again=again, status=201 if held else 202)


@router.put(
    "/products/{key}",
    operation_id="replace_product",
    summary="Change a product, by all its fields",
    response_model=ProductAnswer,
)
async def replace_product(key: IdOrSlug, body: ProductBody, edit: Editing = Depends(changing)) -> Response:
    return await _change(edit, key, body)


@router.patch(
    "/products/{key}",
    operation_id="change_product",
    summary="Change some of a product's fields",
    response_model=ProductAnswer,
)
async def change_product(key: IdOrSlug, body: ProductPatch, edit: Editing = Depends(changing)) -> Response:
    return await _change(edit, key, body)


@router.delete(
    "/products/{key}",
    operation_id="archive_product",
    summary="Archive a product: it is no longer shown or sold",
    status_code=204,
    response_class=Response,
)
async def archive_product(key: IdOrSlug, edit: Editing = Depends(changing)) -> Response:
    await _change(edit, key, ProductPatch(status=Status.archived))
    return Response(status_code=204)


async def _read(service: Service, key: str, *, staff: bool) -> Ready:
    async with service.database.engine.connect() as sql:
        shown = await product_by_id_or_slug(sql, key)
        renamed = None if shown else await slug_of_now(sql, products, product_slugs, key)
        if renamed:
            shown = await product_by_id_or_slug(sql, renamed)
    if shown is None or not (staff or shown.product.status is Status.active):
        raise missing("product")
    if renamed:
        raise Renamed(renamed)
    return Ready.of(
        as_json(product_answer(shown, currency_of(service), service.world.clock(), all_variants=staff)), shown.sequence
    )


async def _change(edit: Editing, key: str, body: ProductBody | ProductPatch) -> Response:
    async with edit.service.unit(edit.context) as unit:
        await offers.side_by_side(unit.sql)
        before = await lock_product(unit.sql, key)
        if before is None:
            raise missing("product")
        edit.known.check(before.sequence)
        after = await in_categories(unit.sql, changed(before.product, body, edit.currency), body)
        await save_product(unit, before, after, unit.now, edit.currency)
    edit.answers.drop()
    return edit.reply(await _read(edit.service, before.product.id, staff=True))
