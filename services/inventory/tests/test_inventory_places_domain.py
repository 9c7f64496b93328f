"""One SKU at several places, promised before it comes, and what it cost, as sentences."""

import pytest
from chassis.decider import Send
from chassis.testing import given
from inventory.domain.location import Add, Added, Change, Changed, location
from inventory.domain.shelves import Backorder, Part, Shelf, Stock
from inventory.domain.stock import stock
from inventory.domain.stock_commands import (
    Adjust,
    Configure,
    Count,
    Dispatch,
    ListSku,
    Receive,
    Release,
    Reserve,
    Sell,
    TakeBack,
    TakeIn,
)
from inventory.domain.stock_events import (
    Adjusted,
    Arrived,
    BackorderLimitSet,
    Counted,
    Dispatched,
    Event,
    FellLow,
    Filled,
    LevelCrossed,
    Listed,
    Received,
    Released,
    Reserved,
    Returned,
    Sold,
)
from soko_contracts.inventory import BackorderFilled, StockLevel

SKU = "KET-1"
LISTED = Listed(SKU, 0)
HERE = Received(4)
THERE = Received(10, location="b")
BOTH = (LISTED, HERE, THERE)
LIMITED = (LISTED, BackorderLimitSet(5))
COSTED = (LISTED, Received(3, unit_cost=100, cost=300), Received(4, unit_cost=101, cost=404))


def of(*events: Event) -> Stock:
    return stock.fold(events)


# --- places


def test_what_all_places_have_is_free_and_the_main_one_has_what_is_nowhere_else() -> None:
    state = of(*BOTH, Reserved("o", 3, "b"))
    assert (state.on_hand, state.reserved, state.available) == (14, 3, 11)
    assert state.shelves == (Shelf("main", 4, 0), Shelf("b", 10, 3))


@pytest.mark.parametrize(
    ("quantity", "preferred", "parts"),
    [
        (4, ("main", "b"), [("main", 4)]),
        (4, ("b", "main"), [("b", 4)]),
        (5, ("main", "b"), [("b", 5)]),
        (12, ("main", "b"), [("main", 4), ("b", 8)]),
        (12, ("b", "main"), [("b", 10), ("main", 2)]),
        (14, ("b",), [("b", 10), ("main", 4)]),
    ],
)
def test_the_first_place_that_has_all_gives_it_else_each_gives_what_it_has(
    quantity: int, preferred: tuple[str, ...], parts: list[tuple[str, int]]
) -> None:
    found = given(stock, *BOTH).when(Reserve("o", quantity, preferred)).events
    assert [(event.location, event.quantity) for event in found if isinstance(event, Reserved)] == parts


def test_no_place_gives_more_than_it_has_and_all_together_no_more_than_there_is() -> None:
    given(stock, *BOTH).when(Reserve("o", 15, ("main", "b"))).refuses("not-enough-stock")
    given(stock, *BOTH, Reserved("o", 9, "b")).when(Adjust(-2, location="b")).refuses("not-enough-stock")
    given(stock, *BOTH, Reserved("o", 9, "b")).when(Adjust(-1, location="b")).then(Adjusted(-1, "adjusted", None, "b"))


def test_units_are_sold_given_back_and_freed_where_they_were_set_aside() -> None:
    held = (*BOTH, Reserved("o", 4), Reserved("o", 8, "b"))
    parts = (Part(4), Part(8, "b"))
    gone = (Sold("o", 4), Sold("o", 8, "b"))
    assert given(stock, *held).when(Sell("o", parts)).then(*gone).state.shelves == (Shelf("main"), Shelf("b", 2))
    back = given(stock, *held, *gone).when(TakeBack("o", parts))
    assert back.then(Returned("o", 4), Returned("o", 8, "b")).state.shelves == of(*BOTH).shelves
    freed = given(stock, *held).when(Release("o", parts))
    assert freed.then(Released("o", 4), Released("o", 8, "b")).state.shelves == of(*BOTH).shelves


