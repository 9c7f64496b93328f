"""What the units cost: the moving weighted average, in whole minor units, with nothing lost to rounding.

The units whose cost is known are one pool. Whatever leaves it takes its share of the pool's cost, rounded down, and
the remainder stays in the pool; the last unit takes all that is left. So what came in is at all times what has left
plus what is there. Units that come without a cost join at the average. Where there is none to join, their cost is
unknown, and units of unknown cost are the first to leave. Transfers move no cost: what travels is the shop's.
"""

from dataclasses import replace
from typing import Final

from chassis.decider import Refused

from inventory.domain.shelves import Stock

MOST: Final = 10**18
"""Minor units that a SKU may be worth, by what people enter: far within 64 bits."""


def worth(state: Stock, delta: int, unit_cost: int | None = None) -> int:
    """What ``delta`` units more or fewer change the value by, in minor units."""
    if delta < 0:
        leaving = _leaving(state, -delta)
        return -(state.cost * leaving // state.costed) if leaving else 0
    if unit_cost is not None:
        return delta * unit_cost
    return state.cost * delta // state.costed if state.costed else 0


def entered(state: Stock, delta: int, unit_cost: int | None = None) -> int:
    """The same for what somebody enters. Refuses ``value-out-of-range``."""
    cost = worth(state, delta, unit_cost)
    if state.cost + cost > MOST:
        raise Refused("value-out-of-range", f"{delta} units of {state.sku} more would be worth more than can be noted.")
    return cost


def pooled(state: Stock, delta: int, cost: int, *, priced: bool = False) -> Stock:
    """The pool after ``delta`` units moved for ``cost``, before they are counted. ``priced``: they told their cost."""
    comes = delta if priced or state.costed else 0
    joining = -_leaving(state, -delta) if delta < 0 else comes
    return replace(state, costed=state.costed + joining, cost=state.cost + cost)


def _leaving(state: Stock, quantity: int) -> int:
    """How many of these units leave the pool."""
    if not state.costed:
        return 0
    unknown = state.on_hand + state.travelling - state.costed
    return max(0, quantity - unknown)
