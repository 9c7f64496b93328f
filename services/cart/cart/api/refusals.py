"""The cart's own ways of saying no."""

from chassis.decider import Refused
from chassis.http import Money, Problem, problem_type, registered
from soko_contracts import problems

CART_CLOSED = problem_type(
    "cart-closed",
    409,
    "The cart was closed",
    when="The cart was ordered or merged while the request was on its way.",
    client="Read the cart again and repeat the change on it.",
)
CART_FULL = problem_type(
    "cart-full",
    409,
    "The cart is full",
    when="The cart has as many different articles as a cart takes; limit says how many.",
    client="Take something out first, or order what is there.",
)
ITEM_GONE = problem_type(
    "item-gone",
    409,
    "The line is gone",
    when="The line was taken out of the cart while the request was on its way.",
    client="Read the cart again.",
)
NOT_FOR_SALE = problem_type(
    "not-for-sale",
    409,
    "Not for sale",
    when="The article exists and is not sold now.",
    client="Choose another one.",
)
NOT_THIS_CART = problem_type(
    "not-this-cart",
    409,
    "Another order's cart",
    when="A service speaks of a cart that does not belong to its order.",
    client="Nothing: it is for the shop's own services.",
)
QUANTITY_LIMIT = problem_type(
    "quantity-limit",
    409,
    "Too many of one article",
    when="With what is in the cart already there would be more units of the article than a cart takes.",
    client="Order fewer; limit says how many a cart takes.",
)
COUPON_EXISTS = problem_type(
    "coupon-exists",
    409,
    "The code is taken",
    when="There is, or was, a coupon with this code; a withdrawn one keeps its code, for the orders that had it.",
    client="Choose another code, or change the coupon that is there.",
)
COUPONS = tuple(map(registered, problems.COUPONS))
"""Why a coupon does not apply."""

_COUPONS = {kind.slug: kind for kind in COUPONS}


def coupon_problem(no: Refused, currency: str) -> Problem:
    """Why the coupon does not apply, with the money it asks for as money."""
    extra = dict(no.extra)
    if (least := extra.pop("least", None)) is not None:
        extra["minimum"] = Money.of(least, currency)
    return Problem(_COUPONS[no.slug], no.detail, **extra)
