"""Any order of commands against a model a child could follow: how many units, and who has them."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import hypothesis.strategies as st
from chassis.decider import After, Refused
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from inventory.domain.holding import Command, holding
from inventory.domain.listing import ListSkus, listing
from inventory.domain.reservation import Reservation, Status, reservation
from inventory.domain.reservation_events import Commit, Expire, Extend, Release, Reserve, lines_of
from inventory.domain.shelves import Stock
from inventory.domain.stock import stock
from inventory.domain.stock_commands import Adjust, Configure, Count, ListSku, Receive
from inventory.domain.stock_events import FellLow
from inventory.service import AGGREGATES
from journal import Journal
from soko_contracts.inventory import (
    ReservationExpiring,
    StockCommitted,
    StockLevel,
    StockRejected,
    StockReleased,
    StockReserved,
)
from thoroughness import runs

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
THRESHOLD = 2
EVERY = 60
ORDERS = st.sampled_from([f"o{n}" for n in range(6)])
SKUS = st.sampled_from(["A", "B", "C"])
WANTED = st.dictionaries(SKUS, st.integers(1, 5), min_size=1)


class Warehouse(RuleBasedStateMachine):
    """``shelf`` counts units; ``holds`` says what an order holds, ``has`` what was sold to it."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Journal(*AGGREGATES)
        self.now = NOW
        self.shelf: Counter[str] = Counter()
        self.holds: dict[str, Counter[str]] = {}
        self.has: dict[str, Counter[str]] = {}
        self.decided: set[str] = set()
        self.begun: set[str] = set()
        self.timers: dict[str, Expire] = {}
        self.commands: list[Command] = []
        self.levels: dict[str, list[tuple[int, int]]] = {sku: [(0, THRESHOLD)] for sku in "ABC"}
        self.told: dict[str, int] = {}

    # --- the model ---

    def reserved(self, sku: str) -> int:
        return sum(hold[sku] for hold in self.holds.values())

    def free(self, sku: str) -> int:
        return max(0, self.shelf[sku] - self.reserved(sku))

    # --- the service ---

    def stock(self, sku: str) -> Stock:
        state: Stock = self.shop.state(stock, sku)
        return state

    def known(self, sku: str) -> bool:
        return self.stock(sku).sku is not None

    def reservation(self, order: str) -> Reservation:
        state: Reservation = self.shop.state(reservation, order)
        return state

    def status(self, order: str) -> Status:
        return self.reservation(order).status

    def hear(self) -> None:
        """What the last command led to."""
        for effect in self.shop.effects:
            if isinstance(effect, After):
                self.timers[effect.command.order_id] = effect.command
        for message in self.shop.sent:
            if isinstance(message, StockLevel):
                assert message.available == self.stock(message.sku).available
                self.told[message.sku] = message.available

    def hold(self, command: Command) -> None:
        self.commands.append(command)
        self.shop.execute_many(holding, command)
        self.hear()

    def move(self, sku: str, command: Receive | Count | Adjust | Configure) -> None:
        self.shop.execute(stock, sku, command)
        self.hear()

    def answer(self, *types: type) -> object:
        """The one message that is about an order."""
        (found,) = [message for message in self.shop.sent if hasattr(message, "order_id")]
        assert isinstance(found, types)
        return found

    # --- what can happen, in any order ---

    @initialize(initial=st.integers(0, 12))
    def the_catalog_lists_two_skus(self, initial: int) -> None:
        self.the_catalog_tells("A", initial)
        self.the_catalog_tells("B", initial)

    @rule(sku=SKUS, initial=st.integers(0, 12))
    def the_catalog_tells(self, sku: str, initial: int) -> None:
        self.shop.execute_many(listing, ListSkus((ListSku(sku, THRESHOLD, initial),)))
        self.hear()
        if initial and sku not in self.begun:
            self.begun.add(sku)
            self.shelf[sku] += initial

    @rule(order=ORDERS, wanted=WANTED, minutes=st.integers(0, 20))
    def reserve(self, order: str, wanted: dict[str, int], minutes: int) -> None:
        waiting = self.status(order) == Status.PENDING
        self.hold(Reserve(order, lines_of(wanted.items()), self.now + timedelta(minutes=minutes), EVERY))
        if self.status(order) == Status.PENDING:
            assert bool(self.shop.effects) is not waiting
        else:
            self.reserve_is_answered(order, wanted)

    @rule(order=ORDERS)
    def the_catalog_answers(self, order: str) -> None:
        pending = self.reservation(order)
        if pending.status == Status.PENDING:
            assert pending.ask_at is not None
            self.hold(Reserve(order, pending.lines, pending.ask_at, EVERY, asked=True))
            self.reserve_is_answered(order, {line.sku: line.quantity for line in pending.lines})

    def reserve_is_answered(self, order: str, wanted: dict[str, int]) -> None:
        answer = self.answer(StockReserved, StockRejected, StockReleased, StockCommitted)
        if order in self.decided:
            return
        self.decided.add(order)
        short = {sku for sku, quantity in wanted.items() if quantity > self.free(sku)}
        if isinstance(answer, StockRejected):
            assert {shortage.sku for shortage in answer.shortages} == short != set()
        else:
            assert not short
            self.holds[order] = Counter(wanted)

    @rule(order=ORDERS)
    def release(self, order: str) -> None:
        self.hold(Release(order))
        self.answer(StockReleased)
        self.decided.add(order)
        self.holds.pop(order, None)
        self.shelf.update(self.has.pop(order, Counter()))

    @rule(order=ORDERS)
    def commit(self, order: str) -> None:
        pending = self.status(order) == Status.PENDING
        self.hold(Commit(order, self.now))
        if pending:
            assert self.shop.effects == []
            return
        answer = self.answer(StockCommitted, StockReserved, StockReleased, StockRejected)
        if order not in self.holds:
            return
        if all(quantity <= self.shelf[sku] for sku, quantity in self.holds[order].items()):
            assert isinstance(answer, StockCommitted)
            self.has[order] = self.holds.pop(order)
            self.shelf.subtract(self.has[order])
        else:
            assert isinstance(answer, StockReserved)

    @precondition(lambda self: self.holds)
    @rule(which=st.integers(0, 99), missing=st.booleans())
    def what_is_held_is_sold_unless_a_count_finds_it_missing(self, which: int, missing: bool) -> None:
        order = sorted(self.holds)[which % len(self.holds)]
        sku, quantity = min(self.holds[order].items())
        if missing:
            self.count(sku, quantity - 1)
        self.commit(order)
        assert (order in self.holds) >= missing

    @precondition(lambda self: self.decided)
    @rule(which=st.integers(0, 99))
    def a_command_comes_again(self, which: int) -> None:
        """Once the order has ended, no command that ever came for it moves a unit."""
        command = self.commands[which % len(self.commands)]
        if self.status(command.order_id) not in (Status.RELEASED, Status.REJECTED):
            return
        if isinstance(command, Release) and self.status(command.order_id) == Status.REJECTED:
            return
        before = {sku: self.stock(sku) for sku in "ABC"}
        self.hold(replace(command))
        self.answer(StockReleased, StockRejected)
        assert {sku: self.stock(sku) for sku in "ABC"} == before

    @rule(order=ORDERS, minutes=st.integers(0, 20))
    def extend(self, order: str, minutes: int) -> None:
        self.hold(Extend(order, self.now + timedelta(minutes=minutes)))

    @rule(seconds=st.sampled_from([1, 30, 60, 600, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(order=ORDERS, early=st.booleans())
    def the_timer_fires(self, order: str, early: bool) -> None:
        timer = self.timers.get(order)
        if timer is None or timer.at > self.now:
            return
        held, asked = self.reservation(order), self.reservation(order).asked
        at = timer.at - timedelta(seconds=1) if early else timer.at
        if not early:
            del self.timers[order]
        self.shop.execute(reservation, order, Expire(order, at))
        self.hear()
        if held.status != Status.HELD or early:
            assert self.shop.effects == []
            return
        self.answer(ReservationExpiring)
        assert self.timers[order].at == at + timedelta(seconds=EVERY * min(2**asked, 64))

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, quantity=st.integers(1, 5))
    def receive(self, sku: str, quantity: int) -> None:
        if self.known(sku):
            self.move(sku, Receive(quantity))
            self.shelf[sku] += quantity

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, quantity=st.integers(0, 12))
    def count(self, sku: str, quantity: int) -> None:
        if self.known(sku):
            self.move(sku, Count(quantity))
            self.shelf[sku] = quantity

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, delta=st.integers(-6, 6).filter(bool))
    def adjust(self, sku: str, delta: int) -> None:
        allowed = self.known(sku) and (delta > 0 or self.shelf[sku] + delta >= self.reserved(sku))
        try:
            self.move(sku, Adjust(delta))
        except Refused:
            assert not allowed
        else:
            assert allowed
            self.shelf[sku] += delta

    @rule(sku=SKUS, threshold=st.integers(0, 6))
    def somebody_sets_when_it_is_low(self, sku: str, threshold: int) -> None:
        if self.known(sku):
            self.move(sku, Configure(threshold))

    # --- what always holds ---

    @invariant()
    def the_counters_are_the_models(self) -> None:
        for sku in "ABC":
            state = self.stock(sku)
            assert (state.on_hand, state.reserved) == (self.shelf[sku], self.reserved(sku))
            assert state.shortage == max(0, self.reserved(sku) - self.shelf[sku])
            assert 0 <= state.reserved <= state.on_hand + state.shortage

    @invariant()
    def the_movements_that_staff_see_sum_up_to_what_is_on_hand(self) -> None:
        sums: Counter[str] = Counter()
        for (table, (sku, *_)), row in self.shop.rows.items():
            if table == "movements":
                sums[sku] += row["delta"]
        for sku in "ABC":
            assert sums[sku] == self.stock(sku).on_hand >= 0
            shown = self.shop.rows.get(("stock", (sku,)), {"on_hand": 0, "available": 0})
            assert (shown["on_hand"], shown["available"]) == (self.shelf[sku], self.free(sku))

    @invariant()
    def an_order_holds_what_its_reservation_says(self) -> None:
        for status, owners in ((Status.HELD, self.holds), (Status.COMMITTED, self.has)):
            for order in (f"o{n}" for n in range(6)):
                assert (self.status(order) == status) is (order in owners)
                if order in owners:
                    lines = self.reservation(order).lines
                    assert {line.sku: line.quantity for line in lines} == dict(owners[order])

    @invariant()
    def who_holds_units_is_asked_some_day(self) -> None:
        for order in self.holds:
            assert self.timers[order].at == self.reservation(order).ask_at

    @invariant()
    def what_others_know_of_the_free_units_is_on_the_right_side_of_zero(self) -> None:
        for sku in "ABC":
            assert (self.told.get(sku, 0) > 0) is (self.free(sku) > 0)

    @invariant()
    def low_is_told_once_a_crossing(self) -> None:
        told = Counter(name for name, event in self.shop.events if isinstance(event, FellLow))
        for sku in "ABC":
            self.levels[sku].append((self.free(sku), self.stock(sku).threshold))
            fell = sum(was > low and now <= below for (was, low), (now, below) in pairwise(self.levels[sku]))
            assert told[stock.name(sku)] == fell

    def teardown(self) -> None:
        self.shop.check()


TestWarehouse = Warehouse.TestCase
TestWarehouse.settings = runs(150, steps=40)
