"""The cart's own ways of saying no."""

from chassis.http import problem_type

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
