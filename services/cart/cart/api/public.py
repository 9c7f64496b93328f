"""What customers and guests do with their carts."""

import re
from dataclasses import replace
from typing import Annotated, Literal
from uuid import UUID

from chassis.http import (
    FORBIDDEN,
    NOT_FOUND,
    Body,
    Caller,
    Listing,
    Paging,
    Problem,
    Router,
    cart_holder,
    current_service,
    guest_cart,
    idempotency,
    invalid,
    known,
    paging,
    problems,
    read_page,
    shopper,
)
from chassis.http.auth import CART_HEADER
from chassis.once import Once
from chassis.service import Service
from fastapi import Depends, Query, Request, Response
from pydantic import ConfigDict, Field, StringConstraints

from cart.api.answers import CartAnswer, CartSummary
from cart.api.coupons import Code
from cart.api.refusals import (
    CART_CLOSED,
    CART_FULL,
    COUPONS,
    ITEM_GONE,
    NOT_FOR_SALE,
    QUANTITY_LIMIT,
    coupon_problem,
)
from cart.api.visit import Visit, changing, on_the_open_cart, owner_of, visiting
from cart.coupons import known as known_coupon
from cart.domain import (
    Add,
    ClearCoupon,
    Empty,
    Line,
    Merge,
    Remove,
    SetCoupon,
    SetQuantity,
    cart,
    customer,
    merge,
)
from cart.domain.one_cart import Command
from cart.stock import available
from cart.tables import carts
from cart.variants import Variant, learn
from cart.views import NEWEST, Found, find, way

router = Router(prefix="/api/v1", tags=["Cart"])

AN_ID = re.compile(r"[0-9a-f-]{36}")

Quantity = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class AddItem(Body):
    """Either ``sku`` or ``variant_id`` says what."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"sku": "KET-1", "quantity": 2}]}
    )

    sku: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    variant_id: UUID | None = None
    quantity: Quantity = 1


class ChangeItem(Body):
    """How many of it the cart shall hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"quantity": 3}]})

    quantity: Quantity


@router.get(
    "/cart",
    operation_id="get_cart",
    summary="Your cart",
    response_model=CartAnswer,
    responses=problems(FORBIDDEN),
)
async def get_cart(caller: Caller = Depends(cart_holder), visit: Visit = Depends(visiting)) -> CartAnswer | Response:
    """Reading makes no cart: without one the answer is an empty one with a null id."""
    return visit.read(await find(visit.service, owner_of(caller)))


@router.post(
    "/cart/items",
    status_code=201,
    operation_id="add_cart_item",
    summary="Put something in the cart",
    responses={
        201: {"headers": {CART_HEADER: {"$ref": f"#/components/headers/{CART_HEADER}"}}},
        **problems(FORBIDDEN, NOT_FOR_SALE, QUANTITY_LIMIT, CART_FULL, CART_CLOSED),
    },
)
async def add_cart_item(
    body: AddItem,
    caller: Caller = Depends(cart_holder),
    once: Once | None = Depends(idempotency()),
    visit: Visit = Depends(changing),
) -> CartAnswer:
    """The same SKU again adds up. A guest's first write answers the token of their cart in X-Cart-Token."""
    owner, service = owner_of(caller), visit.service
    if await service.recall(once) is not None:
        return await visit.replay(owner)
    if (body.sku is None) == (body.variant_id is None):
        raise invalid("/sku", "or variant_id is required, and not both")
    most = visit.settings.limits.quantity
    if body.quantity > most:
        raise invalid("/quantity", f"must be at most {most}")

    async def attempt() -> CartAnswer:
        variant_id = str(body.variant_id) if body.variant_id else None
        found = await find(service, owner, sku=body.sku, variant_id=variant_id)
        if visit.known.given and await service.recall(once) is not None:
            return await visit.replay(owner)  # what made it another cart than the client knows was this very request
        variant = found.variant(body.sku, variant_id)
        if variant is None:
            variant = await learn(service, visit.context, caller, sku=body.sku, variant_id=variant_id)
            if variant is None:
                raise invalid("/sku" if body.sku else "/variant_id", "is not something this shop has")
            found = Found(found.cart, {**found.variants, variant.variant_id: variant})
        if not variant.active:
            raise Problem(NOT_FOR_SALE, f"{variant.sku} is not sold now.", sku=variant.sku)
        expected = visit.check(found)
        opening = visit.opening(caller, found)
        key = once.for_(opening.cart_id) if once and opening.owner == owner else None
        command = Add(opening, _line(visit, variant, body.quantity), visit.settings.price_hold, visit.settings.limits)
        new = found.open is None
        done = await service.execute(cart, opening.cart_id, command, visit.context, key, new=new, expected=expected)
        return await (visit.replay(owner) if done.replayed else visit.written(done.state, found))

    return await on_the_open_cart(attempt)


