"""One SKU's units, as sentences."""

import pytest
from chassis.testing import given
from inventory.domain.shelves import Part, Shelf, Stock
from inventory.domain.stock import stock
from inventory.domain.stock_commands import (
    Adjust,
    Command,
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
    Counted,
    FellLow,
    LevelCrossed,
    Listed,
    Received,
    Released,
    Reserved,
    Returned,
    Sold,
    ThresholdSet,
)
from soko_contracts.inventory import StockLevel, StockLow

SKU = "KET-1"
LISTED = Listed(SKU, 5)
TWENTY = (LISTED, Received(20, "initial stock", initial=True))


def crossed(on_hand: int, reserved: int, available: int) -> LevelCrossed:
    return LevelCrossed(SKU, on_hand, reserved, available)


def test_a_sku_is_listed_with_its_initial_stock_and_its_level_is_told() -> None:
    told = StockLevel(sku=SKU, on_hand=20, reserved=0, available=20)
    given(stock).when(ListSku(SKU, 5, 20)).then(*TWENTY, crossed(20, 0, 20)).sends(told)


def test_a_sku_without_initial_stock_is_listed_empty() -> None:
    given(stock).when(ListSku(SKU, 5)).then(LISTED).sends()


def test_initial_stock_is_received_once_whoever_says_so_first() -> None:
    given(stock, *TWENTY).when(ListSku(SKU, 5, 20)).then()


def test_initial_stock_may_come_after_the_listing_and_after_other_stock() -> None:
    initial = Received(20, "initial stock", initial=True)
    given(stock, LISTED).when(ListSku(SKU, 9, 20)).then(initial, crossed(20, 0, 20))
    given(stock, LISTED, Received(8)).when(ListSku(SKU, 5, 20)).then(initial)


@pytest.mark.parametrize(
    "command",
    [
        *(Receive(1), Count(1), Adjust(1), Configure(1), Reserve("o", 1), Dispatch("t", 1, "main", "b"), TakeIn("t")),
        *(Release("o", (Part(1),)), Sell("o", (Part(1),)), TakeBack("o", (Part(1),))),
    ],
)
def test_nothing_moves_of_a_sku_nobody_listed(command: Command) -> None:
    given(stock).when(command).refuses("unknown-sku")


def test_a_receipt_is_a_movement_with_its_reference() -> None:
    given(stock, *TWENTY).when(Receive(5, "DN-77")).then(Received(5, "DN-77")).sends()


def test_reserving_takes_from_what_is_free_only() -> None:
    given(stock, *TWENTY).when(Reserve("o", 3)).then(Reserved("o", 3)).sends()
    given(stock, *TWENTY, Reserved("a", 18)).when(Reserve("b", 3)).refuses("not-enough-stock")


def test_falling_to_the_threshold_tells_the_level_and_that_it_is_low() -> None:
    low = StockLow(sku=SKU, available=5, threshold=5)
    level = StockLevel(sku=SKU, on_hand=20, reserved=15, available=5)
    given(stock, *TWENTY).when(Reserve("o", 15)).then(Reserved("o", 15), crossed(20, 15, 5), FellLow(SKU, 5, 5)).sends(
        level, low
    )


def test_low_is_told_once_a_crossing() -> None:
    low = (*TWENTY, Reserved("a", 15), crossed(20, 15, 5), FellLow(SKU, 5, 5))
    given(stock, *low).when(Reserve("b", 1)).then(Reserved("b", 1)).sends()
    given(stock, *low).when(Reserve("b", 5)).then(Reserved("b", 5), crossed(20, 20, 0))
    given(stock, *low, Released("a", 10)).when(Reserve("b", 10)).then(
        Reserved("b", 10), crossed(20, 15, 5), FellLow(SKU, 5, 5)
    )


def test_units_that_come_back_cross_upwards() -> None:
    empty = (*TWENTY, Reserved("a", 20))
    given(stock, *empty).when(Release("a", (Part(20),))).then(Released("a", 20), crossed(20, 0, 20))
    given(stock, *empty).when(Release("a", (Part(2),))).then(Released("a", 2), crossed(20, 18, 2))


def test_selling_takes_reserved_units_off_the_shelf_and_crosses_nothing() -> None:
    outcome = given(stock, *TWENTY, Reserved("o", 15)).when(Sell("o", (Part(15),))).then(Sold("o", 15)).sends()
    assert outcome.state.on_hand == outcome.state.available == 5
    assert outcome.state.reserved == 0


def test_the_last_unit_can_be_sold() -> None:
    given(stock, *TWENTY, Reserved("o", 20)).when(Sell("o", (Part(20),))).then(Sold("o", 20)).sends()


def test_units_sold_to_an_order_that_was_cancelled_are_free_again() -> None:
    gone = (*TWENTY, Reserved("o", 20), Sold("o", 20))
    given(stock, *gone).when(TakeBack("o", (Part(20),))).then(Returned("o", 20), crossed(20, 0, 20))


def test_an_adjustment_says_why() -> None:
    given(stock, *TWENTY).when(Adjust(-2, "damaged", "wet")).then(Adjusted(-2, "damaged", "wet"))


def test_an_adjustment_below_what_is_reserved_is_refused() -> None:
    held = (*TWENTY, Reserved("o", 18))
    given(stock, *held).when(Adjust(-3)).refuses("not-enough-stock")
    given(stock, *held).when(Adjust(-2)).then(Adjusted(-2, "adjusted"), crossed(18, 18, 0))
    given(stock, *TWENTY).when(Adjust(-21)).refuses("not-enough-stock")


def test_a_count_is_a_fact_and_records_the_reserved_units_it_does_not_find() -> None:
    counted = Counted(12, -8, 6, "stocktake")
    outcome = given(stock, *TWENTY, Reserved("o", 18)).when(Count(12, "stocktake")).then(counted, crossed(12, 18, 0))
    assert outcome.state == Stock(SKU, 5, True, on_hand=12, reserved=18, shortage=6)
    assert outcome.state.shelves == (Shelf("main", 12, 18, 6),)


def test_a_shortage_closes_as_units_come_and_reservations_go() -> None:
    short = (*TWENTY, Reserved("o", 18), Counted(12, -8, 6))
    assert stock.fold((*short, Received(4))).shortage == 2
    assert stock.fold((*short, Adjusted(9, "adjusted"))).shortage == 0
    assert stock.fold((*short, Released("o", 3))).shortage == 3
    assert stock.fold((*short, Sold("o", 5))).shortage == 6
    assert stock.fold((*short, Counted(18, 6, 0))).shortage == 0


@pytest.mark.parametrize("delta", [0, 1])
def test_an_adjustment_that_takes_nothing_is_fine_during_a_shortage(delta: int) -> None:
    given(stock, *TWENTY, Reserved("o", 18), Counted(12, -8, 6)).when(Adjust(delta)).then(Adjusted(delta, "adjusted"))


def test_units_that_are_not_there_are_not_sold() -> None:
    short = (*TWENTY, Reserved("o", 18), Counted(12, -8, 6))
    given(stock, *short).when(Sell("o", (Part(13),))).refuses("not-enough-stock")


def test_a_count_that_finds_what_was_thought_is_still_a_movement() -> None:
    given(stock, *TWENTY).when(Count(20)).then(Counted(20, 0, 0)).sends()


def test_a_threshold_moved_past_the_free_units_is_a_crossing() -> None:
    given(stock, *TWENTY).when(Configure(20)).then(ThresholdSet(20), crossed(20, 0, 20), FellLow(SKU, 20, 20))
    given(stock, *TWENTY).when(Configure(5)).then()
