"""Reviews over HTTP: everyone reads them, customers write them, staff hide them."""

from dataclasses import replace
from typing import Annotated, Any

from chassis.context import Context
from chassis.http import (
    FORBIDDEN,
    NOT_FOUND,
    Caller,
    Listing,
    Paging,
    Precondition,
    Problem,
    Router,
    Tags,
    current_service,
    idempotency,
    invalid,
    ordering,
    paging,
    precondition,
    problems,
    request_context,
    shopper,
    tagging,
)
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Query, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog import reviews
from catalog.api.answers import ReviewAnswer, review_answer
from catalog.api.asking import Asking, Editing, Id, IdOrSlug, as_json, asking, missing
from catalog.api.bodies import ReviewNew, ReviewPatch
from catalog.cache import Ready
from catalog.domain import Status
from catalog.fast import STAFF
from catalog.refusals import ALREADY_REVIEWED
from catalog.reviews import Wanted
from catalog.views import product_by_id_or_slug

router = Router(prefix="/api/v1", tags=["Reviews"])

Order = list[tuple[str, bool]]
Stars = Annotated[int | None, Query(ge=1, le=5)]
by_time = ordering("created_at", "rating", default="-created_at")


async def writing(
    request: Request,
    caller: Caller = Depends(shopper),
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
    _: Tags = Depends(tagging),
) -> Editing:
    """A request by a person to say something."""
    return Editing(request, caller, service, request.app.state.answers, context)


async def rewriting(edit: Editing = Depends(writing), known: Precondition = Depends(precondition)) -> Editing:
    """A request by a person to say something else, or by staff to hide it."""
    return replace(edit, known=known)


@router.get(
    "/products/{key}/reviews",
    operation_id="list_product_reviews",
    summary="What customers say of a product",
    response_model=Listing[ReviewAnswer],
)
async def list_product_reviews(
    key: IdOrSlug,
    rating: Stars = None,
    order: Order = Depends(by_time),
    page: Paging = Depends(paging()),
    ask: Asking = Depends(asking),
) -> Response:
    async def read() -> Ready:
        async with ask.sql() as sql:
            product_id = await _product(sql, key, ask)
            wanted = Wanted(product_id, None, rating, None if ask.staff else False)
            return await _page(sql, ask, wanted, order, page)

    return await ask.seen(read, shared=False)


@router.get(
    "/reviews",
    operation_id="list_reviews",
    summary="The reviews of all products; hidden ones for staff, and for whose they are",
    response_model=Listing[ReviewAnswer],
    responses=problems(FORBIDDEN, NOT_FOUND),
)
async def list_reviews(
    product: Annotated[str | None, Query(max_length=100, description="Id or slug.")] = None,
    mine: bool = False,
    hidden: Annotated[bool | None, Query(description="Staff only.")] = None,
    rating: Stars = None,
    order: Order = Depends(by_time),
    page: Paging = Depends(paging()),
    ask: Asking = Depends(asking),
) -> Response:
    if hidden is not None and not ask.staff:
        raise Problem(FORBIDDEN, "Only staff see hidden reviews.")
    customer_id = ask.caller.user_id if mine else None
    if mine and customer_id is None:
        raise invalid("/query/mine", "needs a customer who is logged in")

    async def read() -> Ready:
        async with ask.sql() as sql:
            product_id = None if product is None else await _product(sql, product, ask)
            wanted = Wanted(product_id, customer_id, rating, hidden if ask.staff or mine else False)
            return await _page(sql, ask, wanted, order, page)

    return ask.reply(await read()) if mine else await ask.seen(read, shared=False)


@router.post(
    "/products/{key}/reviews",
    operation_id="create_review",
    summary="Say what you think of a product",
    description="Once a customer and product. `verified_purchase`: a confirmed order of theirs has it.",
    status_code=201,
    response_model=ReviewAnswer,
    responses=problems(ALREADY_REVIEWED),
)
async def create_review(
    key: IdOrSlug, body: ReviewNew, edit: Editing = Depends(writing), once: Once | None = Depends(idempotency())
) -> Response:
    id_ = edit.service.world.ids()
    async with edit.service.unit(edit.context, once and once.for_(id_)) as unit:
        if unit.replayed is None:
            product_id = await _product(unit.sql, key, edit)
            review = {"id": id_, "product_id": product_id, "customer_id": edit.caller.user_id, **body.model_dump()}
            await reviews.post_review(unit, review)
    edit.answers.drop()
    made = unit.replayed or id_
    ready, again = await _read(edit.service, made), unit.replayed is not None
    return edit.made(ready, f"/api/v1/reviews/{made}", again=again)


@router.get("/reviews/{review_id}", operation_id="get_review", summary="One review", response_model=ReviewAnswer)
async def get_review(review_id: Id, ask: Asking = Depends(asking)) -> Response:
    async with ask.sql() as sql:
        review = await reviews.review_by_id(sql, review_id)
    if review is None or (review.hidden and not ask.staff and review.customer_id != ask.caller.user_id):
        raise missing("review")
    return ask.reply(Ready.of(as_json(review_answer(review)), review.sequence))


@router.patch(
    "/reviews/{review_id}",
    operation_id="change_review",
    summary="Change what you said; staff hide a review, or show it again",
    response_model=ReviewAnswer,
    responses=problems(FORBIDDEN),
)
async def change_review(review_id: Id, body: ReviewPatch, edit: Editing = Depends(rewriting)) -> Response:
    given: dict[str, Any] = body.given()
    async with edit.service.unit(edit.context) as unit:
        review = _allowed(await reviews.review_by_id(unit.sql, review_id, lock=True), edit)
        if "hidden" in given and not edit.staff:
            raise Problem(FORBIDDEN, f"Hiding a review needs the right {STAFF}.")
        if given.keys() - {"hidden"} and review.customer_id != edit.caller.user_id:
            raise Problem(FORBIDDEN, "Nobody changes what another said.")
        edit.known.check(review.sequence)
        await reviews.change_review(unit, review, given)
    edit.answers.drop()
    return edit.reply(await _read(edit.service, review_id))


@router.delete(
    "/reviews/{review_id}",
    operation_id="delete_review",
    summary="Take back what you said",
    status_code=204,
    response_class=Response,
)
async def delete_review(review_id: Id, edit: Editing = Depends(rewriting)) -> Response:
    async with edit.service.unit(edit.context) as unit:
        review = _allowed(await reviews.review_by_id(unit.sql, review_id, lock=True), edit)
        edit.known.check(review.sequence)
        await reviews.delete_review(unit, review)
    edit.answers.drop()
    return Response(status_code=204)


def _allowed(review: Row[Any] | None, edit: Editing) -> Row[Any]:
    if review is None or not (edit.staff or review.customer_id == edit.caller.user_id):
        raise Problem(NOT_FOUND, "There is no such review of yours.")
    return review


async def _product(sql: AsyncConnection, key: str, ask: Asking) -> str:
    shown = await product_by_id_or_slug(sql, key)
    if shown is None or not (ask.staff or shown.product.status is Status.active):
        raise missing("product")
    return shown.product.id


async def _page(sql: AsyncConnection, ask: Asking, wanted: Wanted, order: Order, page: Paging) -> Ready:
    found, total = await reviews.reviews_page(sql, wanted, order, page.limit, page.offset)
    return Ready.of(as_json(page.answer([review_answer(each) for each in found], total, ask.request)))


async def _read(service: Service, id_: str) -> Ready:
    async with service.database.engine.connect() as sql:
        review = await reviews.review_by_id(sql, id_)
    if review is None:
        raise missing("review")
    return Ready.of(as_json(review_answer(review)), review.sequence)
