"""Discounts over HTTP: for staff alone."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from chassis.http import NOT_FOUND, Listing, Paging, Router, idempotency, invalid, paging, problems
from chassis.http.problems import pointer
from chassis.once import Once
from chassis.service import Service
from chassis.unit import Unit
from fastapi import Depends, Response

from catalog import discounts, offers
from catalog.api.answers import DiscountAnswer, discount_answer
from catalog.api.asking import Editing, Id, as_json, changing, editing, missing
from catalog.api.bodies import DiscountNew, DiscountPatch
from catalog.cache import Ready
from catalog.discounts import Discount
from catalog.writing import category_ids, product_ids

router = Router(prefix="/api/v1", tags=["Discounts"])


@router.get(
    "/discounts",
    operation_id="list_discounts",
    summary="List discounts, the last to start first",
    response_model=Listing[DiscountAnswer],
)
async def list_discounts(
    running: bool | None = None, page: Paging = Depends(paging()), edit: Editing = Depends(editing)
) -> Response:
    now = edit.service.world.clock()
    async with edit.sql() as sql:
        found, total = await discounts.discounts_page(sql, running, now, page.limit, page.offset)
    items = [discount_answer(each, now) for each in found]
    return edit.reply(Ready.of(as_json(page.answer(items, total, edit.request))))


@router.get(
    "/discounts/{discount_id}",
    operation_id="get_discount",
    summary="One discount",
    response_model=DiscountAnswer,
)
async def get_discount(discount_id: Id, edit: Editing = Depends(editing)) -> Response:
    return edit.reply(await _read(edit.service, discount_id))


@router.post(
    "/discounts",
    operation_id="create_discount",
    summary="Put products, or categories with all below, on sale",
    description="Of several discounts on one product the highest counts. It begins and ends by the clock.",
    status_code=201,
    response_model=DiscountAnswer,
    responses=problems(NOT_FOUND),
)
async def create_discount(
    body: DiscountNew, edit: Editing = Depends(editing), once: Once | None = Depends(idempotency())
) -> Response:
    id_ = edit.service.world.ids()
    async with edit.service.unit(edit.context, once and once.for_(id_)) as unit:
        if unit.replayed is None:
            await offers.alone(unit.sql)
            starts_at = _within(body.starts_at or unit.now, body.ends_at)
            if body.ends_at <= unit.now:
                raise invalid("/ends_at", "must be in the future")
            products, categories = await _targets(unit, body.product_ids, body.category_ids)
            made = Discount(id_, body.name, body.percent, starts_at, body.ends_at, products, categories)
            await discounts.create_discount(unit, _for_something(made))
    edit.answers.doubt()
    made_id = unit.replayed or id_
    ready, again = await _read(edit.service, made_id), unit.replayed is not None
    return edit.made(ready, f"/api/v1/discounts/{made_id}", again=again)


@router.patch(
    "/discounts/{discount_id}",
    operation_id="change_discount",
    summary="Change a discount",
    response_model=DiscountAnswer,
)
async def change_discount(discount_id: Id, body: DiscountPatch, edit: Editing = Depends(changing)) -> Response:
    async with edit.service.unit(edit.context) as unit:
        await offers.alone(unit.sql)
        before = await discounts.discount_by_id(unit.sql, discount_id, lock=True)
        if before is None:
            raise missing("discount")
        edit.known.check(before.version)
        given: dict[str, Any] = body.given()
        products, categories = await _targets(unit, body.product_ids, body.category_ids)
        if "product_ids" in given:
            given["product_ids"] = products
        if "category_ids" in given:
            given["category_ids"] = categories
        after = _for_something(replace(before.discount, **given))
        _within(after.starts_at, after.ends_at)
        await discounts.change_discount(unit, before, after)
    edit.answers.doubt()
    return edit.reply(await _read(edit.service, discount_id))


@router.delete(
    "/discounts/{discount_id}",
    operation_id="delete_discount",
    summary="Take a discount back: one that is on ends now",
    status_code=204,
    response_class=Response,
)
async def delete_discount(discount_id: Id, edit: Editing = Depends(changing)) -> Response:
    async with edit.service.unit(edit.context) as unit:
        await offers.alone(unit.sql)
        before = await discounts.discount_by_id(unit.sql, discount_id, lock=True)
        if before is None:
            raise missing("discount")
        edit.known.check(before.version)
        await discounts.delete_discount(unit, before)
    edit.answers.doubt()
    return Response(status_code=204)


async def _targets(
    unit: Unit, products: list[str] | None, categories: list[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of what these keys name; 422 for one that is not there."""
    return (
        await product_ids(unit.sql, products or [], _pointers("product_ids", products)),
        await category_ids(unit.sql, categories or [], _pointers("category_ids", categories)),
    )


def _pointers(name: str, keys: list[str] | None) -> list[str]:
    return [pointer(name, at) for at in range(len(keys or []))]


def _for_something(discount: Discount) -> Discount:
    if not discount.product_ids and not discount.category_ids:
        raise invalid("/product_ids", "or category_ids must name something")
    return discount


def _within(starts_at: datetime, ends_at: datetime) -> datetime:
    if ends_at <= starts_at:
        raise invalid("/ends_at", "must be after starts_at")
    return starts_at


async def _read(service: Service, id_: str) -> Ready:
    async with service.database.engine.connect() as sql:
        kept = await discounts.discount_by_id(sql, id_)
    if kept is None:
        raise missing("discount")
    return Ready.of(as_json(discount_answer(kept, service.world.clock())), kept.version)
