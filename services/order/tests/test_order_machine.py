"""Anything that anybody can tell an order, at any moment: news of things never asked for, answers twice, timers late.

Unlike ``test_order_interleavings.py``, where inventory and payment keep their contracts, here they need not make sense:
after each single step the money, the units and the waits must be right all the same.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from chassis.decider import Forget, Refused, Send
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from journal import Journal
from order import commands
from order.commands import Command
from order.domain import Phase, order
from order.money import RefundStatus
from order.service import ORDER
from order.shipments import Parcel, ShipmentStatus
from order.state import Order
from order.testing import ADDRESS, NOW, QUOTE, TOTAL, place
from order.testing import ORDER as ID
from order.values import Chosen, Waits
from soko_contracts import cart, inventory, notification, payment
from soko_contracts.sealed import Sealed
from thoroughness import runs

METHODS = st.sampled_from(["card", "card", "mpesa", "cash_on_delivery", "bank_transfer"])
AMOUNTS = st.sampled_from([TOTAL, TOTAL, TOTAL, 1, TOTAL + 1])
ANY = st.integers(0, 9)
WAITS = Waits(stock=60.0, window=900.0, grace=300.0, ask=30.0, give_up=3600.0)
FREE = replace(QUOTE.totals, subtotal=0, shipping=0, total=0)

LEADS_TO = {
    Phase.NEW: {Phase.PENDING},
    Phase.PENDING: {Phase.AWAITING_PAYMENT, Phase.CONFIRMED, Phase.CANCELLED},
    Phase.AWAITING_PAYMENT: {Phase.CONFIRMED, Phase.CANCELLING, Phase.CANCELLED},
    Phase.CONFIRMED: {Phase.CANCELLING, Phase.CANCELLED},
    Phase.CANCELLING: {Phase.CANCELLED},
    Phase.CANCELLED: set[Phase](),
}


class Ledger(RuleBasedStateMachine):
    """``came`` and ``back`` are the money by payment; ``units`` is the last word to inventory."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Journal(ORDER)
        self.now = NOW
        self.ids = 0
        self.phases = [Phase.NEW]
        self.total = TOTAL
        self.came: dict[str, int] = {}
        self.back: dict[str, tuple[str, int]] = {}
        self.units = "nothing"
        self.voided: set[str] = set()
        self.sealed: set[str] = set()
        self.forgotten: set[str] = set()
        self.timers: dict[str, Any] = {}
        self.said: list[Command] = []
        self.told: Counter[str] = Counter()

    @property
    def state(self) -> Order:
        found: Order = self.shop.state(order, ID)
        return found

    def fresh(self) -> str:
        self.ids += 1
        return f"id-{self.ids}"

    def payment(self, which: int) -> str:
        """One of the attempts, or one that never was."""
        known = [attempt.payment_id for attempt in self.state.attempts]
        return [*known, "stray"][which % (len(known) + 1)]

    def refund(self, which: int) -> str:
        return [*self.back, "stray"][which % (len(self.back) + 1)]

    def give(self, command: Command) -> bool:
        self.said.append(command)
        try:
            self.shop.execute(order, ID, command)
        except Refused:
            return False
        if self.state.phase is not self.phases[-1]:
            self.phases.append(self.state.phase)
        for effect in self.shop.effects:
            match effect:
                case Send(message):
                    self.hear(message)
                case Forget(subject):
                    self.forgotten.add(subject)
        for timer in self.shop.timers():
            self.timers[timer.name] = timer
        return True

    def hear(self, message: Any) -> None:
        match message:
            case inventory.ReserveStock():
                self.units = "reserve"
            case inventory.CommitStock():
                self.units = "commit"
            case inventory.ReleaseStock():
                self.units = "release"
            case inventory.ExtendReservation(expires_at=until):
                assert until > self.now
                assert self.units == "reserve"
            case payment.Void(payment_id=id_):
                self.voided.add(id_)
            case payment.Refund(refund_id=id_, payment_id=paid, amount=amount):
                assert self.back.setdefault(id_, (paid, amount)) == (paid, amount)
            case payment.Capture(amount=amount):
                assert amount == self.total
                assert self.state.phase in (Phase.AWAITING_PAYMENT, Phase.CONFIRMED)
            case notification.Send(kind=kind, cause=cause):
                self.told[f"{kind} {cause}"] += 1
            case cart.PutBack():
                self.told["put back"] += 1
            case _ if message.KIND == "event":
                self.told[message.TYPE] += 1

    def choose(self, method: str, secret: bool) -> Chosen:
        id_ = self.fresh()
        if secret:
            self.sealed.add(id_)
        return Chosen(payment_id=id_, method=method, token=Sealed(id_, "token") if secret else None)

    # --- what can be said, at any moment ---

    @initialize(
        method=st.none() | METHODS,
        secret=st.booleans(),
        free=st.sampled_from([False] * 9 + [True]),
        well=st.integers(0, 5),
    )
    def place(self, method: str | None, secret: bool, free: bool, well: int) -> None:
        """Some orders get into trouble only after so many steps that went well."""
        self.total = 0 if free else TOTAL
        chosen = self.choose(method, secret) if method else None
        self.give(place(chosen, totals=FREE if free else QUOTE.totals, waits=WAITS))
        for _ in range(well):
            self.a_step_goes_well()

    @rule()
    def a_step_goes_well(self) -> None:
        attempts = [attempt.payment_id for attempt in self.state.attempts]
        match self.state.phase, self.state.open_attempt:
            case Phase.PENDING, _:
                self.inventory_answers(enough=True)
            case Phase.AWAITING_PAYMENT, None:
                self.the_customer_pays("card", secret=True)
            case Phase.AWAITING_PAYMENT | Phase.CANCELLING, attempt if attempt and attempt.capture_asked:
                self.money_comes(attempts.index(attempt.payment_id), TOTAL)
            case Phase.AWAITING_PAYMENT, attempt if attempt:
                self.payment_is_promised(attempts.index(attempt.payment_id))
            case Phase.CONFIRMED, _:
                self.staff_move_a_parcel(0, ShipmentStatus.IN_TRANSIT)

    @rule(version=st.sampled_from([3, 3, 4]))
    def place_again(self, version: int) -> None:
        before = self.state
        assert self.give(place(None, cart_version=version, now=self.now)) is (
            version == 3 and before.phase is not Phase.CANCELLED
        )
        assert self.state == before

    @rule(enough=st.sampled_from([True, True, True, True, False]))
    def inventory_answers(self, enough: bool) -> None:
        if enough:
            self.give(commands.RecordStockReserved(new_id=self.fresh(), now=self.now))
        else:
            self.give(commands.RecordStockRejected(shortages=(), now=self.now))

    @rule()
    def inventory_asks(self) -> None:
        self.give(commands.AnswerReservation(now=self.now))

    @rule(method=METHODS, secret=st.booleans())
    def the_customer_pays(self, method: str, secret: bool) -> None:
        chosen = self.choose(method, secret)
        open_before, due = self.state.open_attempt, self.state.expires_at
        waits = self.state.phase is Phase.AWAITING_PAYMENT and due is not None and self.now < due
        paid = self.give(commands.Pay(payment=chosen, now=self.now))
        assert paid is (waits and open_before is None)
        if not paid:
            self.sealed.discard(chosen.payment_id)  # the API forgets it

    @rule(which=ANY)
    def payment_wants_the_payer(self, which: int) -> None:
        self.give(commands.RecordActionRequired(payment_id=self.payment(which)))

    @rule(which=ANY)
    def payment_is_promised(self, which: int) -> None:
        self.give(commands.RecordAuthorised(payment_id=self.payment(which), new_id=self.fresh(), now=self.now))

    @rule(which=ANY, amount=AMOUNTS)
    def money_comes(self, which: int, amount: int) -> None:
        id_ = self.payment(which)
        self.came.setdefault(id_, amount)
        news = commands.RecordCaptured(
            payment_id=id_, method="card", amount=self.came[id_], new_id=self.fresh(), now=self.now
        )
        assert self.give(news)

    @rule(which=ANY, voided=st.booleans())
    def an_attempt_ends(self, which: int, voided: bool) -> None:
        ended = commands.RecordPaymentEnded(payment_id=self.payment(which), reason="no", voided=voided, now=self.now)
        self.give(ended)

    @rule(which=ANY, works=st.booleans())
    def a_refund_ends(self, which: int, works: bool) -> None:
        id_ = self.refund(which)
        self.give(
            commands.RecordRefunded(refund_id=id_) if works else commands.RecordRefundFailed(refund_id=id_, reason="no")
        )

    @rule(seconds=st.sampled_from([1, 29, 30, 60, 300, 900, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: any(timer.at <= self.now for timer in self.timers.values()))
    @rule(which=ANY)
    def a_timer_fires(self, which: int) -> None:
        due = [name for name, timer in self.timers.items() if timer.at <= self.now]
        timer = self.timers.pop(due[which % len(due)])
        self.give(timer.command)

    @rule(which=st.integers(0, 999))
    def what_was_said_is_said_again(self, which: int) -> None:
        """News twice, requests tried again; a request that makes something new comes under a key of its own."""
        command: Any = self.said[which % len(self.said)]
        if isinstance(command, commands.Pay | commands.GiveBack | commands.SplitShipment):
            return
        timed = isinstance(command, commands.EndStockWait | commands.EndPaymentWindow | commands.AskAgain)
        self.give(replace(command, now=self.now) if hasattr(command, "now") and not timed else command)

    @rule(by=st.sampled_from(["customer", "staff"]), really=st.booleans())
    def somebody_cancels(self, by: Any, really: bool) -> None:
        if not really:
            return
        left = any(one.left for one in self.state.shipments)
        over = self.state.phase in (Phase.CANCELLING, Phase.CANCELLED)
        cancelled = self.give(commands.Cancel(by=by, note=None, new_id=self.fresh(), now=self.now))
        assert cancelled is (over or not left)
        assert not cancelled or self.state.phase in (Phase.CANCELLING, Phase.CANCELLED)

    @rule()
    def the_address_changes(self) -> None:
        changed = self.give(commands.ChangeAddress(address=replace(ADDRESS, country="UG")))
        assert changed is (self.state.phase in (Phase.PENDING, Phase.AWAITING_PAYMENT))

    @rule(which=ANY, what=st.sampled_from(["mark", "void", "capture"]))
    def staff_touch_a_payment(self, which: int, what: str) -> None:
        id_ = self.payment(which)
        match what:
            case "mark":
                self.give(commands.MarkPaid(payment_id=id_, reference="R", now=self.now))
            case "void":
                self.give(commands.VoidPayment(payment_id=id_))
            case _:
                self.give(commands.CapturePayment(payment_id=id_, now=self.now))

    @rule(amount=st.none() | st.sampled_from([-1, 0, 1, 1000, TOTAL, TOTAL + 1]))
    def staff_refund(self, amount: int | None) -> None:
        paid = self.state.paid_by
        left = self.kept(paid) if self.state.phase is Phase.CONFIRMED and paid else 0
        given = self.give(commands.GiveBack(refund_id=self.fresh(), amount=amount, reason="", now=self.now))
        assert given is (0 < (left if amount is None else amount) <= left)

    @precondition(lambda self: self.state.shipments)
    @rule(which=ANY, status=st.sampled_from(ShipmentStatus))
    def staff_move_a_parcel(self, which: int, status: ShipmentStatus) -> None:
        id_ = self.state.shipments[which % len(self.state.shipments)].shipment_id
        self.give(commands.UpdateShipment(shipment_id=id_, status=status, carrier=None, tracking_number=None))

    @precondition(lambda self: self.state.shipments)
    @rule(sku=st.sampled_from(["KET-1", "MUG-1", "ELSE"]), quantity=st.integers(1, 3))
    def staff_split_a_parcel(self, sku: str, quantity: int) -> None:
        lines = (Parcel(sku=sku, quantity=quantity),)
        self.give(
            commands.SplitShipment(
                shipment_id=self.fresh(), lines=lines, carrier=None, tracking_number=None, now=self.now
            )
        )

    # --- what always holds ---

    def kept(self, payment_id: str) -> int:
        return self.came.get(payment_id, 0) - sum(amount for paid, amount in self.back.values() if paid == payment_id)

    @invariant()
    def money_that_paid_for_nothing_goes_back(self) -> None:
        for id_ in self.came:
            if self.state.phase is Phase.CONFIRMED and id_ == self.state.paid_by:
                assert 0 <= self.kept(id_) <= self.came[id_]
            elif id_ == self.state.paid_by and self.state.phase is Phase.CANCELLING:
                raise AssertionError("money that is here is not waited for")
            else:
                assert self.kept(id_) == 0

    @invariant()
    def confirmed_is_paid_in_full_or_promised_or_free(self) -> None:
        if self.state.phase is not Phase.CONFIRMED:
            return
        paid = self.state.attempt(self.state.paid_by)
        if paid is None:
            assert self.total == 0
        elif paid.method != "cash_on_delivery":
            assert self.came[paid.payment_id] == self.total

    @invariant()
    def inventory_was_told_what_the_order_is(self) -> None:
        match self.state.phase:
            case Phase.NEW:
                assert self.units == "nothing"
            case Phase.CONFIRMED:
                assert self.units == "commit"
            case Phase.CANCELLED:
                assert self.units == "release" or self.state.reason == "out_of_stock"
            case Phase.CANCELLING:
                assert self.units == ("commit" if self.state.confirmed_at else "reserve")
            case _:
                assert self.units == "reserve"

    @invariant()
    def it_goes_only_where_it_can(self) -> None:
        for before, after in zip(self.phases, self.phases[1:], strict=False):
            assert after in LEADS_TO[before]

    @invariant()
    def every_wait_ends(self) -> None:
        """Where a timer waits, the order will move; what it was asked to remember is not forgotten."""
        match self.state.phase:
            case Phase.PENDING:
                assert "stock" in self.timers
            case Phase.AWAITING_PAYMENT:
                assert self.timers["payment-window"].at == self.state.expires_at
            case Phase.CANCELLING:
                assert self.state.open_attempt is not None
                assert f"ask-{self.state.open_attempt.payment_id}" in self.timers
        for refund in self.state.refunds:
            assert refund.status is not RefundStatus.PENDING or f"ask-{refund.refund_id}" in self.timers

    @invariant()
    def one_attempt_is_live_at_most(self) -> None:
        assert sum(attempt.open for attempt in self.state.attempts) <= 1

    @invariant()
    def a_cancelled_order_leaves_no_promise_behind(self) -> None:
        if self.state.phase is Phase.CANCELLED:
            for attempt in self.state.attempts:
                assert not attempt.open or attempt.payment_id in self.voided

    @invariant()
    def secrets_live_no_longer_than_their_attempt(self) -> None:
        open_ = {attempt.payment_id for attempt in self.state.attempts if attempt.open}
        if self.state.phase in (Phase.PENDING, Phase.NEW) and self.state.chosen:
            open_.add(self.state.chosen.payment_id)
        assert self.sealed - open_ <= self.forgotten
        assert not open_ & self.forgotten

    @invariant()
    def what_others_hear_of_happens_once(self) -> None:
        assert self.told["order.placed.v1"] == (self.state.phase is not Phase.NEW)
        assert self.told["order.confirmed.v1"] == (self.state.confirmed_at is not None)
        assert self.told["order.cancelled.v1"] == (self.state.phase is Phase.CANCELLED)
        assert self.told["put back"] == (self.state.phase is Phase.CANCELLED and self.state.confirmed_at is None)
        assert all(times == 1 for name, times in self.told.items() if name.startswith("order_"))

    @invariant()
    def every_unit_is_in_one_parcel(self) -> None:
        if self.state.confirmed_at:
            units = Counter[str]()
            for parcel in self.state.shipments:
                assert parcel.lines
                units.update({line.sku: line.quantity for line in parcel.lines})
            assert units == {"KET-1": 2, "MUG-1": 1}

    @invariant()
    def what_is_read_is_what_is_so(self) -> None:
        rows = self.shop.rows
        if self.state.phase is Phase.NEW:
            return
        row = rows["orders", (ID,)]
        assert (row["status"], row["settled"], row["done"]) == (self.state.status, self.state.settled, self.state.done)
        parcels = {key for (table, (key,)) in rows if table == "shipments"}
        assert parcels == {parcel.shipment_id for parcel in self.state.parcels}
        shown = {key: row for (table, (key,)), row in rows.items() if table == "refunds"}
        assert {id_: row["status"] for id_, row in shown.items()} == {
            one.refund_id: one.status for one in self.state.refunds
        }

    def teardown(self) -> None:
        self.shop.check()


TestAnything = Ledger.TestCase
TestAnything.settings = runs(120, steps=40)
