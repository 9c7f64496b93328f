"""Carts, purely: clock, ids, prices and limits come in with the commands.

``cart`` is one cart, ``moves`` what takes lines from one to another in one transaction.
"""

from cart.domain.ids import derived, following
from cart.domain.lines import Limits, Line, held, line_of, public
from cart.domain.moves import Close, Merge, PutBackLines, Unsettled, close, merge, put_back_lines
from cart.domain.one_cart import (
    EVENTS,
    Add,
    Added,
    AskPutBack,
    Cart,
    Emptied,
    Empty,
    Merged,
    Opened,
    Opening,
    Ordered,
    PutBack,
    PutBackAsked,
    QuantitySet,
    Remove,
    Removed,
    SetQuantity,
    Status,
    cart,
    customer,
)

__all__ = [
    "EVENTS",
    "Add",
    "Added",
    "AskPutBack",
    "Cart",
    "Close",
    "Emptied",
    "Empty",
    "Limits",
    "Line",
    "Merge",
    "Merged",
    "Opened",
    "Opening",
    "Ordered",
    "PutBack",
    "PutBackAsked",
    "PutBackLines",
    "QuantitySet",
    "Remove",
    "Removed",
    "SetQuantity",
    "Status",
    "Unsettled",
    "cart",
    "close",
    "customer",
    "derived",
    "following",
    "held",
    "line_of",
    "merge",
    "public",
    "put_back_lines",
]
