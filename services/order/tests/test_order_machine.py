"""Anything that anybody can tell an order, at any moment: news of things never asked for, answers twice, timers late.

Unlike ``test_order_interleavings.py``, where inventory and payment keep their contracts, here they need not make sense:
after each single step the money, the units and the waits must be right all the same.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from order import commands
from order.domain import Phase
from order.money import RefundStatus
from order.shipments import Parcel, ShipmentStatus
from order.testing import ADDRESS, QUOTE, TOTAL, place, place_reduced
from order.values import Chosen, Waits
from order_ledger import Ledger
from soko_contracts.sealed import Sealed
from thoroughness import runs

METHODS = st.sampled_from(["card", "card", "mpesa", "cash_on_delivery", "bank_transfer"])
MORE = st.sampled_from([0, 0, 0, -1, 1])
"""By how much what comes differs from what is due."""
ANY = st.integers(0, 9)
WAITS = Waits(stock=60.0, window=900.0, grace=300.0, ask=30.0, give_up=3600.0)
FREE = replace(QUOTE.totals, subtotal=0, shipping=0, total=0)
COUPONS = st.sampled_from([None, None, "wished for", "required"])


class Anybody(Ledger):
    """Whatever can be said, at any moment."""

    def payment(self, which: int) -> str:
        """One of the attempts, or one that never was."""
        known = [attempt.payment_id for attempt in self.state.attempts]
        return [*known, "stray"][which % (len(known) + 1)]

    def refund(self, which: int) -> str:
        return [*self.back, "stray"][which % (len(self.back) + 1)]

    def choose(self, method: str, secret: bool) -> Chosen:
        id_ = self.fresh()
        if secret:
            self.sealed.add(id_)
        return Chosen(payment_id=id_, method=method, token=Sealed(id_, "token") if secret else None)

    @initialize(
        method=st.none() | METHODS,
        secret=st.booleans(),
        free=st.sampled_from([False] * 9 + [True]),
        coupon=COUPONS,
        well=st.integers(0, 5),
    )
    def place(self, method: str | None, secret: bool, free: bool, coupon: str | None, well: int) -> None:
        """Some orders get into trouble only after so many steps that went well."""
        chosen = self.choose(method, secret) if method else None
        if coupon is not None:
            self.give(place_reduced(chosen, required=coupon == "required", waits=WAITS))
        else:
            self.give(place(chosen, totals=FREE if free else QUOTE.totals, waits=WAITS))
        for _ in range(well):
            self.a_step_goes_well()

    @rule()
    def a_step_goes_well(self) -> None:
        attempts = [attempt.payment_id for attempt in self.state.attempts]
        match self.state.phase, self.state.open_attempt:
            case Phase.PENDING, _ if not self.state.stock_asked:
                self.cart_answers(redeemed=True)
            case Phase.PENDING, _:
                self.inventory_answers(enough=True)
            case Phase.AWAITING_PAYMENT, None:
                self.the_customer_pays("card", secret=True)
            case Phase.AWAITING_PAYMENT | Phase.CANCELLING, attempt if attempt and attempt.capture_asked:
                self.money_comes(attempts.index(attempt.payment_id), 0)
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

    @rule(redeemed=st.sampled_from([True, True, False]))
    def cart_answers(self, redeemed: bool) -> None:
        if redeemed:
            self.give(commands.RecordCouponRedeemed())
        else:
            self.give(commands.RecordCouponRejected(reason="coupon-used-up", now=self.now))

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

    @rule(which=ANY, more=MORE)
    def money_comes(self, which: int, more: int) -> None:
        id_ = self.payment(which)
        self.came.setdefault(id_, max(self.total + more, 1))
        news = commands.RecordCaptured(
            payment_id=id_, method="card", amount=self.came[id_], new_id=self.fresh(), now=self.now
        )
        assert self.give(news)

    @rule(which=ANY, voided=st.booleans())
    def an_attempt_ends(self, which: int, voided: bool) -> None:
        ended = commands.RecordPaymentEnded(payment_id=self.payment(which), reason="no", voided=voided, now=self.now)
        self.give(ended)

    @rule(which=ANY, works=st.booleans(), tries=st.sampled_from([1, 1, 2, 3]))
    def a_refund_ends(self, which: int, works: bool, tries: int) -> None:
        id_ = self.refund(which)
        failed = commands.RecordRefundFailed(refund_id=id_, reason="no", tries=tries)
        under_way = self.state.refund(id_)
        self.give(commands.RecordRefunded(refund_id=id_) if works else failed)
        if not works and under_way and tries < under_way.tries:
            assert self.state.refund(id_) == under_way

    @rule(which=ANY, failed=st.booleans())
    def staff_retry_a_refund(self, which: int, failed: bool) -> None:
        owed = [one.refund_id for one in self.state.refunds if one.status is RefundStatus.FAILED]
        id_ = owed[which % len(owed)] if failed and owed else self.refund(which)
        before = self.state.refund(id_)
        retried = self.give(commands.RetryRefund(refund_id=id_, now=self.now))
        assert retried is (before is not None and before.status is RefundStatus.FAILED)
        if before and retried:
            assert self.tries[id_] == before.tries + 1

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

    @rule(sku=st.sampled_from(["KET-1", "MUG-1", "ELSE"]), quantity=st.integers(1, 3))
    def staff_refund_units(self, sku: str, quantity: int) -> None:
        """Never more than was paid for the line; for all of its units together exactly that."""
        line = next((one for one in self.state.lines if one.sku == sku), None)
        lines = (Parcel(sku=sku, quantity=quantity),)
        command = commands.GiveBack(refund_id=self.fresh(), amount=None, reason="", now=self.now, lines=lines)
        before = self.units_refunded(sku)
        if self.give(command):
            assert line is not None
            units, amount = self.units_refunded(sku)
            paid = line.total - line.discount
            assert amount <= paid
            assert units < line.quantity or amount == paid
        else:
            assert self.units_refunded(sku) == before

    def units_refunded(self, sku: str) -> tuple[int, int]:
        mine = [(one, line) for one in self.state.refunds for line in one.lines if line.sku == sku]
        return sum(line.quantity for _, line in mine), sum(one.amount for one, _ in mine)

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


TestAnything = Anybody.TestCase
TestAnything.settings = runs(120, steps=40)
