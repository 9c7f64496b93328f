"""Variants over HTTP: each write is a write of its product."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated

from chassis.http import Listing, Paging, Router, idempotency, invalid, paging, problems
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Query, Response

from catalog.api.answers import VariantAnswer, variant_answer
from catalog.api.asking import Asking, Editing, Id, IdOrSlug, as_json, asking, changing, currency_of, editing, missing
from catalog.api.bodies import Sku, VariantNew, VariantPatch
from catalog.cache import Ready
from catalog.domain import Product, Status, Variant, wrong_options
from catalog.refusals import LAST_VARIANT, SKU_TAKEN, TOO_MANY_VARIANTS
from catalog.stock import hand_over
from catalog.views import Shown, lock_product, product_by_id_or_slug, product_of_variant, products_by_skus
from catalog.writing import save_product

router = Router(prefix="/api/v1", tags=["Variants"])


@router.get(
    "/products/{key}/variants",
    operation_id="list_variants",
    summary="A product's variants",
    response_model=Listing[VariantAnswer],
)
async def list_variants(key: IdOrSlug, page: Paging = Depends(paging()), ask: Asking = Depends(asking)) -> Response:
    async def read() -> Ready:
        async with ask.sql() as sql:
            shown = await product_by_id_or_slug(sql, key)
        if shown is None or not _seen(shown, ask):
            raise missing("product")
        return _listed(ask, page, _variants(shown, ask, lambda _: True))

    return await ask.seen(read)


@router.get(
    "/variants",
    operation_id="find_variants",
    summary="Find variants by SKU",
    response_model=Listing[VariantAnswer],
)
async def find_variants(
    sku: Annotated[list[Sku], Query(min_length=1, max_length=100)],
    page: Paging = Depends(paging()),
    ask: Asking = Depends(asking),
) -> Response:
    async def read() -> Ready:
        async with ask.sql() as sql:
            found = await products_by_skus(sql, list(dict.fromkeys(sku)))
        items = [
            each
            for shown in found
            if _seen(shown, ask)
            for each in _variants(shown, ask, lambda variant: variant.sku in sku)
        ]
        return _listed(ask, page, items)

    return await ask.seen(read)


@router.get(
    "/variants/{variant_id}",
    operation_id="get_variant",
    summary="One variant",
    response_model=VariantAnswer,
)
async def get_variant(variant_id: Id, ask: Asking = Depends(asking)) -> Response:
    return await ask.seen(lambda: _read(ask, variant_id))


@router.post(
    "/products/{key}/variants",
    operation_id="create_variant",
    summary="Add a variant to a product",
    description="201 once the inventory holds `initial_stock`; 202 when it does not within 5 s: it will.",
    status_code=201,
    response_model=VariantAnswer,
    responses={202: {"model": VariantAnswer}, **problems(SKU_TAKEN, TOO_MANY_VARIANTS)},
)
async def create_variant(
    key: IdOrSlug,
    body: VariantNew,
    edit: Editing = Depends(editing),
    once: Once | None = Depends(idempotency()),
) -> Response:
    variant = new_variant(edit.service, body)
    async with edit.service.unit(edit.context, once and once.for_(variant.id)) as unit:
        if unit.replayed is None:
            before = await lock_product(unit.sql, key)
            if before is None:
                raise missing("product")
            after = before.product.with_variant(variant)
            _check_options(after)
            await save_product(unit, before, after, unit.now, edit.currency)
    made = unit.replayed or variant.id
    edit.answers.drop()
    async with edit.sql() as sql:
        shown = await product_of_variant(sql, made)
    held = shown is None or await hand_over(edit.service, [shown.product.variant(made)], edit.context)
    edit.answers.drop()
    ready, again = await _read(edit, made), unit.replayed is not None
    return edit.made(ready, f"/api/v1/variants/{made}", again=again, status=201 if held else 202)


@router.patch(
    "/variants/{variant_id}",
    operation_id="change_variant",
    summary="Change a variant's options, price, or whether it is sold",
    response_model=VariantAnswer,
)
async def change_variant(variant_id: Id, body: VariantPatch, edit: Editing = Depends(changing)) -> Response:
    given = body.given()
    if body.price is not None:
        given["price"] = body.price.minor(edit.currency, "/price")

    def change(product: Product) -> Product:
        after = product.with_variant(replace(product.variant(variant_id), **given))
        _check_options(after)
        return after

    await _change(edit, variant_id, change)
    return edit.reply(await _read(edit, variant_id))


@router.delete(
    "/variants/{variant_id}",
    operation_id="delete_variant",
    summary="Take a variant off its product",
    status_code=204,
    response_class=Response,
    responses=problems(LAST_VARIANT),
)
async def delete_variant(variant_id: Id, edit: Editing = Depends(changing)) -> Response:
    await _change(edit, variant_id, lambda product: product.without_variant(variant_id))
    return Response(status_code=204)


async def _change(edit: Editing, variant_id: str, change: Callable[[Product], Product]) -> None:
    async with edit.service.unit(edit.context) as unit:
        before = await lock_product(unit.sql, variant_id, of_variant=True)
        if before is None:
            raise missing("variant")
        edit.known.check(before.sequence)
        await save_product(unit, before, change(before.product), unit.now, edit.currency)
    edit.answers.drop()


def new_variant(service: Service, body: VariantNew, pointer: str = "") -> Variant:
    """What ``body`` asks for, with a fresh id; 422 below ``pointer`` for a price that cannot be."""
    return Variant(
        id=service.world.ids(),
        sku=body.sku,
        options=body.options,
        price=None if body.price is None else body.price.minor(currency_of(service), f"{pointer}/price"),
        active=body.active,
        initial_stock=body.initial_stock,
    )


def _check_options(product: Product) -> None:
    if wrong := wrong_options([each.options for each in product.variants]):
        raise invalid("/options", wrong[1])


def _seen(shown: Shown, ask: Asking) -> bool:
    return shown.product.status is Status.active or ask.staff


def _variants(shown: Shown, ask: Asking, wanted: Callable[[Variant], bool]) -> Sequence[VariantAnswer]:
    now = ask.service.world.clock()
    return [
        variant_answer(shown, each, ask.currency, now)
        for each in shown.product.variants
        if wanted(each) and (each.active or ask.staff)
    ]


def _listed(ask: Asking, page: Paging, items: Sequence[VariantAnswer]) -> Ready:
    part = items[page.offset : page.offset + page.limit]
    return Ready.of(as_json(page.answer(part, len(items), ask.request)))


async def _read(ask: Asking, variant_id: str) -> Ready:
    async with ask.sql() as sql:
        shown = await product_of_variant(sql, variant_id)
    if shown is None or not _seen(shown, ask):
        raise missing("variant")
    variant = shown.product.variant(variant_id)
    if not (variant.active or ask.staff):
        raise missing("variant")
    return Ready.of(as_json(variant_answer(shown, variant, ask.currency, ask.service.world.clock())), shown.sequence)
