"""What an order holds: the reservation and its SKUs together, as sentences."""

from datetime import UTC, datetime, timedelta

import pytest
from chassis.decider import After, Call
from chassis.testing import Streams
from inventory.domain.holding import holding
from inventory.domain.listing import ListSkus, listing
from inventory.domain.location import Add, Change, location
from inventory.domain.reservation import Status, reservation
from inventory.domain.reservation_events import (
    AskNow,
    Commit,
    CommitPutOff,
    Expire,
    Extend,
    Line,
    Release,
    Reserve,
    Short,
    lines_of,
)
from inventory.domain.stock import stock
from inventory.domain.stock_commands import Configure, Count, ListSku, Receive
from soko_contracts.inventory import (
    ReservationExpiring,
    Shortage,
    StockCommitted,
    StockLevel,
    StockLine,
    StockRejected,
    StockReleased,
    StockReserved,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
END = NOON + timedelta(minutes=20)
MINUTE = timedelta(minutes=1)
LINES = (StockLine(sku="CUP", quantity=2), StockLine(sku="KET", quantity=3))


def reserve(order_id: str = "o", asked: bool = False, **quantities: int) -> Reserve:
    return Reserve(order_id, lines_of(quantities.items()), END, 60, asked)


@pytest.fixture
def shop() -> Streams:
    """Ten cups and ten kettles, thresholds 0."""
    return Streams().execute_many(listing, ListSkus((ListSku("CUP", 0, 10), ListSku("KET", 0, 10))))


@pytest.fixture
def held(shop: Streams) -> Streams:
    """Order o holds two cups and three kettles."""
    return shop.execute_many(holding, reserve(KET=3, CUP=2))


def units(shop: Streams, sku: str) -> tuple[int, int]:
    """On hand and reserved."""
    state = shop.state(stock, sku)
    return state.on_hand, state.reserved


def status(shop: Streams, order_id: str = "o") -> Status:
    return shop.state(reservation, order_id).status


def test_all_lines_are_held_and_the_order_will_be_asked_when_their_time_is_up(held: Streams) -> None:
    reserved = StockReserved(order_id="o", lines=LINES, expires_at=END)
    assert held.sent == [reserved]
    assert After("expiry", END, Expire("o", END)) in held.effects
    assert units(held, "KET") == (10, 3)
    assert units(held, "CUP") == (10, 2)


def test_one_short_line_and_nothing_is_held_and_the_shortage_is_named(shop: Streams) -> None:
    shop.execute_many(holding, reserve(KET=11, CUP=2))
    assert shop.sent == [StockRejected(order_id="o", shortages=(Shortage(sku="KET", requested=11, available=10),))]
    assert units(shop, "KET") == units(shop, "CUP") == (10, 0)


def test_every_shortage_is_named(shop: Streams) -> None:
    shop.execute_many(holding, reserve(KET=11, CUP=12))
    assert [(short.sku, short.available) for short in shop.sent[0].shortages] == [("CUP", 10), ("KET", 10)]


def test_the_same_sku_on_two_lines_adds_up() -> None:
    assert lines_of([("KET", 1), ("CUP", 1), ("KET", 2)]) == (Line("CUP", 1), Line("KET", 3))


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_quantity_that_is_none_is_rejected(shop: Streams, quantity: int) -> None:
    shop.execute_many(holding, reserve(KET=quantity, CUP=1))
    assert shop.sent == [
        StockRejected(order_id="o", shortages=(Shortage(sku="KET", requested=quantity, available=10),))
    ]
    shop.execute_many(holding, Reserve("empty", (), END, 60))
    assert shop.sent == [StockRejected(order_id="empty", shortages=())]


def test_a_hundred_orders_for_twenty_units_hold_exactly_twenty() -> None:
    shop = Streams().execute_many(listing, ListSkus((ListSku("HOT", 5, 20),)))
    answers = [shop.execute_many(holding, reserve(f"o{n}", HOT=1)).sent[0] for n in range(100)]
    assert [type(answer) for answer in answers] == [StockReserved] * 20 + [StockRejected] * 80
    assert units(shop, "HOT") == (20, 20)


def test_a_release_frees_what_is_held(held: Streams) -> None:
    held.execute_many(holding, Release("o"))
    assert held.sent == [StockReleased(order_id="o", lines=LINES)]
    assert units(held, "KET") == (10, 0)


def test_a_commit_sells_what_is_held(held: Streams) -> None:
    held.execute_many(holding, Commit("o", NOON))
    assert held.sent == [StockCommitted(order_id="o", lines=LINES)]
    assert units(held, "KET") == (7, 0)


def test_the_last_units_can_be_sold(shop: Streams) -> None:
    shop.execute_many(holding, reserve(KET=10)).execute_many(holding, Commit("o", NOON))
    assert shop.sent[0] == StockCommitted(order_id="o", lines=(StockLine(sku="KET", quantity=10),))
    assert units(shop, "KET") == (0, 0)


def test_a_release_after_the_commit_brings_the_units_back(held: Streams) -> None:
    held.execute_many(holding, Commit("o", NOON)).execute_many(holding, Release("o"))
    assert held.sent == [StockReleased(order_id="o", lines=LINES)]
    assert units(held, "KET") == (10, 0)


def test_a_release_before_the_reserve_leaves_a_tombstone_that_turns_the_reserve_away(shop: Streams) -> None:
    shop.execute_many(holding, Release("o"))
    assert shop.sent == [StockReleased(order_id="o", lines=())]
    shop.execute_many(holding, reserve(KET=1))
    assert shop.sent == [StockRejected(order_id="o", shortages=())]
    assert units(shop, "KET") == (10, 0)
    assert status(shop) == Status.RELEASED


def test_a_duplicate_is_answered_with_how_things_stand_and_moves_nothing(held: Streams) -> None:
    reserved, released, committed = (
        StockReserved(order_id="o", lines=LINES, expires_at=END),
        StockReleased(order_id="o", lines=LINES),
        StockCommitted(order_id="o", lines=LINES),
    )
    assert held.execute_many(holding, reserve(KET=3, CUP=2)).sent == [reserved]
    assert units(held, "KET") == (10, 3)
    held.execute_many(holding, Commit("o", NOON))
    assert held.execute_many(holding, Commit("o", NOON)).sent == [committed]
    assert held.execute_many(holding, reserve(KET=3, CUP=2)).sent == [committed]
    assert held.execute_many(holding, Extend("o", END)).sent == [committed]
    assert units(held, "KET") == (7, 0)
    held.execute_many(holding, Release("o"))
    assert held.execute_many(holding, Release("o")).sent == [released]
    assert held.execute_many(holding, Commit("o", NOON)).sent == [released]
    assert units(held, "KET") == (10, 0)


def test_a_rejected_reserve_again_is_rejected_again_whatever_has_come_in_since(shop: Streams) -> None:
    shop.execute_many(holding, reserve(KET=11)).execute(stock, "KET", Receive(5))
    shop.execute_many(holding, reserve(KET=11))
    assert shop.sent == [StockRejected(order_id="o", shortages=(Shortage(sku="KET", requested=11, available=10),))]
    assert shop.execute_many(holding, Release("o")).sent == [StockReleased(order_id="o", lines=())]


def test_a_commit_of_what_nobody_reserved_is_answered_with_a_no(shop: Streams) -> None:
    assert shop.execute_many(holding, Commit("o", NOON)).sent == [StockRejected(order_id="o", shortages=())]
    shop.execute_many(holding, Extend("p", END))
    assert shop.effects == []
    shop.execute_many(holding, reserve("short", KET=11)).execute_many(holding, Commit("short", NOON))
    shortage = Shortage(sku="KET", requested=11, available=10)
    assert shop.sent == [StockRejected(order_id="short", shortages=(shortage,))]


def test_inventory_asks_ever_more_rarely_and_releases_nothing_by_itself(held: Streams) -> None:
    at, waits = END, []
    for _ in range(9):
        held.execute(reservation, "o", Expire("o", at))
        assert held.sent == [ReservationExpiring(order_id="o", expires_at=at)]
        timer = held.effects[-1]
        assert isinstance(timer, After)
        assert held.execute(reservation, "o", Expire("o", at)).effects == [], "asked twice at once"
        waits.append((timer.at - at) // MINUTE)
        at = timer.at
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert units(held, "KET") == (10, 3)


def test_an_extension_moves_the_question_and_the_old_timer_says_nothing(held: Streams) -> None:
    later = END + 15 * MINUTE
    held.execute(reservation, "o", Expire("o", END)).execute_many(holding, Extend("o", later))
    assert held.effects == [After("expiry", later, Expire("o", later))]
    assert held.execute(reservation, "o", Expire("o", END + MINUTE)).effects == []
    held.execute(reservation, "o", Expire("o", later))
    assert held.effects[-1] == After("expiry", later + MINUTE, Expire("o", later + MINUTE))


@pytest.mark.parametrize("ending", [Release("o"), Commit("o", NOON)])
def test_a_reservation_that_has_ended_asks_nothing(held: Streams, ending: Release | Commit) -> None:
    assert held.execute_many(holding, ending).execute(reservation, "o", Expire("o", END)).effects == []


def test_what_is_not_held_yet_asks_nothing(shop: Streams) -> None:
    shop.execute_many(holding, reserve(NEW=1))
    assert shop.execute(reservation, "o", Expire("o", END)).effects == []


def test_an_unknown_sku_is_asked_for_at_the_catalog_once(shop: Streams) -> None:
    shop.execute_many(holding, reserve(NEW=1, KET=1))
    (call,) = shop.effects
    assert isinstance(call, Call)
    assert (call.name, call.key) == ("catalog.variants", "o")
    assert call.request == {
        "order_id": "o",
        "lines": [["KET", 1], ["NEW", 1]],
        "unknown": ["NEW"],
        "expires_at": END.isoformat(),
        "ask_every": 60,
    }
    assert units(shop, "KET") == (10, 0)
    assert shop.execute_many(holding, reserve(NEW=1, KET=1)).effects == []


def test_what_the_catalog_knew_is_held_with_its_initial_stock(shop: Streams) -> None:
    shop.execute_many(holding, reserve(NEW=4, KET=1))
    shop.execute_many(listing, ListSkus((ListSku("NEW", 0, 20),)))
    shop.execute_many(holding, reserve(NEW=4, KET=1, asked=True))
    assert [type(message) for message in shop.sent] == [StockReserved]
    assert units(shop, "NEW") == (20, 4)


def test_what_the_catalog_did_not_know_is_rejected(shop: Streams) -> None:
    shop.execute_many(holding, reserve(NEW=4, KET=1)).execute_many(holding, reserve(NEW=4, KET=1, asked=True))
    assert shop.sent == [StockRejected(order_id="o", shortages=(Shortage(sku="NEW", requested=4, available=0),))]
    assert units(shop, "KET") == (10, 0)


def test_a_release_while_the_catalog_is_asked_turns_the_reserve_away(shop: Streams) -> None:
    shop.execute_many(holding, reserve(NEW=4))
    assert shop.execute_many(holding, Commit("o", NOON)).effects == []
    assert shop.execute_many(holding, Release("o")).sent == [StockReleased(order_id="o", lines=())]
    shop.execute_many(listing, ListSkus((ListSku("NEW", 0, 20),)))
    assert shop.execute_many(holding, reserve(NEW=4, asked=True)).sent == [StockRejected(order_id="o", shortages=())]
    assert units(shop, "NEW") == (20, 0)


def test_a_commit_of_units_a_count_did_not_find_is_put_off_until_they_come(held: Streams) -> None:
    held.execute(stock, "KET", Count(1))
    held.execute_many(holding, Commit("o", NOON))
    soon = NOON + MINUTE
    assert held.sent == [StockReserved(order_id="o", lines=LINES, expires_at=soon)]
    assert held.effects[-1] == After("expiry", soon, Expire("o", soon))
    assert (units(held, "KET"), units(held, "CUP")) == ((1, 3), (10, 2))
    held.execute(stock, "KET", Receive(5)).execute(reservation, "o", Expire("o", soon))
    held.execute_many(holding, Commit("o", soon))
    assert held.sent == [StockCommitted(order_id="o", lines=LINES)]
    assert (units(held, "KET"), units(held, "CUP")) == ((3, 0), (8, 0))


def test_levels_are_told_beside_the_answer(shop: Streams) -> None:
    shop.execute_many(holding, reserve(KET=10))
    assert [type(message).__name__ for message in shop.sent] == ["StockReserved", "StockLevel", "StockLow"]
    assert shop.sent[1] == StockLevel(sku="KET", on_hand=10, reserved=10, available=0)


@pytest.fixture
def spread(shop: Streams) -> Streams:
    """Ten kettles at the main location, five at the port, which gives first; up to four more are promised."""
    shop.execute(location, "port", Add("Port", 0)).execute(location, "main", Change("main", priority=1))
    shop.execute(stock, "KET", Receive(5, location="port"))
    return shop.execute(stock, "KET", Configure(backorder_limit=4))


def told(*lines: tuple[int, str | None, bool]) -> tuple[StockLine, ...]:
    return tuple(StockLine(sku="KET", quantity=n, location_id=at, backordered=waits) for n, at, waits in lines)


def test_the_answer_says_where_the_units_are_and_which_are_still_to_come(spread: Streams) -> None:
    spread.execute_many(holding, reserve(KET=18))
    lines = told((5, "port", False), (10, None, False), (3, None, True))
    assert spread.sent[0] == StockReserved(order_id="o", lines=lines, expires_at=END)
    spread.execute_many(holding, reserve("p", KET=2))
    assert spread.sent == [StockRejected(order_id="p", shortages=(Shortage(sku="KET", requested=2, available=1),))]


def test_an_order_goes_out_from_where_its_units_were_set_aside(spread: Streams) -> None:
    spread.execute_many(holding, reserve(KET=7)).execute(location, "port", Change("port", priority=9))
    spread.execute_many(holding, reserve("p", KET=2)).execute_many(holding, Commit("o", NOON))
    assert spread.sent == [StockCommitted(order_id="o", lines=told((7, None, False)))]
    spread.execute_many(holding, Commit("p", NOON))
    assert spread.sent[0] == StockCommitted(order_id="p", lines=told((2, None, False)))
    spread.execute_many(holding, reserve("q", KET=6)).execute_many(holding, Commit("q", NOON))
    assert spread.sent[0] == StockCommitted(order_id="q", lines=told((1, None, False), (5, "port", False)))
    spread.execute_many(holding, Release("q"))
    assert spread.sent[0] == StockReleased(order_id="q", lines=told((1, None, False), (5, "port", False)))
    assert spread.state(stock, "KET").at("port").on_hand == 5


def test_a_shop_with_one_location_reads_no_other(shop: Streams, spread: Streams) -> None:
    one = Streams().execute_many(listing, ListSkus((ListSku("KET", 0, 10),)))
    states = {"stock-KET": one.state(stock, "KET")}
    assert holding.more(reserve(KET=1), states) == []
    states = {"stock-KET": spread.state(stock, "KET")}
    assert holding.more(reserve(KET=1), states) == [(location, "main"), (location, "port")]


def test_locations_of_the_same_priority_give_in_the_order_of_their_ids(spread: Streams) -> None:
    spread.execute(location, "port", Change("port", priority=1)).execute_many(holding, reserve(KET=2))
    assert spread.sent[0].lines == told((2, None, False))


def test_who_waits_for_units_is_asked_as_soon_as_they_have_come(spread: Streams) -> None:
    spread.execute_many(holding, reserve(KET=18)).execute_many(holding, Commit("o", NOON))
    later = NOON + MINUTE
    assert spread.sent[0] == StockReserved(
        order_id="o", lines=told((5, "port", False), (10, None, False), (3, None, True)), expires_at=later
    )
    spread.execute(stock, "KET", Receive(3)).execute(reservation, "o", AskNow("o", NOON))
    assert spread.sent == [ReservationExpiring(order_id="o", expires_at=NOON)]
    assert spread.effects[-1] == After("expiry", later, Expire("o", later))
    spread.execute_many(holding, Commit("o", NOON))
    assert spread.sent[0] == StockCommitted(order_id="o", lines=told((5, "port", False), (13, None, False)))


def test_who_has_not_said_commit_is_not_asked_when_units_come(spread: Streams) -> None:
    spread.execute_many(holding, reserve(KET=18)).execute(reservation, "o", AskNow("o", NOON))
    assert spread.effects == []
    spread.execute_many(holding, Commit("o", NOON)).execute_many(holding, Extend("o", END))
    assert spread.execute(reservation, "o", AskNow("o", NOON)).effects == []
    spread.execute_many(holding, Commit("o", NOON)).execute_many(holding, Release("o"))
    assert spread.execute(reservation, "o", AskNow("o", NOON)).effects == []


def test_a_commit_is_put_off_with_what_is_missing_of_each_sku(spread: Streams) -> None:
    spread.execute_many(holding, reserve(KET=18, CUP=2)).execute_many(holding, Commit("o", NOON))
    put_off = [event for _, event in spread.events if isinstance(event, CommitPutOff)]
    assert put_off == [CommitPutOff("o", (Short("KET", 18, 15),), NOON + MINUTE)]
