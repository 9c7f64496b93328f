"""From a cart to an order."""

from collections.abc import Mapping
from typing import Any

from chassis.decider import Refused
from chassis.executing import KeysMoved
from chassis.http import (
    FORBIDDEN,
    Money,
    Problem,
    Router,
    idempotency,
    invalid,
    prefer_wait,
    problems,
    replayed,
)
from chassis.once import Once
from chassis.sealing import Sealing
from fastapi import Depends

from order import peers
from order.api.answers import OrderAnswer
from order.api.asking import Asking, asking
from order.api.models import PlaceBody
from order.api.quoting import shipping_method
from order.api.refusals import CART_CHANGED, CART_EMPTY, COUPONS, OUT_OF_STOCK, PAYMENT_FAILED, TOTAL_CHANGED
from order.commands import Place
from order.domain import order
from order.totals import Quote, quote
from order.values import Address, Claim

router = Router(prefix="/api/v1", tags=["Checkout"])

ROUNDS = 3
"""How often a cart that was ordered already, and changed since, is closed and its successor read."""

SEALED_PARTS = ("name", "phone", "line1", "line2", "city", "instructions")


@router.post(
    "/orders",
    status_code=201,
    operation_id="place_order",
    summary="Order what is in the cart",
    response_model=OrderAnswer,
    responses={
        200: {"model": OrderAnswer, "description": "This cart was ordered already."},
        202: {"model": OrderAnswer, "description": "Placed, and not settled yet."},
        **problems(FORBIDDEN, CART_EMPTY, CART_CHANGED, TOTAL_CHANGED, OUT_OF_STOCK, PAYMENT_FAILED, *COUPONS),
    },
)
async def place_order(
    body: PlaceBody,
    ask: Asking = Depends(asking()),
    once: Once = Depends(idempotency(required=True)),
    prefer: float = Depends(prefer_wait),
) -> OrderAnswer:
    """One cart, one order, one key, one effect. With `Prefer: wait=N` the answer says what became of it.

    409 `out-of-stock`: it was cancelled, and the lines are back in the cart. 402: the payment failed, and the order
    can be paid again until `expires_at`. A coupon, the cart's or `coupon` in its place, that does not apply is refused.
    If others use it up in that very moment, the order goes on at its full price, or with `coupon_required` (or an
    `expected_total`) is cancelled: 409 with `order`.
    """
    before = made = await ask.done_before(once)
    if made is None:
        made, already = await _place(ask, body, once)
        if already:
            ask.response.status_code = 200
            return await ask.show(await ask.settle(made, prefer))
    row = await ask.settle(made, prefer, new=before is None)
    await ask.refuse_failed(row)
    ask.response.status_code = 201 if row["settled"] else 202
    ask.response.headers["Location"] = f"/api/v1/orders/{made}"
    return await ask.show(row)


async def _place(ask: Asking, body: PlaceBody, once: Once) -> tuple[str, bool]:
    """The order's id, and whether this cart was ordered before."""
    _check(ask, body)
    for _ in range(ROUNDS):
        cart = await peers.read_cart(ask.service, ask.caller, ask.context, body.coupon)
        if cart is None:
            raise Problem(CART_EMPTY)
        try:
            made = await _order(ask, body, once, cart)
        except KeysMoved:
            continue
        if made:
            return made
        placed = await ask.service.load(order, cart.order_id)
        await peers.close_cart(ask.service, ask.context, placed.state)
    raise Problem(CART_CHANGED)


async def _order(ask: Asking, body: PlaceBody, once: Once, cart: peers.Cart) -> tuple[str, bool] | None:
    """As ``_place``; None where the cart was ordered before, and not as we read it.

    A coupon that does not apply may be one that this very cart's order has.
    """
    if not cart.lines:
        raise Problem(CART_EMPTY)
    if cart.refusal is not None and (await ask.service.load(order, cart.order_id)).version == 0:
        raise cart.refusal
    command, sealing = await _command(ask, body, cart)
    key = once.for_(cart.order_id)
    try:
        done = await ask.service.execute(order, cart.order_id, command, ask.context, key, new=True, sealing=sealing)
    except Refused as no:
        if no.slug == CART_CHANGED.slug:
            return None
        raise
    if done.replayed:
        replayed(ask.response)
        return done.resource_id or cart.order_id, False
    return cart.order_id, done.state.number != command.number


