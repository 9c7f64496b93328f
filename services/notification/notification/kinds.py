"""The kinds of message there are, each with its subject line; its text is in ``templates``."""

from typing import Final

from notification import accounts

MESSAGE_PARKED: Final = "message_parked"
NEW_ORDER: Final = "new_order"
LOW_STOCK: Final = "low_stock"
ABANDONED_CART: Final = "abandoned_cart"
FOR_THE_ADMIN: Final = frozenset({NEW_ORDER, LOW_STOCK, MESSAGE_PARKED})

SUBJECTS: Final[dict[str, str]] = {
    "order_received": "We have your order {{ number }}",
    "order_confirmed": "Your order {{ number }} is confirmed",
    "order_cancelled": "Your order {{ number }} was cancelled",
    "order_shipped": "Your order {{ number }} is on its way",
    "order_delivered": "Your order {{ number }} has arrived",
    "order_refunded": "A refund for your order {{ number }}",
    "payment_requested": "Please pay for your order {{ number }}",
    "payment_failed": "The payment for your order {{ number }} failed",
    ABANDONED_CART: "You left something in your cart",
    NEW_ORDER: "New order {{ number }}",
    LOW_STOCK: "{{ sku }} is running low",
    MESSAGE_PARKED: "Something was given up in {{ service }}",
    **accounts.SUBJECTS,
}

CANCELLED: Final[dict[str, str]] = {
    "out_of_stock": "Something you ordered is out of stock.",
    "stock_timeout": "We could not set your articles aside in time.",
    "coupon_rejected": "The coupon could not be used.",
    "payment_failed": "The payment failed several times.",
    "payment_timeout": "It was not paid in time.",
    "by_customer": "You asked us to cancel it.",
    "by_staff": "We had to cancel it.",
}
"""Why an order was cancelled, said to the customer."""

PAYMENT_FAILED: Final[dict[str, str]] = {
    "declined": "The payment was declined.",
    "insufficient_funds": "There was not enough money on the account.",
    "expired": "The payment was not completed in time.",
}
"""Why a payment failed, said to the customer; other reasons are left out."""