def test_a_count_is_of_one_place() -> None:
    outcome = given(stock, *BOTH, Reserved("o", 6, "b")).when(Count(5, "stocktake", "b"))
    outcome.then(Counted(5, -5, 1, "stocktake", "b"))
    assert (outcome.state.shortage, outcome.state.available) == (1, 4)
    assert outcome.state.shelves == (Shelf("main", 4), Shelf("b", 5, 6, 1))
    given(stock, *BOTH, Reserved("o", 6, "b"), Counted(5, -5, 1, None, "b")).when(Sell("o", (Part(6, "b"),))).refuses(
        "not-enough-stock"
    )


def test_what_travels_is_nowhere_and_nobodys_to_order_until_it_arrives() -> None:
    sent = Dispatched("t", 6, "b", "c", "van")
    outcome = given(stock, *BOTH).when(Dispatch("t", 6, "b", "c", "van")).then(sent)
    assert (outcome.state.on_hand, outcome.state.available, outcome.state.travelling) == (8, 8, 6)
    arrived = given(stock, *BOTH, sent).when(TakeIn("t")).then(Arrived("t", 6, "b", "c", "van"))
    assert arrived.state.shelves == (Shelf("main", 4), Shelf("b", 4), Shelf("c", 6))
    assert arrived.state.travelling == 0


def test_the_same_transfer_leaves_once_and_arrives_once() -> None:
    sent = Dispatched("t", 6, "b", "main")
    given(stock, *BOTH, sent).when(Dispatch("t", 6, "b", "main")).then()
    given(stock, *BOTH, sent, Arrived("t", 6, "b", "main")).when(TakeIn("t")).then()
    given(stock, *BOTH, sent).when(TakeIn("another")).then()


def test_reserved_units_are_not_sent_away() -> None:
    given(stock, *BOTH, Reserved("o", 5, "b")).when(Dispatch("t", 6, "b", "main")).refuses("not-enough-stock")
    given(stock, *BOTH, Reserved("o", 5, "b")).when(Dispatch("t", 5, "b", "main")).then(Dispatched("t", 5, "b", "main"))


def test_a_location_is_added_once_and_changed_and_the_main_one_needs_no_adding() -> None:
    given(location).when(Add("Mombasa", 10)).then(Added("Mombasa", 10))
    given(location, Added("Mombasa", 10)).when(Add("Mombasa", 10)).then()
    given(location, Added("Mombasa", 10)).when(Change("b", priority=0)).then(Changed("Mombasa", 0))
    given(location, Added("Mombasa", 10)).when(Change("b", name="Harbour")).then(Changed("Harbour", 10))
    given(location, Added("Mombasa", 10)).when(Change("b", "Mombasa", 10)).then()
    given(location).when(Change("main", priority=50)).then(Changed("Main", 50))
    given(location).when(Change("b", priority=50)).refuses("unknown-location")


# --- promised before they come


def test_up_to_its_limit_a_sku_is_promised_before_it_comes() -> None:
    waits = Reserved("o", 5, waits=True)
    given(stock, *LIMITED).when(Reserve("o", 5)).then(waits, LevelCrossed(SKU, 0, 5, 0, 0))
    given(stock, *LIMITED).when(Reserve("o", 6)).refuses("not-enough-stock")
    given(stock, *LIMITED, waits).when(Reserve("p", 1)).refuses("not-enough-stock")
    given(stock, *LIMITED, HERE).when(Reserve("o", 7)).then(
        Reserved("o", 4), Reserved("o", 3, waits=True), LevelCrossed(SKU, 4, 7, 0, 2), FellLow(SKU, 0, 0)
    )


def test_the_level_says_what_can_be_ordered_though_it_is_not_there() -> None:
    told = StockLevel(sku=SKU, on_hand=0, reserved=0, available=0, backorderable=5)
    given(stock, LISTED).when(Configure(backorder_limit=5)).then(
        BackorderLimitSet(5), LevelCrossed(SKU, 0, 0, 0, 5)
    ).sends(told)
    given(stock, LISTED, HERE).when(Configure(backorder_limit=5)).then(
        BackorderLimitSet(5), LevelCrossed(SKU, 4, 0, 4, 5)
    )
    given(stock, *LIMITED, HERE).when(Configure(backorder_limit=0)).then(
        BackorderLimitSet(0), LevelCrossed(SKU, 4, 0, 4, 0)
    )


