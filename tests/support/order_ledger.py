"""The books over one order: what it said and did, and what always holds of that."""

from collections import Counter
from typing import Any

from chassis.decider import Forget, Refused, Send
from hypothesis.stateful import RuleBasedStateMachine, invariant
from journal import Journal
from order.commands import Command
from order.domain import Phase, order
from order.money import RefundStatus
from order.service import ORDER
from order.state import Order
from order.testing import NOW, TOTAL
from order.testing import ORDER as ID
from order.values import CouponStatus
from soko_contracts import cart, inventory, notification, payment

LEADS_TO = {
    Phase.NEW: {Phase.PENDING},
    Phase.PENDING: {Phase.AWAITING_PAYMENT, Phase.CONFIRMED, Phase.CANCELLED},
    Phase.AWAITING_PAYMENT: {Phase.CONFIRMED, Phase.CANCELLING, Phase.CANCELLED},
    Phase.CONFIRMED: {Phase.CANCELLING, Phase.CANCELLED},
    Phase.CANCELLING: {Phase.CANCELLED},
    Phase.CANCELLED: set[Phase](),
}


class Ledger(RuleBasedStateMachine):
    """``came`` and ``back`` are the money by payment; ``units`` is the last word to inventory, ``use`` to cart.

    ``tries`` are those of each refund that payment was asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shop = Journal(ORDER)
        self.now = NOW
        self.ids = 0
        self.phases = [Phase.NEW]
        self.total = TOTAL
        self.came: dict[str, int] = {}
        self.back: dict[str, tuple[str, int]] = {}
        self.tries: dict[str, int] = {}
        self.units = "nothing"
        self.use = "nothing"
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

    def give(self, command: Command) -> bool:
        self.said.append(command)
        try:
            self.shop.execute(order, ID, command)
        except Refused:
            return False
        self.total = self.state.totals.total
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
            case payment.Refund(refund_id=id_, payment_id=paid, amount=amount, tries=tries):
                assert self.back.setdefault(id_, (paid, amount)) == (paid, amount)
                before = self.tries.setdefault(id_, 1)
                assert before <= tries <= before + 1
                self.tries[id_] = tries
            case payment.Capture(amount=amount):
                assert amount == self.total
                assert self.state.phase in (Phase.AWAITING_PAYMENT, Phase.CONFIRMED)
            case notification.Send(kind=kind, cause=cause):
                self.told[f"{kind} {cause}"] += 1
            case cart.RedeemCoupon():
                assert self.use == "nothing"
                self.use = "asked"
            case cart.ReturnCoupon():
                assert self.use == "asked"
                self.use = "returned"
            case cart.PutBack():
                self.told["put back"] += 1
            case _ if message.KIND == "event":
                self.told[message.TYPE] += 1

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
                never = not self.state.stock_asked and self.units == "nothing"
                assert self.units == "release" or never or self.state.reason == "out_of_stock"
            case Phase.CANCELLING:
                assert self.units == ("commit" if self.state.confirmed_at else "reserve")
            case _:
                assert self.units == ("reserve" if self.state.stock_asked else "nothing")

    @invariant()
    def a_coupon_is_used_by_an_order_that_stands(self) -> None:
        coupon = self.state.coupon
        if coupon is None:
            assert self.use == "nothing"
        elif coupon.status is CouponStatus.REJECTED:
            assert self.use == "asked"
            assert self.state.phase is Phase.CANCELLED or not coupon.required
        else:
            assert self.use == ("returned" if self.state.phase is Phase.CANCELLED else "asked")
            assert self.state.phase in (Phase.PENDING, Phase.CANCELLED) or coupon.status is CouponStatus.REDEEMED

    @invariant()
    def the_discount_is_what_the_lines_got(self) -> None:
        totals, coupon = self.state.totals, self.state.coupon
        assert totals.discount == sum(line.discount for line in self.state.lines)
        assert totals.total == totals.subtotal - totals.discount + totals.shipping
        without = coupon is None or (coupon.status is CouponStatus.REJECTED and not coupon.required)
        assert (totals.discount == 0) is without

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
            assert self.tries[refund.refund_id] == refund.tries
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
