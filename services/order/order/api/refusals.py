"""The order's own ways of saying no."""

from chassis.http import problem_type, registered
from soko_contracts import problems

CART_EMPTY = problem_type(
    "cart-empty",
    409,
    "There is nothing to order",
    when="The cart is empty, or there is none; what was in it may have been ordered already.",
    client="Put something in the cart, or look at the orders.",
)
CART_CHANGED = problem_type(
    "cart-changed",
    409,
    "The cart keeps changing",
    when="The cart was ordered and changed again and again while the request was worked on.",
    client="Read the cart, then order it.",
)
TOTAL_CHANGED = problem_type(
    "total-changed",
    409,
    "The total is another one",
    when="The order would not cost what expected_total says; total says what it costs.",
    client="Show the customer the new total, then order with that.",
)
OUT_OF_STOCK = problem_type(
    "out-of-stock",
    409,
    "Out of stock",
    when="At least one line could not be held, so the order was cancelled and the lines are back in the cart; "
    "shortages says which.",
    client="Take what is missing out of the cart and order the rest, with a new Idempotency-Key.",
)
COUPONS = tuple(map(registered, problems.COUPONS))
"""Why a coupon does not apply: the cart says it, the order passes it on."""
COUPON_REJECTED = problem_type(
    "coupon-rejected",
    409,
    "The coupon was used up in that moment",
    when="The order was placed with a coupon that it needed and did not get, so it was cancelled and the lines are "
    "back in the cart; order says more.",
    client="Order without the coupon, with a new Idempotency-Key.",
)
PAYMENT_FAILED = registered(problems.PAYMENT_FAILED)
NOT_PAYABLE = registered(problems.NOT_PAYABLE)
PAYMENT_IN_PROGRESS = registered(problems.PAYMENT_IN_PROGRESS)
NOTHING_TO_CAPTURE = registered(problems.NOTHING_TO_CAPTURE)
NOTHING_TO_VOID = registered(problems.NOTHING_TO_VOID)
REFUND_TOO_LARGE = problem_type(
    "refund-too-large",
    409,
    "More than there is",
    when="The refund is more than what was captured and has not been refunded yet.",
    client="Refund less, or leave the amount out for all that is left.",
)
REFUND_NOT_FAILED = problem_type(
    "refund-not-failed",
    409,
    "The refund did not fail",
    when="The refund is under way, or the money went back already.",
    client="Read the order's refunds: its status says which.",
)
ALREADY_SHIPPED = problem_type(
    "already-shipped",
    409,
    "It has left already",
    when="A part of the order has left the house.",
    client="Have it returned instead.",
)
NOT_SHIPPABLE = problem_type(
    "not-shippable",
    409,
    "It cannot be shipped so",
    when="The order is not confirmed, fewer units wait to be packed, or the shipment cannot go to that status.",
    client="Read the order's shipments again.",
)