def test_what_can_be_ordered_is_told_where_it_begins_and_ends_and_not_between() -> None:
    given(stock, *LIMITED).when(Configure(backorder_limit=5)).then()
    given(stock, *LIMITED).when(Configure()).then()
    given(stock, *LIMITED).when(Configure(backorder_limit=2)).then(BackorderLimitSet(2)).sends()
    given(stock, *LIMITED).when(Reserve("o", 3)).then(Reserved("o", 3, waits=True)).sends()
    used_up = (*LIMITED, Reserved("o", 3, waits=True), Reserved("p", 2, waits=True))
    freed = given(stock, *used_up).when(Release("o", (Part(3, waits=True),)))
    freed.then(Released("o", 3, waits=True), LevelCrossed(SKU, 0, 2, 0, 3))
    given(stock, *used_up).when(Configure(backorder_limit=4)).then(BackorderLimitSet(4)).sends()
    come = given(stock, *used_up).when(Receive(1))
    come.then(Received(1), Filled(SKU, "o", 1, "main"), LevelCrossed(SKU, 1, 5, 0, 1))


def test_units_that_come_go_to_who_waits_the_oldest_first() -> None:
    waiting = (*LIMITED, Reserved("o", 2, waits=True), Reserved("p", 3, waits=True))
    outcome = given(stock, *waiting).when(Receive(4, "DN-1", "b"))
    outcome.then(
        Received(4, "DN-1", location="b"), Filled(SKU, "o", 2, "b"), Filled(SKU, "p", 2, "b"),
        LevelCrossed(SKU, 4, 5, 0, 4),
    )  # fmt: skip
    assert outcome.effects[:2] == [
        Send(BackorderFilled(order_id="o", sku=SKU, quantity=2, location_id="b")),
        Send(BackorderFilled(order_id="p", sku=SKU, quantity=2, location_id="b")),
    ]
    assert outcome.state.backorders == (
        Backorder("o", 0, (Part(2, "b"),)),
        Backorder("p", 1, (Part(2, "b"),)),
    )
    assert (outcome.state.reserved, outcome.state.backordered, outcome.state.available) == (5, 1, 0)


def test_what_is_freed_at_several_places_goes_to_who_waits_and_no_more_than_they_want() -> None:
    held = (*LIMITED, Received(2), Received(3, location="b"), Reserved("p", 2), Reserved("p", 3, "b"))
    outcome = given(stock, *held, Reserved("o", 4, waits=True)).when(Release("p", (Part(2), Part(3, "b"))))
    outcome.then(
        Released("p", 2), Released("p", 3, "b"), Filled(SKU, "o", 2, "main"), Filled(SKU, "o", 2, "b"),
        LevelCrossed(SKU, 5, 4, 1, 5),
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [Count(1), Adjust(1), ListSku(SKU, 0, 1), TakeBack("p", (Part(1),)), Release("p", (Part(1),)), TakeIn("t")],
)
def test_whatever_frees_a_unit_frees_it_for_who_waits(command: Count) -> None:
    sold = (LISTED, Received(3), Reserved("p", 3), Sold("p", 1), Dispatched("t", 1, "main", "main"))
    waiting = (*sold, BackorderLimitSet(5), Reserved("o", 2, waits=True))
    free = given(stock, *sold).when(command).state.available
    outcome = given(stock, *waiting).when(command)
    assert outcome.state.of("o").missing == 2 - min(free, 2)


