"""Any order of commands against a model a child could follow: how many units, and who has them."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import hypothesis.strategies as st
from chassis.decider import After, Refused
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from inventory.domain.holding import Command, holding
from inventory.domain.listing import ListSkus, listing
from inventory.domain.location import Add, Change, location
from inventory.domain.reservation import Reservation, Status, reservation
from inventory.domain.reservation_events import AskNow, Commit, Expire, Extend, Release, Reserve, lines_of
from inventory.domain.shelves import Stock
from inventory.domain.stock import stock
from inventory.domain.stock_commands import Adjust, Configure, Count, Dispatch, ListSku, Receive, TakeIn
from inventory.domain.stock_events import FellLow, LevelCrossed
from inventory.service import AGGREGATES
from journal import Journal
from soko_contracts.inventory import (
    BackorderFilled,
    ReservationExpiring,
    StockCommitted,
    StockLevel,
    StockRejected,
    StockReleased,
    StockReserved,
)
from thoroughness import runs
from warehouse import LOCATIONS, PRIORITIES, Model

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
THRESHOLD = 2
EVERY = 60
NOTHING = StockLevel(sku="", on_hand=0, reserved=0, available=0)
ORDERS = st.sampled_from([f"o{n}" for n in range(6)])
SKUS = st.sampled_from(["A", "B", "C"])
PLACES = st.sampled_from(LOCATIONS)
COSTS = st.none() | st.integers(0, 999)
WANTED = st.dictionaries(SKUS, st.integers(1, 5), min_size=1)


class Warehouse(RuleBasedStateMachine):
    """The service's streams beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Journal(*AGGREGATES)
        self.now = NOW
        self.model = Model()
        self.decided: set[str] = set()
        self.begun: set[str] = set()
        self.timers: dict[str, Expire] = {}
        self.commands: list[Command] = []
        self.levels: dict[str, list[tuple[int, int, int]]] = {sku: [(0, THRESHOLD, 0)] for sku in "ABC"}
        self.told: dict[str, StockLevel] = {}
        self.transfers = 0
        for place, priority in PRIORITIES.items():
            if place != "main":
                self.shop.execute(location, place, Add(place, priority))
        self.shop.execute(location, "main", Change("main", priority=PRIORITIES["main"]))

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
                self.told[message.sku] = message
                assert message.backorderable == self.stock(message.sku).backorderable

    def filled(self) -> None:
        """The model gives what is free to who waits, and the shop has told of the same units."""
        before = Counter((order, sku) for order, sku, units in self.model.queue for _ in range(units))
        self.model.fill()
        after = Counter((order, sku) for order, sku, units in self.model.queue for _ in range(units))
        told = Counter[tuple[str, str]]()
        for message in self.shop.sent:
            if isinstance(message, BackorderFilled):
                told[message.order_id, message.sku] += message.quantity
        assert told == before - after

    def hold(self, command: Command) -> None:
        self.commands.append(command)
        self.shop.execute_many(holding, command)
        self.hear()

    def move(self, sku: str, command: Receive | Count | Adjust | Configure | Dispatch | TakeIn) -> None:
        self.shop.execute(stock, sku, command)
        self.hear()

    def answer(self, *types: type) -> object:
        """The one message that is about an order."""
        about = [message for message in self.shop.sent if hasattr(message, "order_id")]
        (found,) = [message for message in about if not isinstance(message, BackorderFilled)]
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
            self.model.move(sku, "main", initial)
            self.filled()

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
        model = self.model
        short = {sku for sku, quantity in wanted.items() if quantity > model.free(sku) + model.room(sku)}
        if isinstance(answer, StockRejected):
            assert {shortage.sku for shortage in answer.shortages} == short != set()
        else:
            assert not short
            model.hold(order, dict(sorted(wanted.items())))

    @rule(order=ORDERS)
    def release(self, order: str) -> None:
        self.hold(Release(order))
        self.answer(StockReleased)
        self.decided.add(order)
        self.model.release(order)
        self.filled()

    @rule(order=ORDERS)
    def commit(self, order: str) -> None:
        pending = self.status(order) == Status.PENDING
        self.hold(Commit(order, self.now))
        if pending:
            assert self.shop.effects == []
            return
        answer = self.answer(StockCommitted, StockReserved, StockReleased, StockRejected)
        if order not in self.model.holds:
            return
        if self.model.can_sell(order):
            assert isinstance(answer, StockCommitted)
            self.model.sell(order)
        else:
            assert isinstance(answer, StockReserved)

    @precondition(lambda self: self.model.holds)
    @rule(which=st.integers(0, 99), missing=st.booleans())
    def what_is_held_is_sold_unless_a_count_finds_it_missing(self, which: int, missing: bool) -> None:
        holds = self.model.holds
        order = sorted(holds)[which % len(holds)]
        spots = {spot: units for spot, units in holds[order].items() if units}
        if missing and spots:
            (sku, place), units = min(spots.items())
            self.count(sku, units - 1, place)
        self.commit(order)
        assert (order in holds) >= (missing and bool(spots))

    @precondition(lambda self: self.model.queue)
    @rule(quantity=st.integers(1, 5), place=PLACES)
    def units_come_for_who_waits(self, quantity: int, place: str) -> None:
        order, sku, _ = self.model.queue[0]
        self.commit(order)
        self.receive(sku, quantity, place, None)
        if not self.model.awaits(order) and self.reservation(order).put_off:
            self.shop.execute(reservation, order, AskNow(order, self.now))
            self.hear()
            self.answer(ReservationExpiring)

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
    @rule(sku=SKUS, quantity=st.integers(1, 5), place=PLACES, unit_cost=COSTS)
    def receive(self, sku: str, quantity: int, place: str, unit_cost: int | None) -> None:
        if self.known(sku):
            self.move(sku, Receive(quantity, location=place, unit_cost=unit_cost))
            self.model.move(sku, place, quantity, unit_cost)
            self.filled()

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, quantity=st.integers(0, 12), place=PLACES)
    def count(self, sku: str, quantity: int, place: str) -> None:
        if self.known(sku):
            self.move(sku, Count(quantity, location=place))
            self.model.move(sku, place, quantity - self.model.shelf[sku, place])
            self.filled()

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, delta=st.integers(-6, 6).filter(bool), place=PLACES)
    def adjust(self, sku: str, delta: int, place: str) -> None:
        model = self.model
        allowed = delta > 0 or model.shelf[sku, place] + delta >= model.reserved_at(sku, place)
        try:
            self.move(sku, Adjust(delta, location=place))
        except Refused:
            assert not (self.known(sku) and allowed)
        else:
            assert allowed
            model.move(sku, place, delta)
            self.filled()

    @precondition(lambda self: self.begun)
    @rule(sku=SKUS, quantity=st.integers(1, 5), origin=PLACES, destination=PLACES, twice=st.booleans())
    def send(self, sku: str, quantity: int, origin: str, destination: str, twice: bool) -> None:
        self.transfers += 1
        transfer = f"t{self.transfers}"
        allowed = self.known(sku) and quantity <= self.model.free_at(sku, origin)
        try:
            self.move(sku, Dispatch(transfer, quantity, origin, destination))
        except Refused:
            assert not allowed
            return
        assert allowed
        self.model.send(transfer, sku, origin, destination, quantity)
        if twice:
            self.move(sku, Dispatch(transfer, quantity, origin, destination))
            assert self.shop.effects == []

    @precondition(lambda self: self.model.travelling)
    @rule(which=st.integers(0, 99), twice=st.booleans())
    def take_in(self, which: int, twice: bool) -> None:
        transfer = sorted(self.model.travelling)[which % len(self.model.travelling)]
        sku, _, _ = self.model.travelling[transfer]
        self.move(sku, TakeIn(transfer))
        self.model.arrive(transfer)
        self.filled()
        if twice:
            self.move(sku, TakeIn(transfer))
            assert self.shop.effects == []

    @rule(sku=SKUS, limit=st.integers(0, 8))
    def somebody_sets_how_many_may_be_promised(self, sku: str, limit: int) -> None:
        if self.known(sku):
            self.move(sku, Configure(backorder_limit=limit))
            self.model.limit[sku] = limit

    @rule(sku=SKUS, threshold=st.integers(0, 6))
    def somebody_sets_when_it_is_low(self, sku: str, threshold: int) -> None:
        if self.known(sku):
            self.move(sku, Configure(threshold))

    # --- what always holds ---

    @invariant()
    def the_counters_are_the_models(self) -> None:
        model = self.model
        for sku in "ABC":
            state = self.stock(sku)
            assert (state.on_hand, state.reserved) == (model.on_hand(sku), model.reserved(sku))
            assert (state.available, state.backordered) == (model.free(sku), model.awaited(sku))
            assert state.shortage == sum(model.short_at(sku, place) for place in LOCATIONS)
            assert 0 <= state.reserved <= state.on_hand + state.shortage + state.backordered
            assert state.travelling == model.away(sku)
            for place in LOCATIONS:
                shelf = state.at(place)
                assert (shelf.on_hand, shelf.reserved) == (model.shelf[sku, place], model.reserved_at(sku, place))
                assert shelf.shortage == model.short_at(sku, place)

    @invariant()
    def the_movements_that_staff_see_sum_up_to_what_is_on_hand(self) -> None:
        sums: Counter[tuple[str, str]] = Counter()
        costs: Counter[str] = Counter()
        for (table, (sku, *_)), row in self.shop.rows.items():
            if table == "movements":
                sums[sku, row["location_id"]] += row["delta"]
                costs[sku] += row["cost"]
        for sku in "ABC":
            shown = self.shop.rows.get(("stock", (sku,)), {"on_hand": 0, "available": 0, "cost": 0, "costed": 0})
            assert (shown["on_hand"], shown["available"]) == (self.model.on_hand(sku), self.model.free(sku))
            assert (shown["cost"], shown["costed"]) == (costs[sku], self.model.costed[sku])
            for place in LOCATIONS:
                assert sums[sku, place] == self.model.shelf[sku, place] >= 0
                if shelf := self.shop.rows.get(("shelves", (sku, place))):
                    assert shelf["on_hand"] == self.model.shelf[sku, place]

    @invariant()
    def the_value_is_what_the_units_cost_but_for_roundings(self) -> None:
        moved = len(self.shop.events)
        for sku in "ABC":
            state = self.stock(sku)
            assert 0 <= state.costed <= state.on_hand + state.travelling
            assert state.cost >= 0
            assert state.costed or not state.cost
            assert abs(float(state.cost - self.model.paid.get(sku, Fraction(0)))) <= moved

    @invariant()
    def an_order_holds_what_its_reservation_says(self) -> None:
        model = self.model
        for order in (f"o{n}" for n in range(6)):
            lines = self.reservation(order).lines
            assert (self.status(order) == Status.HELD) is (order in model.holds)
            assert (self.status(order) == Status.COMMITTED) is (order in model.has)
            if order in model.holds:
                held = Counter(sku for sku, _ in model.holds[order].elements())
                held.update(sku for who, sku, units in model.queue for _ in range(units) if who == order)
                assert Counter(line.sku for line in lines for _ in range(line.quantity)) == held
            if order in model.has:
                assert Counter({(line.sku, line.location): line.quantity for line in lines}) == +model.has[order]

    @invariant()
    def who_holds_units_is_asked_some_day(self) -> None:
        for order in self.model.holds:
            assert self.timers[order].at == self.reservation(order).ask_at

    @invariant()
    def what_others_know_of_what_can_be_ordered_is_on_the_right_side_of_zero(self) -> None:
        for sku in "ABC":
            told = self.told.get(sku, NOTHING)
            assert (told.available > 0) is (self.model.free(sku) > 0)
            assert (told.backorderable > 0) is (self.model.room(sku) > 0)

    @invariant()
    def each_crossing_is_told_once(self) -> None:
        low = Counter(name for name, event in self.shop.events if isinstance(event, FellLow))
        told = Counter(name for name, event in self.shop.events if isinstance(event, LevelCrossed))
        for sku in "ABC":
            levels, model = self.levels[sku], self.model
            levels.append((model.free(sku), self.stock(sku).threshold, model.room(sku)))
            fell = sum(was > low and now <= below for (was, low, _), (now, below, _) in pairwise(levels))
            assert low[stock.name(sku)] == fell
            sides = [(free > 0, free > threshold, room > 0) for free, threshold, room in levels]
            assert told[stock.name(sku)] == sum(was != now for was, now in pairwise(sides))

    def teardown(self) -> None:
        self.shop.check()


TestWarehouse = Warehouse.TestCase
TestWarehouse.settings = runs(150, steps=40)
