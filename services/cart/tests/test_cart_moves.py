"""What takes lines from one cart to another."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cart.domain import (
    Added,
    Cart,
    Close,
    CouponSet,
    Limits,
    Line,
    Merge,
    Merged,
    Opened,
    Opening,
    Ordered,
    PutBack,
    PutBackAsked,
    PutBackLines,
    Unsettled,
    cart,
    close,
    derived,
    following,
    merge,
    put_back_lines,
)
from chassis.decider import Call, Many, Refused

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits(lines=2, quantity=10)
C1 = "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"
C2 = following(C1)
C3 = following(C2)
KETTLE = Line("i1", "KET-1", "v1", 2, 249900, NOON)
MUG = Line("i2", "MUG-1", "v2", 1, 59900, NOON)
POT = Line("i3", "POT-1", "v3", 4, 100, NOON)
OPENED = Opened(C1, "o1", "user:u1", 1, (KETTLE, MUG))
NEXT = Opened(C2, "o2", "user:u1", 2, (MUG,))


def after(many: Many[Any], command: Any, **streams: Sequence[Any]) -> list[tuple[str, Any]]:
    """What happens, by cart, where the carts have these events behind them."""
    ids = {"c1": C1, "c2": C2, "c3": C3, "guest": "guest"}
    states: dict[str, Cart] = {cart.name(id_): cart.initial for _, id_ in many.streams(command)}
    states |= {cart.name(ids[name]): cart.fold(events) for name, events in streams.items()}
    return [(id_, event) for (_, id_), event in many.decide(command, states)]


def closing(**stood: int) -> Close:
    return Close(C1, "o1", 1, {sku.replace("_", "-"): units for sku, units in stood.items()}, "o2")


def test_an_order_of_all_that_stands_in_it_closes_the_cart() -> None:
    assert after(close, closing(KET_1=2, MUG_1=1), c1=[OPENED]) == [(C1, Ordered(1))]


def test_what_came_in_since_goes_to_the_next_cart_with_its_price_and_time() -> None:
    changed = [OPENED, Added(replace(KETTLE, quantity=5), 3), Added(POT, 4)]
    happened = after(close, closing(KET_1=2, MUG_1=1), c1=changed)
    rest = (replace(KETTLE, quantity=3), POT)
    assert happened == [(C1, Ordered(1)), (C2, Opened(C2, "o2", "user:u1", 2, rest))]


def test_less_of_a_sku_than_was_ordered_leaves_nothing_over() -> None:
    assert after(close, closing(KET_1=9, MUG_1=1), c1=[OPENED]) == [(C1, Ordered(1))]


def test_the_second_to_close_it_is_stale_news() -> None:
    assert after(close, closing(), c1=[OPENED, Ordered(1)]) == []
    assert after(close, closing(), c1=[OPENED, Merged("c9")]) == []


def test_only_its_own_order_closes_a_cart() -> None:
    with pytest.raises(Refused, match="not the order's"):
        after(close, replace(closing(), order_id="o7"), c1=[OPENED])
    with pytest.raises(Refused, match="not the order's"):
        after(close, closing(), c1=[])


def merging(limits: Limits = LIMITS) -> Merge:
    return Merge("guest", Opening(C1, "o1", "user:u1", 1), limits)


GUESTS = Opened("guest", "og", "cart:abc", 1, (replace(KETTLE, item_id="g1", unit_price=1), POT))


def test_a_guests_lines_open_a_cart_where_the_caller_has_none() -> None:
    assert after(merge, merging(), guest=[GUESTS]) == [
        (C1, Opened(C1, "o1", "user:u1", 1, GUESTS.lines)),
        ("guest", Merged(C1)),
    ]


def test_merged_quantities_add_up_and_the_callers_own_price_stays() -> None:
    happened = after(merge, merging(Limits(3, 10)), guest=[GUESTS], c1=[OPENED])
    assert happened == [(C1, Added(replace(KETTLE, quantity=4), 2)), (C1, Added(POT, 4)), ("guest", Merged(C1))]


def test_merging_goes_as_far_as_the_limits() -> None:
    happened = after(merge, merging(Limits(lines=2, quantity=3)), guest=[GUESTS], c1=[OPENED])
    assert happened == [(C1, Added(replace(KETTLE, quantity=3), 1)), ("guest", Merged(C1))]


def test_an_empty_guests_cart_is_closed_and_opens_nothing() -> None:
    empty = replace(GUESTS, lines=())
    assert after(merge, merging(), guest=[empty]) == [("guest", Merged(C1))]


@pytest.mark.parametrize(
    "streams", [{"guest": [GUESTS, Merged(C1)]}, {"guest": [GUESTS], "c1": [OPENED, Ordered(1)]}, {}]
)
def test_closed_carts_are_not_merged(streams: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        after(merge, merging(), **streams)
    assert refused.value.slug == "cart-closed"


OWED = [OPENED, Ordered(1), PutBackAsked((KETTLE, MUG))]


def giving(last: str) -> PutBackLines:
    return PutBackLines(C1, last, "o9", LIMITS)


def test_put_back_opens_a_new_cart_where_the_owner_has_none() -> None:
    happened = after(put_back_lines, giving(C1), c1=OWED)
    assert happened == [(C2, Opened(C2, "o9", "user:u1", 2, (KETTLE, MUG))), (C1, PutBack(C2))]


def test_put_back_adds_to_the_open_cart() -> None:
    happened = after(put_back_lines, giving(C2), c1=OWED, c2=[NEXT])
    assert happened == [(C2, Added(KETTLE, 2)), (C2, Added(replace(MUG, quantity=2), 1)), (C1, PutBack(C2))]


def test_put_back_follows_an_owner_who_ordered_again_meanwhile() -> None:
    happened = after(put_back_lines, giving(C2), c1=OWED, c2=[NEXT, Ordered(1)])
    assert happened == [(C3, Opened(C3, "o9", "user:u1", 3, (KETTLE, MUG))), (C1, PutBack(C3))]


def test_put_back_looks_again_when_the_owner_is_faster() -> None:
    third = Opened(C3, "o3", "user:u1", 3, (POT,))
    with pytest.raises(Unsettled):
        after(put_back_lines, giving(C2), c1=OWED, c2=[NEXT, Ordered(1)], c3=[third, Ordered(1)])


def test_put_back_brings_the_coupon_where_the_cart_has_none() -> None:
    owed = [OPENED, CouponSet("TEN"), Ordered(1), PutBackAsked((KETTLE,), "TEN")]
    opened = Opened(C2, "o9", "user:u1", 2, (KETTLE,))
    assert after(put_back_lines, giving(C1), c1=owed) == [(C2, opened), (C2, CouponSet("TEN")), (C1, PutBack(C2))]
    into = [(C2, Added(KETTLE, 2)), (C2, CouponSet("TEN")), (C1, PutBack(C2))]
    assert after(put_back_lines, giving(C2), c1=owed, c2=[NEXT]) == into
    other = [NEXT, CouponSet("OWN")]
    assert after(put_back_lines, giving(C2), c1=owed, c2=other) == [(C2, Added(KETTLE, 2)), (C1, PutBack(C2))]


def test_a_coupon_opens_no_cart_that_no_line_fits_in() -> None:
    owed = [OPENED, Ordered(1), PutBackAsked((KETTLE,), "TEN")]
    assert after(put_back_lines, replace(giving(C1), limits=Limits(0, 10)), c1=owed) == [(C1, PutBack(C2))]


def test_put_back_happens_once() -> None:
    assert after(put_back_lines, giving(C2), c1=[*OWED, PutBack(C2)], c2=[NEXT]) == []
    assert after(put_back_lines, giving(C1), c1=[OPENED, Ordered(1)]) == []


def test_a_put_back_that_came_before_the_close_is_called_for_by_the_close() -> None:
    early = cart.fold([OPENED, PutBackAsked((KETTLE,))])
    closed = cart.evolve(early, Ordered(1))
    assert cart.react(Ordered(1), closed) == [Call("put_back", key=C1, request={"cart_id": C1, "owner": "user:u1"})]


def test_a_derived_id_is_a_uuid7_with_the_time_of_its_base() -> None:
    made = UUID(derived(C1, "anything"))
    assert made.version == 7
    assert made.int >> 80 == UUID(C1).int >> 80
    assert len({derived(C1, "a"), derived(C1, "b"), derived(C2, "a"), C1}) == 4
