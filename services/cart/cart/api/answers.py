"""What everyone gets to see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from chassis.decider import Refused
from chassis.http import Answer, Money, Problem
from pydantic import ConfigDict
from pydantic.config import JsonDict

from cart.coupons import Known
from cart.showing import Shown

EXAMPLE: JsonDict = {
    "id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
    "items": [
        {
            "id": "0198c0de-6a01-7d15-9c0e-2f4b6a8c0d1e",
            "sku": "KET-1",
            "variant_id": "0198c0dd-11aa-7b3c-8d4e-5f60718293a4",
            "name": "Kettle",
            "options": {},
            "quantity": 2,
            "unit_price": {"amount": "2499.00", "currency": "KES"},
            "line_total": {"amount": "4998.00", "currency": "KES"},
            "price_changed": False,
            "available": True,
        }
    ],
    "total": {"amount": "4998.00", "currency": "KES"},
    "coupon": {"code": "WELCOME10", "problem": None, "detail": None},
}


SUMMARY: JsonDict = {
    "id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
    "customer_id": "0198c0d0-0a0b-7c0d-8e0f-a1b2c3d4e5f6",
    "status": "open",
    "item_count": 1,
    "order_id": None,
    "opened_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:03:00Z",
    "closed_at": None,
}


class ItemAnswer(Answer):
    """One line of the cart.

    ``price_changed``: the price it was added at has run out, and today's is another. ``available`` is what is known
    now; the order finds out for certain.
    """

    id: str
    sku: str
    variant_id: str
    name: str
    options: dict[str, str]
    quantity: int
    unit_price: Money
    line_total: Money
    price_changed: bool
    available: bool


class CartCoupon(Answer):
    """The coupon that the order shall have; ``/cart/quote`` says what it takes off.

    ``problem`` is the type of the problem that an order would be answered with now, ``detail`` says it to people.
    """

    code: str
    problem: str | None
    detail: str | None


class CartAnswer(Answer):
    """The whole cart, before any discount. ``id`` is null while nothing was ever put in it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    id: str | None
    items: list[ItemAnswer]
    total: Money
    coupon: CartCoupon | None


class CartSummary(Answer):
    """A cart in the list. ``order_id`` is null until it was ordered, ``customer_id`` is null for guests."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [SUMMARY]})

    id: str
    customer_id: str | None
    status: Literal["open", "ordered", "merged", "expired"]
    item_count: int
    order_id: str | None
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None


class InternalLine(Answer):
    """A line for the shop's own services; ``unit_price`` in minor units, what it costs if it is ordered now."""

    item_id: str
    sku: str
    variant_id: str
    name: str
    quantity: int
    unit_price: int
    priced_at: datetime
    price_changed: bool
    available: bool


class InternalCoupon(Answer):
    """What the cart's coupon takes off: ``percent`` or ``amount`` (minor units) of the lines ``skus``, or the shipping.

    ``skus`` is null where it is for everything.
    """

    coupon_id: str
    code: str
    percent: int | None
    amount: int | None
    free_shipping: bool
    skus: list[str] | None


class Refusal(Answer):
    """The problem that an order with the coupon is to be answered with; ``extra`` are its further members."""

    slug: str
    detail: str
    extra: dict[str, Any]


class InternalCart(Answer):
    """An open cart for the shop's own services; ``version`` is what an order of it says that it was made of."""

    cart_id: str
    order_id: str
    version: int
    customer_id: str | None
    owner: str
    lines: list[InternalLine]
    total: int
    coupon: InternalCoupon | None
    refusal: Refusal | None


class ClosedCart(Answer):
    """The cart is closed and its order's."""

    cart_id: str
    order_id: str


def cart_answer(
    cart_id: str | None, lines: Sequence[Shown], currency: str, coupon: CartCoupon | None = None
) -> CartAnswer:
    """The whole cart, as a customer sees it."""
    items = [
        ItemAnswer(
            id=each.line.item_id,
            sku=each.line.sku,
            variant_id=each.line.variant_id,
            name=each.name,
            options=_plain(each.options),
            quantity=each.line.quantity,
            unit_price=Money.of(each.unit_price, currency),
            line_total=Money.of(each.total, currency),
            price_changed=each.price_changed,
            available=each.available,
        )
        for each in lines
    ]
    total = Money.of(sum(each.total for each in lines), currency)
    return CartAnswer(id=cart_id, items=items, total=total, coupon=coupon)


def cart_coupon(code: str, no: Refused | None) -> CartCoupon:
    """The coupon on the cart, and what stands against it."""
    if no is None:
        return CartCoupon(code=code, problem=None, detail=None)
    return CartCoupon(code=code, problem=f"/problems/{no.slug}", detail=no.detail)


def internal_coupon(known: Known, lines: Sequence[Shown]) -> InternalCoupon:
    """The coupon beside these lines, for the shop's own services."""
    coupon, terms = known.coupon, known.coupon.terms
    return InternalCoupon(
        coupon_id=coupon.coupon_id,
        code=coupon.code,
        percent=terms.percent,
        amount=terms.amount,
        free_shipping=terms.free_shipping,
        skus=[each.line.sku for each in lines if known.covers(each.line)] if terms.scoped else None,
    )


def internal_lines(lines: Sequence[Shown]) -> list[InternalLine]:
    """The lines of a cart for the shop's own services."""
    return [
        InternalLine(
            item_id=each.line.item_id,
            sku=each.line.sku,
            variant_id=each.line.variant_id,
            name=each.name,
            quantity=each.line.quantity,
            unit_price=each.unit_price,
            priced_at=each.priced_at,
            price_changed=each.price_changed,
            available=each.available,
        )
        for each in lines
    ]


def refusal(problem: Problem) -> Refusal:
    """A problem, to be answered by another service."""
    return Refusal(slug=problem.kind.slug, detail=problem.detail, extra=problem.extra)


def _plain(options: Mapping[str, str]) -> dict[str, str]:
    return dict(options)
