"""Any order of commands against a model a child could follow: how many units, and who has them."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import hypothesis.strategies as st
from chassis.decider import Refused
from chassis.testing import Streams
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from inventory.domain.holding import holding
from inventory.domain.listing import ListSkus, listing
from inventory.domain.reservation import Status, reservation
from inventory.domain.reservation_events import Commit, Expire, Extend, Release, Reserve, lines_of
from inventory.domain.stock import stock
from inventory.domain.stock_events import (
    Adjust,
    Adjusted,
    Count,
    Counted,
    FellLow,
    ListSku,
    Receive,
    Received,
    Returned,
    Sold,
)
from soko_contracts.inventory import StockCommitted, StockRejected, StockReleased, StockReserved

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
THRESHOLD = 2
ORDERS = st.sampled_from([f"o{n}" for n in range(6)])
SKUS = st.sampled_from(["A", "B", "C"])
WANTED = st.dictionaries(SKUS, st.integers(1, 5), min_size=1)


class Warehouse(RuleBasedStateMachine):
    """``shelf`` counts units; ``holds`` says what an order holds, ``has`` what was sold to it."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Streams()
        self.shelf: Counter[str] = Counter()
        self.holds: dict[str, Counter[str]] = {}
        self.has: dict[str, Counter[str]] = {}
        self.decided: set[str] = set()
        self.begun: set[str] = set()
        self.free_before: dict[str, list[int]] = {sku: [0] for sku in "ABC"}

    def reserved(self, sku: str) -> int:
        return sum(hold[sku] for hold in self.holds.values())

    def free(self, sku: str) -> int:
        return max(0, self.shelf[sku] - self.reserved(sku))

    def known(self, sku: str) -> bool:
        return self.shop.state(stock, sku).sku is not None

    def status(self, order: str) -> Status:
        return self.shop.state(reservation, order).status

    def answer(self, *types: type) -> object:
        """The one message that is about an order."""
        (found,) = [message for message in self.shop.sent if hasattr(message, "order_id")]
        assert isinstance(found, types)
        return found

    @initialize(initial=st.integers(0, 12))
    def the_catalog_lists_two_skus(self, initial: int) -> None:
        self.the_catalog_tells("A", initial)
        self.the_catalog_tells("B", initial)

    @rule(sku=SKUS, initial=st.integers(0, 12))
    def the_catalog_tells(self, sku: str, initial: int) -> None:
        self.shop.execute_many(listing, ListSkus((ListSku(sku, THRESHOLD, initial),)))
        if initial and sku not in self.begun:
            self.begun.add(sku)
            self.shelf[sku] += initial

    @rule(order=ORDERS, wanted=WANTED)
    def reserve(self, order: str, wanted: dict[str, int]) -> None:
        waiting = self.status(order) == Status.PENDING
        self.shop.execute_many(holding, Reserve(order, lines_of(wanted.items()), NOW, 60))
        if self.status(order) == Status.PENDING:
            assert bool(self.shop.effects) is not waiting
        else:
            self.reserve_is_answered(order, wanted)

    @rule(order=ORDERS)
    def the_catalog_answers(self, order: str) -> None:
        pending = self.shop.state(reservation, order)
        if pending.status == Status.PENDING:
            self.shop.execute_many(holding, Reserve(order, pending.lines, NOW, 60, asked=True))
            self.reserve_is_answered(order, {line.sku: line.quantity for line in pending.lines})

    def reserve_is_answered(self, order: str, wanted: dict[str, int]) -> None:
        answer = self.answer(StockReserved, StockRejected, StockCommitted)
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
        self.shop.execute_many(holding, Release(order))
        self.answer(StockReleased)
        self.decided.add(order)
        self.holds.pop(order, None)
        self.shelf.update(self.has.pop(order, Counter()))

    @rule(order=ORDERS)
    def commit(self, order: str) -> None:
        pending = self.status(order) == Status.PENDING
        self.shop.execute_many(holding, Commit(order, NOW))
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

    @rule(order=ORDERS)
    def time_passes(self, order: str) -> None:
        self.shop.execute(reservation, order, Expire(order, NOW)).execute_many(holding, Extend(order, NOW))

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, quantity=st.integers(1, 5))
    def receive(self, sku: str, quantity: int) -> None:
        if self.known(sku):
            self.shop.execute(stock, sku, Receive(quantity))
            self.shelf[sku] += quantity

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, quantity=st.integers(0, 12))
    def count(self, sku: str, quantity: int) -> None:
        if self.known(sku):
            self.shop.execute(stock, sku, Count(quantity))
            self.shelf[sku] = quantity

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, delta=st.integers(-6, 6).filter(bool))
    def adjust(self, sku: str, delta: int) -> None:
        allowed = self.known(sku) and (delta > 0 or self.shelf[sku] + delta >= self.reserved(sku))
        try:
            self.shop.execute(stock, sku, Adjust(delta))
        except Refused:
            assert not allowed
        else:
            assert allowed
            self.shelf[sku] += delta

    @invariant()
    def the_counters_are_the_models(self) -> None:
        for sku in "ABC":
            state = self.shop.state(stock, sku)
            assert (state.on_hand, state.reserved) == (self.shelf[sku], self.reserved(sku))
            assert state.shortage == max(0, self.reserved(sku) - self.shelf[sku])

    @invariant()
    def the_movements_sum_up_to_what_is_on_hand(self) -> None:
        sums: Counter[str] = Counter()
        for name, event in self.shop.events:
            match event:
                case Received(quantity) | Returned(_, quantity):
                    sums[name] += quantity
                case Sold(_, quantity):
                    sums[name] -= quantity
                case Counted(_, delta) | Adjusted(delta):
                    sums[name] += delta
        for sku in "ABC":
            state = self.shop.state(stock, sku)
            assert sums[stock.name(sku)] == state.on_hand >= 0
            assert 0 <= state.reserved <= state.on_hand + state.shortage

    @invariant()
    def low_is_told_once_a_crossing(self) -> None:
        told = Counter(name for name, event in self.shop.events if isinstance(event, FellLow))
        for sku in "ABC":
            self.free_before[sku].append(self.free(sku))
            fell = sum(before > THRESHOLD >= after for before, after in pairwise(self.free_before[sku]))
            assert told[stock.name(sku)] == fell


TestWarehouse = Warehouse.TestCase
TestWarehouse.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
