"""The rules of a single cart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cart.domain import (
    Add,
    Added,
    AskPutBack,
    Emptied,
    Empty,
    Limits,
    Line,
    Merged,
    Opened,
    Opening,
    Ordered,
    PutBackAsked,
    QuantitySet,
    Remove,
    Removed,
    SetQuantity,
    cart,
)
from chassis.decider import Call
from chassis.testing import given
from soko_contracts import cart as contract

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
LIMITS = Limits(lines=2, quantity=10)
OPENING = Opening("c1", "o1", "user:u1", 1)
KETTLE = Line("i1", "KET-1", "v1", 2, 249900, NOON)
MUG = Line("i2", "MUG-1", "v2", 1, 59900, NOON)
OPENED = Opened("c1", "o1", "user:u1", 1, (KETTLE,))


def add(line: Line) -> Add:
    return Add(OPENING, line, DAY, LIMITS)


def test_the_first_line_opens_the_cart_and_says_so() -> None:
    line = contract.CartLine(sku="KET-1", variant_id="v1", quantity=2, unit_price=249900, priced_at=NOON)
    opened = contract.Opened(cart_id="c1", customer_id="u1", lines=(line,))
    given(cart).when(add(KETTLE)).then(OPENED).sends(opened)


def test_nobody_is_told_whose_a_guests_cart_is() -> None:
    line = contract.CartLine(sku="KET-1", variant_id="v1", quantity=2, unit_price=249900, priced_at=NOON)
    guests = Add(replace(OPENING, owner="cart:abc"), KETTLE, DAY, LIMITS)
    given(cart).when(guests).sends(contract.Opened(cart_id="c1", customer_id=None, lines=(line,)))


def test_another_sku_is_another_line() -> None:
    given(cart, OPENED).when(add(MUG)).then(Added(MUG, 1)).sends()


def test_the_same_sku_adds_up_and_keeps_the_price_it_was_promised() -> None:
    again = Line("i9", "KET-1", "v1", 3, 299900, NOON + DAY - timedelta(seconds=1))
    given(cart, OPENED).when(add(again)).then(Added(replace(KETTLE, quantity=5), 3))


def test_after_its_time_a_line_that_is_added_to_takes_todays_price_for_a_new_day() -> None:
    again = Line("i9", "KET-1", "v1", 3, 299900, NOON + DAY)
    given(cart, OPENED).when(add(again)).then(Added(replace(again, item_id="i1", quantity=5), 3))


def test_a_line_takes_no_more_units_than_its_limit() -> None:
    given(cart, OPENED).when(add(replace(KETTLE, quantity=9))).refuses("quantity-limit")
    given(cart).when(add(replace(KETTLE, quantity=11))).refuses("quantity-limit")
    given(cart, OPENED).when(SetQuantity("i1", 11, LIMITS)).refuses("quantity-limit")
    given(cart, OPENED).when(SetQuantity("i1", 10, LIMITS)).then(QuantitySet("i1", 10))


def test_a_full_cart_takes_more_of_what_it_has_but_nothing_else() -> None:
    full = given(cart, OPENED, Added(MUG, 1))
    full.when(add(Line("i3", "POT-1", "v3", 1, 100, NOON))).refuses("cart-full")
    full.when(add(MUG)).then(Added(replace(MUG, quantity=2), 1))


def test_setting_the_quantity_that_it_has_changes_nothing() -> None:
    given(cart, OPENED).when(SetQuantity("i1", 2, LIMITS)).then()


def test_a_line_that_is_gone_can_be_neither_changed_nor_removed() -> None:
    gone = given(cart, OPENED, Removed("i1"))
    gone.when(SetQuantity("i1", 3, LIMITS)).refuses("item-gone")
    gone.when(Remove("i1")).refuses("item-gone")


def test_a_line_is_removed() -> None:
    given(cart, OPENED, Added(MUG, 1)).when(Remove("i1")).then(Removed("i1"))


def test_emptying_an_empty_cart_changes_nothing() -> None:
    given(cart, OPENED).when(Empty()).then(Emptied())
    given(cart, OPENED, Emptied()).when(Empty()).then()
    given(cart).when(Empty()).then()


def test_a_closed_cart_takes_nothing_and_loses_nothing() -> None:
    for closed in (given(cart, OPENED, Ordered(1)), given(cart, OPENED, Merged("c2"))):
        for command in (add(MUG), SetQuantity("i1", 1, LIMITS), Remove("i1"), Empty()):
            closed.when(command).refuses("cart-closed")


def test_what_a_given_up_order_took_is_asked_back_once() -> None:
    ordered = given(cart, OPENED, Ordered(1))
    call = Call("put_back", key="c1", request={"cart_id": "c1", "owner": "user:u1"})
    ordered.when(AskPutBack("o1", (KETTLE,))).then(PutBackAsked((KETTLE,))).sends(call)
    given(cart, OPENED, Ordered(1), PutBackAsked((KETTLE,))).when(AskPutBack("o1", (KETTLE,))).then().sends()


def test_it_waits_for_a_cart_that_is_not_closed_yet() -> None:
    given(cart, OPENED).when(AskPutBack("o1", (KETTLE,))).then(PutBackAsked((KETTLE,))).sends()


def test_only_the_carts_own_order_gives_back() -> None:
    given(cart, OPENED, Ordered(1)).when(AskPutBack("o2", (KETTLE,))).refuses("not-this-cart")
    given(cart).when(AskPutBack("o1", (KETTLE,))).refuses("not-this-cart")
