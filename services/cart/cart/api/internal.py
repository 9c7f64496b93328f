"""What the shop's own services ask of the cart. The gateway routes none of it."""

from typing import Annotated
from uuid import UUID

from chassis.http import NOT_FOUND, Body, Peer, Problem, Router, problems, service_only
from fastapi import Depends, Query
from pydantic import ConfigDict, Field

from cart.api.answers import ClosedCart, InternalCart, internal_coupon, internal_lines, refusal
from cart.api.coupons import Code
from cart.api.refusals import NOT_THIS_CART, coupon_problem
from cart.api.visit import Visit, owner_of, visiting
from cart.coupons import known as known_coupon
from cart.domain import Close, close, customer
from cart.views import find

router = Router(prefix="/internal/v1", tags=["Internal"])


class ClosedLine(Body):
    """A line as the order read it; only what and how many matters here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sku: str
    quantity: Annotated[int, Field(ge=1)]


class CloseCart(Body):
    """The cart became this order, made of these lines as they stood at ``version``."""

    order_id: UUID
    version: Annotated[int, Field(ge=1)]
    lines: list[ClosedLine]


@router.get(
    "/cart",
    operation_id="internal_cart",
    summary="The open cart of the caller that is passed on",
    responses=problems(NOT_FOUND),
)
async def internal_cart(
    coupon: Annotated[Code | None, Query()] = None,
    peer: Peer = Depends(service_only),
    visit: Visit = Depends(visiting),
) -> InternalCart:
    """What an order of it would charge, line by line, with its own coupon or with ``coupon`` instead.

    What stands against one that does not apply now is said, not raised: the cart may be one that was ordered already.
    """
    found = await find(visit.service, owner_of(peer.caller) if peer.caller else None)
    if found.open is None:
        raise Problem(NOT_FOUND, "There is no open cart.")
    mine = found.open
    lines, known = visit.shown(mine.lines, found.variants), found.coupon
    if coupon is not None and coupon != mine.coupon:
        known = await known_coupon(visit.service, coupon, mine.owner, mine.lines)
    no = known.objection(lines, visit.service) if known is not None else None
    return InternalCart(
        cart_id=mine.cart_id,
        order_id=mine.order_id,
        version=mine.version,
        customer_id=customer(mine.owner),
        owner=mine.owner,
        lines=internal_lines(lines),
        total=sum(line.total for line in lines),
        coupon=internal_coupon(known, lines) if known is not None and no is None else None,
        refusal=refusal(coupon_problem(no, visit.settings.shop_currency)) if no is not None else None,
    )


@router.post(
    "/carts/{cart_id}/close",
    operation_id="internal_close_cart",
    summary="Close a cart that was ordered",
    responses=problems(NOT_THIS_CART),
)
async def internal_close_cart(
    cart_id: UUID, body: CloseCart, peer: Peer = Depends(service_only), visit: Visit = Depends(visiting)
) -> ClosedCart:
    """The same as the event ``order.placed`` does: whichever comes second finds it done."""
    command = Close(
        cart_id=str(cart_id),
        order_id=str(body.order_id),
        version=body.version,
        stood={line.sku: line.quantity for line in body.lines},
        next_order_id=visit.service.world.ids(),
    )
    await visit.service.execute_many(close, command, visit.context)
    return ClosedCart(cart_id=command.cart_id, order_id=command.order_id)
