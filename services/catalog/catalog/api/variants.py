"""Variants over HTTP: each write is a write of its product."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated

from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    PRECONDITION_FAILED,
    Caller,
    Listing,
    Paging,
    Router,
    anyone,
    current_service,
    idempotency,
    invalid,
    paging,
    problems,
    replayed,
    request_context,
    right,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Query, Request, Response

from catalog.api.answers import VariantAnswer, variant_answer
from catalog.api.bodies import Sku, VariantNew, VariantPatch
from catalog.api.replies import (
    Id,
    IdOrSlug,
    answers_of,
    as_json,
    check_if_match,
    currency_of,
    is_staff,
    missing,
    public,
    reply,
)
from catalog.cache import Answers, Ready
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
    responses=problems(NOT_FOUND),
)
async def list_variants(
    request: Request,
    key: IdOrSlug,
    page: Paging = Depends(paging()),
    caller: Caller = Depends(anyone),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    async def read() -> Ready:
        async with service.database.engine.connect() as sql:
            shown = await product_by_id_or_slug(sql, key)
        if shown is None or not _seen(shown, caller):
            raise missing("product")
        return _listed(request, page, _variants(shown, caller, service, lambda _: True))

    return reply(request, await read()) if is_staff(caller) else await public(request, answers, read)


@router.get(
    "/variants",
    operation_id="find_variants",
    summary="Find variants by SKU",
    response_model=Listing[VariantAnswer],
)
async def find_variants(
    request: Request,
    sku: Annotated[list[Sku], Query(min_length=1, max_length=100)],
    page: Paging = Depends(paging()),
    caller: Caller = Depends(anyone),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    async def read() -> Ready:
        async with service.database.engine.connect() as sql:
            found = await products_by_skus(sql, list(dict.fromkeys(sku)))
        items = [
            each
            for shown in found
            if _seen(shown, caller)
            for each in _variants(shown, caller, service, lambda variant: variant.sku in sku)
        ]
        return _listed(request, page, items)

    return reply(request, await read()) if is_staff(caller) else await public(request, answers, read)


@router.get(
    "/variants/{variant_id}",
    operation_id="get_variant",
    summary="One variant",
    response_model=VariantAnswer,
    responses=problems(NOT_FOUND),
)
async def get_variant(
    request: Request,
    variant_id: Id,
    caller: Caller = Depends(anyone),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    if is_staff(caller):
        return reply(request, await _read(service, variant_id, caller))
    return await public(request, answers, lambda: _read(service, variant_id, caller))


@router.post(
    "/products/{key}/variants",
    operation_id="create_variant",
    summary="Add a variant to a product",
    description="201 once the inventory holds `initial_stock`; 202 when it does not within 5 s: it will.",
    status_code=201,
    response_model=VariantAnswer,
    responses={202: {"model": VariantAnswer}, **problems(NOT_FOUND, SKU_TAKEN, TOO_MANY_VARIANTS)},
)
async def create_variant(
    request: Request,
    key: IdOrSlug,
    body: VariantNew,
    caller: Caller = Depends(right("catalog:write")),
    once: Once | None = Depends(idempotency()),
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    variant = new_variant(service, body)
    async with service.unit(context, once and once.for_(variant.id)) as unit:
        if unit.replayed is None:
            before = await lock_product(unit.sql, key)
            if before is None:
                raise missing("product")
            after = before.product.with_variant(variant)
            _check_options(after)
            await save_product(unit, before, after, unit.now, currency_of(service))
    made = unit.replayed or variant.id
    answers.drop()
    async with service.database.engine.connect() as sql:
        shown = await product_of_variant(sql, made)
    held = shown is None or await hand_over(service, [shown.product.variant(made)], context)
    answers.drop()
    ready = await _read(service, made, caller)
    response = reply(request, ready, 201 if held else 202, f"/api/v1/variants/{made}")
    if unit.replayed:
        replayed(response)
    return response


@router.patch(
    "/variants/{variant_id}",
    operation_id="change_variant",
    summary="Change a variant's options, price, or whether it is sold",
    response_model=VariantAnswer,
    responses=problems(NOT_FOUND, PRECONDITION_FAILED),
)
async def change_variant(
    request: Request,
    variant_id: Id,
    body: VariantPatch,
    caller: Caller = Depends(right("catalog:write")),
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    given = body.given()
    if body.price is not None:
        given["price"] = body.price.minor(currency_of(service), "/price")
    async with service.unit(context) as unit:
        before = await lock_product(unit.sql, variant_id, of_variant=True)
        if before is None:
            raise missing("variant")
        check_if_match(request, before.sequence)
        after = before.product.with_variant(replace(before.product.variant(variant_id), **given))
        _check_options(after)
        await save_product(unit, before, after, unit.now, currency_of(service))
    answers.drop()
    return reply(request, await _read(service, variant_id, caller))


@router.delete(
    "/variants/{variant_id}",
    operation_id="delete_variant",
    summary="Take a variant off its product",
    status_code=204,
    response_class=Response,
    responses=problems(NOT_FOUND, LAST_VARIANT, PRECONDITION_FAILED),
    dependencies=[Depends(right("catalog:write"))],
)
async def delete_variant(
    request: Request,
    variant_id: Id,
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    async with service.unit(context) as unit:
        before = await lock_product(unit.sql, variant_id, of_variant=True)
        if before is None:
            raise missing("variant")
        check_if_match(request, before.sequence)
        after = before.product.without_variant(variant_id)
        await save_product(unit, before, after, unit.now, currency_of(service))
    answers.drop()
    return Response(status_code=204)


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


def _seen(shown: Shown, caller: Caller) -> bool:
    return shown.product.status is Status.active or is_staff(caller)


def _variants(
    shown: Shown, caller: Caller, service: Service, wanted: Callable[[Variant], bool]
) -> Sequence[VariantAnswer]:
    currency = currency_of(service)
    return [
        variant_answer(shown, each, currency)
        for each in shown.product.variants
        if wanted(each) and (each.active or is_staff(caller))
    ]


def _listed(request: Request, page: Paging, items: Sequence[VariantAnswer]) -> Ready:
    part = items[page.offset : page.offset + page.limit]
    return Ready.of(as_json(page.answer(part, len(items), request)))


async def _read(service: Service, variant_id: str, caller: Caller) -> Ready:
    async with service.database.engine.connect() as sql:
        shown = await product_of_variant(sql, variant_id)
    if shown is None or not _seen(shown, caller):
        raise missing("variant")
    variant = shown.product.variant(variant_id)
    if not (variant.active or is_staff(caller)):
        raise missing("variant")
    return Ready.of(as_json(variant_answer(shown, variant, currency_of(service))), shown.sequence)