def _line(visit: Visit, variant: Variant, quantity: int) -> Line:
    world = visit.service.world
    now = world.clock()
    return Line(world.ids(), variant.sku, variant.variant_id, quantity, variant.price_at(now), now)


@router.patch(
    "/cart/items/{item_id}",
    operation_id="change_cart_item",
    summary="Change how many of it",
    responses=problems(FORBIDDEN, QUANTITY_LIMIT, ITEM_GONE, CART_CLOSED),
)
async def change_cart_item(
    item_id: UUID, body: ChangeItem, caller: Caller = Depends(cart_holder), visit: Visit = Depends(changing)
) -> CartAnswer:
    """The line keeps its price and its time."""
    most = visit.settings.limits.quantity
    if body.quantity > most:
        raise invalid("/quantity", f"must be at most {most}")
    return await _change(visit, caller, str(item_id), SetQuantity(str(item_id), body.quantity, visit.settings.limits))


@router.delete(
    "/cart/items/{item_id}",
    operation_id="remove_cart_item",
    summary="Take a line out",
    responses=problems(FORBIDDEN, ITEM_GONE, CART_CLOSED),
)
async def remove_cart_item(
    item_id: UUID, caller: Caller = Depends(cart_holder), visit: Visit = Depends(changing)
) -> CartAnswer:
    """Answers what is left."""
    return await _change(visit, caller, str(item_id), Remove(str(item_id)))


async def _change(visit: Visit, caller: Caller, item_id: str, command: Command) -> CartAnswer:
    owner = owner_of(caller)

    async def attempt() -> CartAnswer:
        found = await find(visit.service, owner)
        if found.open is None or all(line.item_id != item_id for line in found.open.lines):
            raise Problem(NOT_FOUND, "There is no such line in your cart.")
        expected = visit.check(found)
        done = await visit.service.execute(cart, found.open.cart_id, command, visit.context, expected=expected)
        return await visit.written(done.state, found)

    return await on_the_open_cart(attempt)


async def _clear(visit: Visit, caller: Caller, command: Command) -> CartAnswer:
    """What takes something away from the whole cart; who has none has nothing to lose."""
    owner = owner_of(caller)

    async def attempt() -> CartAnswer:
        found = await find(visit.service, owner)
        expected = visit.check(found)
        if found.open is None:
            return visit.tag(visit.found(found))
        done = await visit.service.execute(cart, found.open.cart_id, command, visit.context, expected=expected)
        return await visit.written(done.state, found)

    return await on_the_open_cart(attempt)


@router.delete(
    "/cart",
    operation_id="empty_cart",
    summary="Empty the cart",
    responses=problems(FORBIDDEN, CART_CLOSED),
)
async def empty_cart(caller: Caller = Depends(cart_holder), visit: Visit = Depends(changing)) -> CartAnswer:
    """The cart stays, without lines."""
    return await _clear(visit, caller, Empty())


