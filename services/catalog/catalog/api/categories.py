"""The tree of categories over HTTP."""

from typing import Annotated, Any

from chassis.http import NOT_FOUND, Listing, Money, Paging, Router, idempotency, paging, problems
from chassis.once import Once
from chassis.service import Service
from chassis.unit import Unit
from fastapi import Depends, Query, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog import categories, tables
from catalog.api.answers import AveragePrice, CategoryAnswer, CategoryTree
from catalog.api.asking import (
    MOVED,
    Asking,
    Editing,
    IdOrSlug,
    Renamed,
    as_json,
    asking,
    changing,
    editing,
    missing,
)
from catalog.api.bodies import CategoryBody, CategoryPatch, Key
from catalog.cache import Ready
from catalog.refusals import CATEGORY_CYCLE, CATEGORY_IN_USE
from catalog.slugs import slug_of_now
from catalog.tables import category_slugs
from catalog.writing import category_ids

router = Router(prefix="/api/v1", tags=["Categories"])


@router.get(
    "/categories",
    operation_id="list_categories",
    summary="List categories by name",
    response_model=Listing[CategoryAnswer],
)
async def list_categories(
    parent: Annotated[Key | None, Query(description="Only those right below this one: id or slug.")] = None,
    page: Paging = Depends(paging()),
    ask: Asking = Depends(asking),
) -> Response:
    async def read() -> Ready:
        async with ask.sql() as sql:
            rows, total = await categories.categories_page(sql, parent, page.limit, page.offset)
        items = [CategoryAnswer.model_validate(row) for row in rows]
        return Ready.of(as_json(page.answer(items, total, ask.request)))

    return await ask.public(read)


@router.get(
    "/categories/tree",
    operation_id="get_category_tree",
    summary="All categories as a tree",
    response_model=CategoryTree,
)
async def get_category_tree(ask: Asking = Depends(asking)) -> Response:
    async def read() -> Ready:
        async with ask.sql() as sql:
            return Ready.of(await categories.tree_json(sql))

    return await ask.public(read)


@router.get(
    "/categories/{key}",
    operation_id="get_category",
    summary="One category",
    response_model=CategoryAnswer,
    responses=MOVED,
)
async def get_category(key: IdOrSlug, ask: Asking = Depends(asking)) -> Response:
    return await ask.public(lambda: _read(ask.service, key))


@router.get(
    "/categories/{key}/average-price",
    operation_id="get_average_price",
    summary="The average price of the active products in a category and all below",
    response_model=AveragePrice,
    responses=MOVED,
)
async def get_average_price(key: IdOrSlug, ask: Asking = Depends(asking)) -> Response:
    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money.of(minor, ask.currency)

    async def read() -> Ready:
        async with ask.sql() as sql:
            row = await _found(sql, key)
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

    return await ask.public(read)


@router.post(
    "/categories",
    operation_id="create_category",
    summary="Add a category",
    status_code=201,
    response_model=CategoryAnswer,
    responses=problems(NOT_FOUND),
)
async def create_category(
    body: CategoryBody,
    edit: Editing = Depends(editing),
    once: Once | None = Depends(idempotency()),
) -> Response:
    id_ = edit.service.world.ids()
    async with edit.service.unit(edit.context, once and once.for_(id_)) as unit:
        if unit.replayed is None:
            await categories.create_category(unit, id_, body.name, await _parent(unit, body.parent_id), unit.now)
    edit.answers.drop()
    made = unit.replayed or id_
    return edit.made(await _read(edit.service, made), f"/api/v1/categories/{made}", again=unit.replayed is not None)


@router.put(
    "/categories/{key}",
    operation_id="replace_category",
    summary="Rename or move a category, by all its fields",
    response_model=CategoryAnswer,
    responses=problems(CATEGORY_CYCLE),
)
async def replace_category(key: IdOrSlug, body: CategoryBody, edit: Editing = Depends(changing)) -> Response:
    return await change_category(key, CategoryPatch(name=body.name, parent_id=body.parent_id), edit)


@router.patch(
    "/categories/{key}",
    operation_id="change_category",
    summary="Rename or move a category",
    response_model=CategoryAnswer,
    responses=problems(CATEGORY_CYCLE),
)
async def change_category(key: IdOrSlug, body: CategoryPatch, edit: Editing = Depends(changing)) -> Response:
    given = body.given()
    async with edit.service.unit(edit.context) as unit:
        await categories.lock_tree(unit.sql)
        before = await categories.category_by_id_or_slug(unit.sql, key, lock=True)
        if before is None:
            raise missing("category")
        edit.known.check(before.sequence)
        parent_id = await _parent(unit, given["parent_id"]) if "parent_id" in given else before.parent_id
        await categories.change_category(unit, before, given.get("name", before.name), parent_id, unit.now)
    edit.answers.drop()
    return edit.reply(await _read(edit.service, before.id))


@router.delete(
    "/categories/{key}",
    operation_id="delete_category",
    summary="Delete a category that nothing stands in",
    status_code=204,
    response_class=Response,
    responses=problems(CATEGORY_IN_USE),
)
async def delete_category(key: IdOrSlug, edit: Editing = Depends(changing)) -> Response:
    async with edit.service.unit(edit.context) as unit:
        before = await categories.category_by_id_or_slug(unit.sql, key, lock=True)
        if before is None:
            raise missing("category")
        edit.known.check(before.sequence)
        await categories.delete_category(unit, before)
    edit.answers.drop()
    return Response(status_code=204)


async def _parent(unit: Unit, key: str | None) -> str | None:
    if key is None:
        return None
    (parent,) = await category_ids(unit.sql, [key], ["/parent_id"])
    return parent


async def _found(sql: AsyncConnection, key: str) -> Row[Any]:
    row = await categories.category_by_id_or_slug(sql, key)
    if row is None:
        renamed = await slug_of_now(sql, tables.categories, category_slugs, key)
        raise Renamed(renamed) if renamed else missing("category")
    return row


async def _read(service: Service, key: str) -> Ready:
    async with service.database.engine.connect() as sql:
        row = await _found(sql, key)
    return Ready.of(as_json(CategoryAnswer.model_validate(row)), row.sequence)
