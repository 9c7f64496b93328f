"""Products over HTTP."""

from typing import Annotated

from chassis.context import Context
from chassis.http import (
    FORBIDDEN,
    NOT_FOUND,
    PRECONDITION_FAILED,
    UNAUTHENTICATED,
    Caller,
    Listing,
    Money,
    Paging,
    Problem,
    Router,
    anyone,
    current_service,
    idempotency,
    invalid,
    ordering,
    paging,
    problems,
    replayed,
    request_context,
    right,
)
from chassis.http.auth import CHALLENGE
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Query, Request, Response

from catalog.api.answers import ProductAnswer, product_answer
from catalog.api.bodies import ONE_LINE, Brand, Key, ProductBody, ProductNew, ProductPatch
from catalog.api.product_input import changed, in_categories, new_product
from catalog.api.replies import (
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
from catalog.domain import Status
from catalog.listing import Filters, products_like
from catalog.refusals import SKU_TAKEN
from catalog.stock import hand_over
from catalog.views import lock_product, product_by_id_or_slug
from catalog.writing import insert_product, save_product

router = Router(prefix="/api/v1", tags=["Products"])

Order = list[tuple[str, bool]]
AMOUNT = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$"
Price = Annotated[str | None, Query(pattern=AMOUNT, description="In the shop's currency: `1250.00`.")]


async def filters(
    request: Request,
    caller: Caller = Depends(anyone),
    service: Service = Depends(current_service),
    category: Annotated[
        list[Key], Query(max_length=20, description="Id or slug; with all below it. Repeated: any of them.")
    ] = [],  # noqa: B006 - FastAPI copies defaults
    brand: Annotated[list[Brand], Query(max_length=20, description="Repeated: any of them.")] = [],  # noqa: B006
    min_price: Price = None,
    max_price: Price = None,
    search: Annotated[
        str | None,
        Query(min_length=1, max_length=200, pattern=ONE_LINE, description="Words or beginnings of words: all of them."),
    ] = None,
    in_stock: bool | None = None,
    featured: bool | None = None,
    status: Annotated[list[Status], Query(max_length=3, description="Staff only; `active` by default.")] = [],  # noqa: B006
) -> Filters:
    """The list's filters. 401 and 403 for other than active products without the right to write."""
    statuses = tuple(sorted({each.value for each in status})) or ("active",)
    if statuses != ("active",) and not is_staff(caller):
        who = "Only staff see products that are not active."
        raise Problem(FORBIDDEN, who) if caller.bearer else Problem(UNAUTHENTICATED, who, headers=CHALLENGE)
    return Filters(
        statuses=statuses,
        categories=tuple(category),
        brands=tuple(brand),
        min_price=_minor("min_price", min_price, service),
        max_price=_minor("max_price", max_price, service),
        search=search,
        in_stock=in_stock,
        featured=featured,
    )


@router.get(
    "/products",
    operation_id="list_products",
    summary="List, filter and search products",
    description="Ordered by relevance where `search` is given, else newest first, unless `ordering` says otherwise.",
    response_model=Listing[ProductAnswer],
    responses=problems(FORBIDDEN),
)
async def list_products(
    request: Request,
    wanted: Filters = Depends(filters),
    order: Order = Depends(ordering("price", "name", "created_at", "relevance", default="-created_at")),
    page: Paging = Depends(paging()),
    caller: Caller = Depends(anyone),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    if wanted.search is None and any(name == "relevance" for name, _ in order):
        raise invalid("/query/ordering", "relevance needs search")
    if wanted.search is not None and "ordering" not in request.query_params:
        order = [("relevance", False), ("id", False)]
    return await _list(request, wanted, order, page, caller, service, answers)


@router.get(
    "/products/featured",
    operation_id="list_featured_products",
    summary="The featured products, newest first",
    response_model=Listing[ProductAnswer],
)
async def featured_products(
    request: Request,
    page: Paging = Depends(paging()),
    caller: Caller = Depends(anyone),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    newest = [("created_at", True), ("id", True)]
    return await _list(request, Filters(featured=True), newest, page, caller, service, answers)


@router.get(
    "/products/{key}",
    operation_id="get_product",
    summary="One product with its variants",
    response_model=ProductAnswer,
    responses=problems(NOT_FOUND),
)
async def get_product(
    request: Request,
    key: IdOrSlug,
    caller: Caller = Depends(anyone),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    if is_staff(caller):
        return reply(request, await _read(service, key, staff=True))
    return await public(request, answers, lambda: _read(service, key, staff=False))


@router.post(
    "/products",
    operation_id="create_product",
    summary="Add a product",
    description="201 once the inventory holds `initial_stock`; 202 when it does not within 5 s: it will.",
    status_code=201,
    response_model=ProductAnswer,
    responses={202: {"model": ProductAnswer, "description": "Made; its stock follows"}, **problems(SKU_TAKEN)},
    dependencies=[Depends(right("catalog:write"))],
)
async def create_product(
    request: Request,
    body: ProductNew,
    once: Once | None = Depends(idempotency()),
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    product = new_product(service, body)
    async with service.unit(context, once and once.for_(product.id)) as unit:
        if unit.replayed is None:
            product = await in_categories(unit.sql, product, body)
            await insert_product(unit, product, unit.now, currency_of(service))
    made = unit.replayed or product.id
    async with service.database.engine.connect() as sql:
        shown = await product_by_id_or_slug(sql, made)
    held = shown is None or await hand_over(service, shown.product.variants, context)
    answers.drop()
    response = reply(request, await _read(service, made, staff=True), 201 if held else 202, f"/api/v1/products/{made}")
    if unit.replayed:
        replayed(response)
    return response


@router.put(
    "/products/{key}",
    operation_id="replace_product",
    summary="Change a product, by all its fields",
    response_model=ProductAnswer,
    responses=problems(NOT_FOUND, PRECONDITION_FAILED),
    dependencies=[Depends(right("catalog:write"))],
)
async def replace_product(
    request: Request,
    key: IdOrSlug,
    body: ProductBody,
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    return await _change(request, key, body, context, service, answers)


@router.patch(
    "/products/{key}",
    operation_id="change_product",
    summary="Change some of a product's fields",
    response_model=ProductAnswer,
    responses=problems(NOT_FOUND, PRECONDITION_FAILED),
    dependencies=[Depends(right("catalog:write"))],
)
async def change_product(
    request: Request,
    key: IdOrSlug,
    body: ProductPatch,
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    return await _change(request, key, body, context, service, answers)


@router.delete(
    "/products/{key}",
    operation_id="archive_product",
    summary="Archive a product: it is no longer shown or sold",
    status_code=204,
    response_class=Response,
    responses=problems(NOT_FOUND, PRECONDITION_FAILED),
    dependencies=[Depends(right("catalog:write"))],
)
async def archive_product(
    request: Request,
    key: IdOrSlug,
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    await _change(request, key, ProductPatch(status=Status.archived), context, service, answers)
    return Response(status_code=204)


async def _list(
    request: Request,
    wanted: Filters,
    order: Order,
    page: Paging,
    caller: Caller,
    service: Service,
    answers: Answers,
) -> Response:
    staff = is_staff(caller)

    async def read() -> Ready:
        async with service.database.engine.connect() as sql:
            found, total = await products_like(sql, wanted, order, page.limit, page.offset)
        items = [product_answer(each, currency_of(service), all_variants=staff) for each in found]
        return Ready.of(as_json(page.answer(items, total, request)))

    return reply(request, await read()) if staff else await public(request, answers, read)


async def _read(service: Service, key: str, *, staff: bool) -> Ready:
    async with service.database.engine.connect() as sql:
        shown = await product_by_id_or_slug(sql, key)
    if shown is None or not (staff or shown.product.status is Status.active):
        raise missing("product")
    return Ready.of(as_json(product_answer(shown, currency_of(service), all_variants=staff)), shown.sequence)


async def _change(
    request: Request,
    key: str,
    body: ProductBody | ProductPatch,
    context: Context,
    service: Service,
    answers: Answers,
) -> Response:
    currency = currency_of(service)
    async with service.unit(context) as unit:
        before = await lock_product(unit.sql, key)
        if before is None:
            raise missing("product")
        check_if_match(request, before.sequence)
        after = await in_categories(unit.sql, changed(before.product, body, currency), body)
        await save_product(unit, before, after, unit.now, currency)
    answers.drop()
    return reply(request, await _read(service, before.product.id, staff=True))


def _minor(name: str, amount: str | None, service: Service) -> int | None:
    if amount is None:
        return None
    currency = currency_of(service)
    try:
        return Money(amount=amount, currency=currency).minor(currency)
    except Problem as no:
        raise invalid(f"/query/{name}", no.errors[0][1]) from None
