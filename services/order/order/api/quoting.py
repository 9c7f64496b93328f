"""What an order of the cart would cost, and how it can be sent."""

from collections.abc import Mapping, Sequence

from chassis.http import (
    Answer,
    Money,
    Problem,
    Router,
    anyone,
    cart_holder,
    current_service,
    invalid,
    problems,
)
from chassis.service import Service
from fastapi import Depends
from pydantic.config import JsonDict

from order import peers
from order.api.answers import MONEY, LineAnswer, shown_as
from order.api.asking import Asking, asking
from order.api.models import QuoteBody
from order.api.refusals import CART_EMPTY, COUPONS
from order.settings import Settings, ShippingMethod
from order.totals import Quote, quote

router = Router(prefix="/api/v1", tags=["Checkout"])

STANDARD: JsonDict = {
    "code": "standard",
    "name": "Standard delivery",
    "price": {"amount": "250.00", "currency": "KES"},
    "min_days": 2,
    "max_days": 4,
}


QUOTE: JsonDict = {
    "items": [
        {
            "sku": "KET-1",
            "variant_id": "0198c0dd-11aa-7b3c-8d4e-5f60718293a4",
            "name": "Kettle",
            "quantity": 2,
            "unit_price": {"amount": "2499.00", "currency": "KES"},
            "line_total": {"amount": "4998.00", "currency": "KES"},
            "discount": MONEY,
            "tax": MONEY,
            "problems": [],
        }
    ],
    "shipping_methods": [{**STANDARD, "total": {"amount": "5248.00", "currency": "KES"}}],
    "shipping_method": "standard",
    "coupon": None,
    "subtotal": {"amount": "4998.00", "currency": "KES"},
    "discount": MONEY,
    "shipping": {"amount": "250.00", "currency": "KES"},
    "tax": MONEY,
    "rounding": MONEY,
    "total": {"amount": "5248.00", "currency": "KES"},
}


class ShippingMethodAnswer(Answer):
    """A way to send an order."""

    model_config = shown_as(STANDARD)

    code: str
    name: str
    price: Money
    min_days: int
    max_days: int


class ShippingMethodsAnswer(Answer):
    """Every way to send an order."""

    items: list[ShippingMethodAnswer]


class QuotedMethod(ShippingMethodAnswer):
    """A way to send this order, and what it comes to that way."""

    total: Money


class QuotedLine(LineAnswer):
    """One line; ``problems`` are price_changed and unavailable."""

    problems: list[str]


class QuoteAnswer(Answer):
    """What an order of the cart would cost; with ``shipping_method``, the first one unless another was asked for."""

    model_config = shown_as(QUOTE)

    items: list[QuotedLine]
    shipping_methods: list[QuotedMethod]
    shipping_method: str
    coupon: str | None
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    rounding: Money
    total: Money


@router.post(
    "/cart/quote",
    operation_id="quote_cart",
    summary="What an order of the cart would cost",
    responses=problems(CART_EMPTY, *COUPONS),
)
async def quote_cart(body: QuoteBody, ask: Asking = Depends(asking(cart_holder))) -> QuoteAnswer:
    """By the very function that placing the order uses, for every way to send it.

    With the cart's coupon, or `coupon` in its place; one that does not apply is refused, as it would be by the order.
    """
    settings = ask.settings
    method = shipping_method(settings, body.shipping_method) if body.shipping_method else settings.shipping_methods[0]
    cart = await peers.read_cart(ask.service, ask.caller, ask.context, body.coupon) if ask.caller.known else None
    if cart is None or not cart.lines:
        raise Problem(CART_EMPTY)
    if cart.refusal is not None:
        raise cart.refusal
    currency = settings.shop_currency
    quoted = _quote(method, cart, currency)
    return QuoteAnswer(
        items=_quoted_lines(quoted, cart.flags),
        shipping_methods=[_quoted_method(each, cart, currency) for each in settings.shipping_methods],
        shipping_method=method.code,
        coupon=cart.coupon.code if cart.coupon else None,
        subtotal=Money.of(quoted.totals.subtotal, currency),
        discount=Money.of(quoted.totals.discount, currency),
        shipping=Money.of(quoted.totals.shipping, currency),
        tax=Money.of(quoted.totals.tax, currency),
        rounding=Money.of(quoted.totals.rounding, currency),
        total=Money.of(quoted.totals.total, currency),
    )


def _quote(method: ShippingMethod, cart: peers.Cart, currency: str) -> Quote:
    return quote(cart.lines, method.minor(currency), currency, cart.coupon.reduction if cart.coupon else None)


def _quoted_lines(quoted: Quote, flags: Mapping[str, Sequence[str]]) -> list[QuotedLine]:
    currency = quoted.totals.currency
    return [
        QuotedLine(
            sku=line.sku,
            variant_id=line.variant_id,
            name=line.name,
            quantity=line.quantity,
            unit_price=Money.of(line.unit_price, currency),
            line_total=Money.of(line.total, currency),
            discount=Money.of(line.discount, currency),
            tax=Money.of(line.tax, currency),
            problems=list(flags[line.sku]),
        )
        for line in quoted.lines
    ]


def _quoted_method(method: ShippingMethod, cart: peers.Cart, currency: str) -> QuotedMethod:
    totals = _quote(method, cart, currency).totals
    return QuotedMethod(**_method(method, currency).model_dump(), total=Money.of(totals.total, currency))


def _method(method: ShippingMethod, currency: str) -> ShippingMethodAnswer:
    return ShippingMethodAnswer(
        code=method.code,
        name=method.name,
        price=Money.of(method.minor(currency), currency),
        min_days=method.min_days,
        max_days=method.max_days,
    )


@router.get(
    "/shipping-methods",
    operation_id="list_shipping_methods",
    summary="How orders are sent",
    dependencies=[Depends(anyone)],
)
async def list_shipping_methods(service: Service = Depends(current_service)) -> ShippingMethodsAnswer:
    """As the shop is set up."""
    assert isinstance(service.settings, Settings)
    currency = service.settings.shop_currency
    return ShippingMethodsAnswer(items=[_method(each, currency) for each in service.settings.shipping_methods])


def shipping_method(settings: Settings, code: str) -> ShippingMethod:
    """The method called ``code``, else 422."""
    found = settings.shipping(code)
    if found is None:
        known = ", ".join(method.code for method in settings.shipping_methods)
        raise invalid("/shipping_method", f"must be one of {known}")
    return found
