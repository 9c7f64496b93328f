"""Who uses a coupon: one stream an order, which says it once, and one a customer and coupon, which counts.

A use is taken by an order and kept until the order is cancelled. What the order's stream says, the coupon's own counter
and the customer's change in the same transaction, or none of them does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, assert_never

from chassis.decider import Address, Decider, Effect, Many, Send
from soko_contracts import cart as contract

from cart.domain.coupons import Coupon, Freed, Used, coupon, left


class Use(StrEnum):
    """Where an order's use of a coupon is. Returned is the end, also where there was none: a tombstone."""

    NONE = "none"
    REDEEMED = "redeemed"
    REJECTED = "rejected"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Redemption:
    """What an order has of a coupon."""

    status: Use = Use.NONE
    order_id: str = ""
    customer_id: str | None = None
    coupon_id: str | None = None
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem:
    """One use for this order, please."""

    order_id: str
    cart_id: str
    customer_id: str | None
    coupon_id: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """The order is over: it needs no use."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """The order has one use of the coupon."""

    order_id: str
    cart_id: str
    customer_id: str | None
    coupon_id: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """There was none for it; ``reason`` is the problem's name."""

    order_id: str
    cart_id: str
    customer_id: str | None
    coupon_id: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The order has none, and will have none."""

    order_id: str


Event = Redeemed | Rejected | Returned
EVENTS: dict[str, type] = {"redeemed.v1": Redeemed, "rejected.v1": Rejected, "returned.v1": Returned}


def nothing_by_itself(command: Any, state: Any) -> Sequence[Any]:
    """Its events are decided where all streams that they touch are seen: ``redeem`` and ``give_back``."""
    return ()


def evolve(was: Redemption, event: Event) -> Redemption:
    """The redemption after one more event."""
    match event:
        case Redeemed():
            return Redemption(Use.REDEEMED, event.order_id, event.customer_id, event.coupon_id, event.code)
        case Rejected():
            values = (event.order_id, event.customer_id, event.coupon_id, event.code, event.reason)
            return Redemption(Use.REJECTED, *values)
        case Returned():
            return replace(was, status=Use.RETURNED, order_id=event.order_id)
        case _:
            assert_never(event)


def react(event: Event, state: Redemption) -> Sequence[Effect]:
    """Answer the order."""
    said: Any = event
    match event:
        case Redeemed():
            return [Send(contract.CouponRedeemed(**_facts(said)))]
        case Rejected():
            return [Send(contract.CouponRejected(**_facts(said), reason=event.reason))]
        case Returned():
            return []
        case _:
            assert_never(event)


def _facts(said: Redeemed | Rejected) -> dict[str, Any]:
    return {name: getattr(said, name) for name in Redeemed.__slots__}


@dataclass(frozen=True, slots=True)
class CustomerUses:
    """How often one customer uses one coupon."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """One more order of this customer has the coupon."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Uncounted:
    """It has it no more."""

    order_id: str


CUSTOMER_EVENTS: dict[str, type] = {"counted.v1": Counted, "uncounted.v1": Uncounted}


def count(uses: CustomerUses, event: Counted | Uncounted) -> CustomerUses:
    """The count after one more event."""
    return CustomerUses(uses.count + (1 if isinstance(event, Counted) else -1))


redemption = Decider("redemption", Redemption(), nothing_by_itself, evolve, react)
customer_uses = Decider("customer_uses", CustomerUses(), nothing_by_itself, count)

States = Mapping[str, Any]
Happened = Sequence[tuple[Address, Any]]


def of_customer(coupon_id: str, customer_id: str) -> Address:
    """The stream that counts one customer's uses of one coupon."""
    return customer_uses, f"{coupon_id}.{customer_id}"


def touched(coupon_id: str | None, customer_id: str | None) -> Sequence[Address]:
    """The counters that a use changes."""
    if coupon_id is None:
        return ()
    all_: Address = (coupon, coupon_id)
    return (all_, of_customer(coupon_id, customer_id)) if customer_id is not None else (all_,)


def decide_redeem(command: Redeem, states: States) -> Happened:
    """A use for the order, or none; asked again it is answered by what was said. A tombstone says no."""
    mine: Address = (redemption, command.order_id)
    was = _state(states, mine)
    facts = {name: getattr(command, name) for name in Redeem.__slots__}
    if was.status is Use.RETURNED and was.coupon_id is None:
        return [(mine, Rejected(**facts, reason="order-over"))]
    if was.status is not Use.NONE:
        return []
    counters = touched(command.coupon_id, command.customer_id)
    used: Coupon = states[coupon.name(command.coupon_id)]
    by_customer = _state(states, counters[1]).count if len(counters) > 1 else 0
    if no := left(used, command.customer_id, by_customer):
        return [(mine, Rejected(**facts, reason=no.slug))]
    counted = [(at, event(command.order_id)) for at, event in zip(counters, (Used, Counted), strict=False)]
    return [(mine, Redeemed(**facts)), *counted]


def decide_return(command: Return, states: States) -> Happened:
    """What the order has is free again; where it has nothing yet, it never will."""
    mine: Address = (redemption, command.order_id)
    was = _state(states, mine)
    match was.status:
        case Use.NONE:
            return [(mine, Returned(order_id=command.order_id))]
        case Use.REDEEMED:
            counters = touched(was.coupon_id, was.customer_id)
            freed = [(at, event(command.order_id)) for at, event in zip(counters, (Freed, Uncounted), strict=False)]
            return [(mine, Returned(order_id=command.order_id)), *freed]
        case Use.REJECTED | Use.RETURNED:
            return []
        case _:
            assert_never(was.status)


def held(command: Return, states: States) -> Sequence[Address]:
    """The counters that only the order's own stream can name."""
    was = _state(states, (redemption, command.order_id))
    return touched(was.coupon_id, was.customer_id)


def _state(states: States, at: Address) -> Any:
    return states[at[0].name(at[1])]


redeem: Many[Redeem] = Many(
    lambda c: [(redemption, c.order_id), *touched(c.coupon_id, c.customer_id)],
    decide_redeem,
)
give_back: Many[Return] = Many(lambda c: [(redemption, c.order_id)], decide_return, held)