def _check(ask: Asking, body: PlaceBody) -> None:
    """What can be said of the request before anything is read from elsewhere."""
    if ask.caller.user_id is None and ask.caller.client_id is not None:
        raise Problem(FORBIDDEN, "Orders are placed by people, not by clients of the API.")
    if (body.shipping_address is None) == (body.address_id is None):
        raise invalid("/shipping_address", "is required, or address_id instead")
    if ask.caller.user_id is None and body.address_id is not None:
        raise invalid("/address_id", "needs an account: guests send shipping_address")
    if ask.caller.user_id is None and body.email is None:
        raise invalid("/email", "is required for guests")
    if body.expected_total is not None:
        body.expected_total.minor(ask.settings.shop_currency, "/expected_total")
    shipping_method(ask.settings, body.shipping_method)


async def _command(ask: Asking, body: PlaceBody, cart: peers.Cart) -> tuple[Place, Sealing]:
    """The command, and what its personal parts are sealed with: a guest's under a key of the order's own."""
    settings, currency = ask.settings, ask.settings.shop_currency
    method = shipping_method(settings, body.shipping_method)
    coupon = cart.coupon
    quoted = quote(cart.lines, method.minor(currency), currency, coupon.reduction if coupon else None)
    if cart.refusal is None:
        _expect(body, quoted)
    contact, address = await _contact(ask, body)
    subject = cart.customer_id or cart.order_id
    personal = {
        "contact": {
            "email": body.email or contact.email,
            "phone": contact.phone or address["phone"],
            "language": contact.language,
        },
        "address": {name: address[name] for name in SEALED_PARTS},
    }
    payment, sealing = await ask.chosen(body.payment, "/payment", {subject: personal}, fresh=(cart.order_id,))
    sealed = sealing.values[subject]
    place = Place(
        order_id=cart.order_id,
        number=await ask.next_number(),
        customer_id=cart.customer_id,
        owner=cart.owner,
        cart_id=cart.cart_id,
        cart_version=cart.version,
        lines=quoted.lines,
        totals=quoted.totals,
        shipping_method=method.code,
        address=Address(
            sealed=sealed.pick("address"),
            country=address["country"],
            region=address["region"],
            postal_code=address["postal_code"],
        ),
        contact=sealed.pick("contact"),
        payment=payment,
        waits=settings.waits,
        now=ask.service.world.clock(),
        coupon=_claim(body, coupon, method.minor(currency)) if coupon else None,
    )
    return place, sealing


def _claim(body: PlaceBody, coupon: peers.Coupon, shipping: int) -> Claim:
    """Whoever said what it costs does not want it at another price, so for them the coupon is required too."""
    required = body.coupon_required or body.expected_total is not None
    return Claim(coupon_id=coupon.coupon_id, code=coupon.code, required=required, shipping=shipping)


def _expect(body: PlaceBody, quoted: Quote) -> None:
    total, currency = quoted.totals.total, quoted.totals.currency
    if body.expected_total is not None and body.expected_total.minor(currency, "/expected_total") != total:
        raise Problem(TOTAL_CHANGED, total=Money.of(total, currency))


async def _contact(ask: Asking, body: PlaceBody) -> tuple[peers.Contact, Mapping[str, Any]]:
    """How to reach the customer, and where the order goes."""
    if ask.caller.user_id is None:
        contact = peers.Contact(email=body.email, phone=None, language="en")
    else:
        contact = await peers.read_contact(ask.service, ask.caller, ask.context, body.address_id)
    if body.shipping_address is not None:
        return contact, body.shipping_address.model_dump()
    assert contact.address is not None
    return contact, contact.address