def test_who_waited_is_sold_what_came_from_where_it_came() -> None:
    filled = (
        *LIMITED,
        Received(1),
        Reserved("o", 1),
        Reserved("o", 4, waits=True),
        Received(2),
        Received(2, location="b"),
        Filled(SKU, "o", 2, "main"),
    )
    parts = (Part(1), Part(4, waits=True))
    refused = given(stock, *filled).when(Sell("o", parts)).refuses("not-enough-stock").refused
    assert "2 are missing" in str(refused)
    outcome = given(stock, *filled, Filled(SKU, "o", 2, "b")).when(Sell("o", parts))
    outcome.then(Sold("o", 3), Sold("o", 2, "b"))
    assert outcome.state.backorders == ()


def test_who_no_longer_wants_what_came_in_part_leaves_it_to_others() -> None:
    waiting = (
        *LIMITED,
        Reserved("o", 3, waits=True),
        Reserved("p", 2, waits=True),
        Received(1),
        Filled(SKU, "o", 1, "main"),
    )
    outcome = given(stock, *waiting).when(Release("o", (Part(3, waits=True),)))
    outcome.then(Released("o", 1), Released("o", 2, waits=True), Filled(SKU, "p", 1, "main"))
    assert outcome.state.backorders == (Backorder("p", 1, (Part(1),)),)
    assert (outcome.state.reserved, outcome.state.on_hand) == (2, 1)


# --- costs


def test_a_receipt_says_what_it_cost() -> None:
    given(stock, LISTED, HERE).when(Receive(3, "DN-1", unit_cost=100, supplier="Kettles Ltd")).then(
        Received(3, "DN-1", False, "main", 100, "Kettles Ltd", 300)
    )


def test_units_leave_at_the_average_and_the_remainder_stays() -> None:
    state = of(*COSTED)
    costs = []
    for left in range(6, -1, -1):
        outcome = given(stock, *COSTED)
        outcome.state = state
        adjusted = outcome.when(Adjust(-1)).events[0]
        assert isinstance(adjusted, Adjusted)
        costs.append(-adjusted.cost)
        state = stock.evolve(state, adjusted)
        assert state.costed == left
    assert costs == [100, 100, 100, 101, 101, 101, 101]
    assert (sum(costs), state.cost) == (704, 0)


def test_units_without_a_cost_join_at_the_average_once_there_is_one() -> None:
    given(stock, LISTED).when(Receive(4)).then(Received(4), LevelCrossed(SKU, 4, 0, 4))
    given(stock, *COSTED).when(Receive(2)).then(Received(2, cost=201))
    given(stock, *COSTED).when(TakeBack("o", (Part(2),))).then(Returned("o", 2, cost=201))
    assert of(*COSTED, Received(2, cost=201)).costed == 9


def test_units_of_unknown_cost_leave_first() -> None:
    mixed = (LISTED, Received(4), Received(2, unit_cost=100, cost=200), Reserved("o", 5))
    outcome = given(stock, *mixed).when(Sell("o", (Part(5),))).then(Sold("o", 5, cost=-100))
    assert (outcome.state.costed, outcome.state.cost) == (1, 100)


def test_a_transfer_costs_nothing_and_what_travels_is_still_the_shops() -> None:
    sent = given(stock, *COSTED).when(Dispatch("t", 3, "main", "b"))
    assert (sent.state.costed, sent.state.cost) == (7, 704)
    sold = given(stock, *COSTED, Dispatched("t", 3, "main", "b"), Reserved("o", 4)).when(Sell("o", (Part(4),)))
    assert sold.events[0] == Sold("o", 4, cost=-402)
    assert (sold.state.costed, sold.state.cost) == (3, 302)


def test_a_sku_is_worth_no_more_than_can_be_noted() -> None:
    given(stock, LISTED).when(Receive(10**6, unit_cost=10**12)).then(
        Received(10**6, unit_cost=10**12, cost=10**18), LevelCrossed(SKU, 10**6, 0, 10**6)
    )
    rich = (LISTED, Received(10**6, unit_cost=10**12, cost=10**18))
    for command in (Receive(1, unit_cost=1), Count(10**6 + 1), Adjust(1)):
        given(stock, *rich).when(command).refuses("value-out-of-range")