class CouponBody(Body):
    """Capital and small letters are the same."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"code": "WELCOME10"}]})

    code: Code


@router.put(
    "/cart/coupon",
    operation_id="set_cart_coupon",
    summary="Use a coupon",
    responses=problems(FORBIDDEN, CART_CLOSED, *COUPONS),
)
async def set_cart_coupon(
    body: CouponBody, caller: Caller = Depends(cart_holder), visit: Visit = Depends(changing)
) -> CartAnswer:
    """In place of the one that was there. One that does not apply now is refused, and the cart stays as it is."""
    owner = owner_of(caller)

    async def attempt() -> CartAnswer:
        found = await find(visit.service, owner)
        expected = visit.check(found)
        mine = found.open
        lines = mine.lines if mine else ()
        coupon = await known_coupon(visit.service, body.code, mine.owner if mine else owner or "", lines)
        if no := coupon.objection(visit.shown(lines, found.variants), visit.service):
            raise coupon_problem(no, visit.settings.shop_currency)
        assert mine is not None  # a coupon never applies to nothing
        done = await visit.service.execute(cart, mine.cart_id, SetCoupon(body.code), visit.context, expected=expected)
        return await visit.written(done.state, found)

    return await on_the_open_cart(attempt)


@router.delete(
    "/cart/coupon",
    operation_id="clear_cart_coupon",
    summary="Use no coupon",
    responses=problems(FORBIDDEN, CART_CLOSED),
)
async def clear_cart_coupon(caller: Caller = Depends(cart_holder), visit: Visit = Depends(changing)) -> CartAnswer:
    """Without one, nothing happens."""
    return await _clear(visit, caller, ClearCoupon())


@router.post(
    "/cart/merge",
    operation_id="merge_carts",
    summary="Take over the cart you filled as a guest",
    responses=problems(CART_CLOSED),
)
async def merge_carts(
    caller: Caller = Depends(shopper),
    once: Once | None = Depends(idempotency()),
    guest_key: str = Depends(guest_cart),
    visit: Visit = Depends(visiting),
) -> CartAnswer:
    """All lines of the cart that X-Cart-Token names go to yours; quantities add up as far as limits and stock go.

    Where both have an article, your line keeps its price. Where there is nothing to take over, nothing happens.
    """
    owner, service = caller.key, visit.service
    if await service.recall(once) is not None:
        return await visit.replay(owner)

    async def attempt() -> CartAnswer:
        guest = (await find(service, guest_key)).open
        if guest is not None:
            opening = visit.opening(caller, await find(service, owner))
            key = once.for_(opening.cart_id) if once else None
            limits = replace(visit.settings.limits, available=await available(service, visit.context, guest.lines))
            command = Merge(guest.cart_id, opening, limits)
            done = await service.execute_many(merge, command, visit.context, key)
            if done.replayed:
                return await visit.replay(owner)
        return visit.tag(visit.found(await find(service, owner)))

    return await on_the_open_cart(attempt)


@router.get(
    "/carts",
    operation_id="list_carts",
    summary="Carts, open and closed",
    responses=problems(FORBIDDEN),
)
async def list_carts(
    request: Request,
    status: Annotated[Literal["open", "ordered", "merged", "expired"] | None, Query()] = None,
    mine: Annotated[bool, Query(description="For staff: only your own.")] = False,
    caller: Caller = Depends(known),
    page: Paging = Depends(paging(cursor=True)),
    service: Service = Depends(current_service),
) -> Listing[CartSummary]:
    """Your own, newest first; staff see all."""
    if page.cursor and not AN_ID.fullmatch(str(page.cursor[0])):
        raise invalid("/query/cursor", "must be one that next gave")
    owner = None if caller.may("carts:read") and not mine else caller.key
    async with service.database.engine.connect() as sql:
        found = await read_page(sql, carts, [way(owner, status)], NEWEST, page)
    items = [
        CartSummary(
            id=row["cart_id"],
            customer_id=customer(row["owner"]),
            status=row["status"],
            item_count=len(row["lines"]),
            order_id=row["order_id"] if row["status"] == "ordered" else None,
            opened_at=row["opened_at"],
            updated_at=row["updated_at"],
            closed_at=row["closed_at"],
        )
        for row in found.rows
    ]
    return page.answer(items, found.total, request, last=found.last)
