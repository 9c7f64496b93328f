"""The tree of categories over HTTP."""

from typing import Annotated

from chassis.context import Context
from chassis.http import (
    NOT_FOUND,
    PRECONDITION_FAILED,
    Listing,
    Money,
    Paging,
    Router,
    anyone,
    current_service,
    idempotency,
    paging,
    problems,
    replayed,
    request_context,
    right,
)
from chassis.once import Once
from chassis.service import Service
from chassis.unit import Unit
from fastapi import Depends, Query, Request, Response

from catalog import categories
from catalog.api.answers import AveragePrice, CategoryAnswer, CategoryTree
from catalog.api.bodies import CategoryBody, CategoryPatch, Key
from catalog.api.replies import IdOrSlug, answers_of, as_json, check_if_match, currency_of, missing, public, reply
from catalog.cache import Answers, Ready
from catalog.refusals import CATEGORY_CYCLE, CATEGORY_IN_USE
from catalog.writing import category_ids

router = Router(prefix="/api/v1", tags=["Categories"])


@router.get(
    "/categories",
    operation_id="list_categories",
    summary="List categories by name",
    response_model=Listing[CategoryAnswer],
    dependencies=[Depends(anyone)],
)
async def list_categories(
    request: Request,
    parent: Annotated[Key | None, Query(description="Only those right below this one: id or slug.")] = None,
    page: Paging = Depends(paging()),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    async def read() -> Ready:
        async with service.database.engine.connect() as sql:
            rows, total = await categories.categories_page(sql, parent, page.limit, page.offset)
        items = [CategoryAnswer.model_validate(row) for row in rows]
        return Ready.of(as_json(page.answer(items, total, request)))

    return await public(request, answers, read)


@router.get(
    "/categories/tree",
    operation_id="get_category_tree",
    summary="All categories as a tree",
    response_model=CategoryTree,
    dependencies=[Depends(anyone)],
)
async def category_tree(
    request: Request,
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    async def read() -> Ready:
        async with service.database.engine.connect() as sql:
            return Ready.of(await categories.tree_json(sql))

    return await public(request, answers, read)


@router.get(
    "/categories/{key}",
    operation_id="get_category",
    summary="One category",
    response_model=CategoryAnswer,
    responses=problems(NOT_FOUND),
    dependencies=[Depends(anyone)],
)
async def get_category(
    request: Request,
    key: IdOrSlug,
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    return await public(request, answers, lambda: _read(service, key))


@router.get(
    "/categories/{key}/average-price",
    operation_id="get_average_price",
    summary="The average price of the active products in a category and all below",
    response_model=AveragePrice,
    responses=problems(NOT_FOUND),
    dependencies=[Depends(anyone)],
)
async def average_price(
    request: Request,
    key: IdOrSlug,
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    currency = currency_of(service)

    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money.of(minor, currency)

    async def read() -> Ready:
        async with service.database.engine.connect() as sql:
            row = await categories.category_by_id_or_slug(sql, key)
            if row is None:
                raise missing("category")
            prices = await categories.prices_below(sql, row.id)
        return Ready.of(
            as_json(
                AveragePrice(
                    average=money(prices.average),
                    lowest=money(prices.lowest),
                    highest=money(prices.highest),
                    product_count=prices.count,
                )
            )
        )

    return await public(request, answers, read)


@router.post(
    "/categories",
    operation_id="create_category",
    summary="Add a category",
    status_code=201,
    response_model=CategoryAnswer,
    dependencies=[Depends(right("catalog:write"))],
)
async def create_category(
    request: Request,
    body: CategoryBody,
    once: Once | None = Depends(idempotency()),
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    id_ = service.world.ids()
    async with service.unit(context, once and once.for_(id_)) as unit:
        if unit.replayed is None:
            await categories.create_category(unit, id_, body.name, await _parent(unit, body.parent_id), unit.now)
    answers.drop()
    made = unit.replayed or id_
    response = reply(request, await _read(service, made), 201, f"/api/v1/categories/{made}")
    if unit.replayed:
        replayed(response)
    return response


@router.put(
    "/categories/{key}",
    operation_id="replace_category",
    summary="Rename or move a category, by all its fields",
    response_model=CategoryAnswer,
    responses=problems(NOT_FOUND, CATEGORY_CYCLE, PRECONDITION_FAILED),
    dependencies=[Depends(right("catalog:write"))],
)
async def replace_category(
    request: Request,
    key: IdOrSlug,
    body: CategoryBody,
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    patch = CategoryPatch(name=body.name, parent_id=body.parent_id)
    return await change_category(request, key, patch, context, service, answers)


@router.patch(
    "/categories/{key}",
    operation_id="change_category",
    summary="Rename or move a category",
    response_model=CategoryAnswer,
    responses=problems(NOT_FOUND, CATEGORY_CYCLE, PRECONDITION_FAILED),
    dependencies=[Depends(right("catalog:write"))],
)
async def change_category(
    request: Request,
    key: IdOrSlug,
    body: CategoryPatch,
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    given = body.given()
    async with service.unit(context) as unit:
        await unit.sql.execute(categories.LOCK_TREE)
        before = await categories.category_by_id_or_slug(unit.sql, key, lock=True)
        if before is None:
            raise missing("category")
        check_if_match(request, before.sequence)
        parent_id = await _parent(unit, given["parent_id"]) if "parent_id" in given else before.parent_id
        await categories.change_category(unit, before, given.get("name", before.name), parent_id, unit.now)
    answers.drop()
    return reply(request, await _read(service, before.id))


@router.delete(
    "/categories/{key}",
    operation_id="delete_category",
    summary="Delete a category that nothing stands in",
    status_code=204,
    response_class=Response,
    responses=problems(NOT_FOUND, CATEGORY_IN_USE, PRECONDITION_FAILED),
    dependencies=[Depends(right("catalog:write"))],
)
async def delete_category(
    request: Request,
    key: IdOrSlug,
    context: Context = Depends(request_context),
    service: Service = Depends(current_service),
    answers: Answers = Depends(answers_of),
) -> Response:
    async with service.unit(context) as unit:
        before = await categories.category_by_id_or_slug(unit.sql, key, lock=True)
        if before is None:
            raise missing("category")
        check_if_match(request, before.sequence)
        await categories.delete_category(unit, before)
    answers.drop()
    return Response(status_code=204)


async def _parent(unit: Unit, key: str | None) -> str | None:
    if key is None:
        return None
    (parent,) = await category_ids(unit.sql, [key], ["/parent_id"])
    return parent


async def _read(service: Service, key: str) -> Ready:
    async with service.database.engine.connect() as sql:
        row = await categories.category_by_id_or_slug(sql, key)
    if row is None:
        raise missing("category")
    return Ready.of(as_json(CategoryAnswer.model_validate(row)), row.sequence)
