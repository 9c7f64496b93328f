"""Whatever order messages, timers, cancels and tries to pay come in: the money adds up and the units are accounted for.

Around one order stand cart, inventory and payment services that keep their contracts and nothing more: they answer
in any order, twice, late, or (payment) never; a payment that has ended may bring money all the same.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from chassis.decider import After, Forget, Refused, Send
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from journal import Journal
from order import commands
from order.commands import Command
from order.domain import Phase, order
from order.money import PAID_BY_HAND, RefundStatus
from order.service import ORDER
from order.shipments import ShipmentStatus
from order.state import Order
from order.testing import NOW, TOTAL, place, place_reduced
from order.testing import ORDER as ID
from order.values import Chosen, Waits
from soko_contracts import cart, inventory, payment
from thoroughness import runs

WAITS = Waits(stock=60.0, window=900.0, grace=300.0, ask=30.0, give_up=3600.0)
METHODS = st.sampled_from(["card", "mpesa", "cash_on_delivery", "bank_transfer"])


@dataclass
class Paying:
    """A payment as its service knows it: what the provider took, and what it gave back."""

    method: str
    status: str = "open"
    asked: bool = False
    ending: bool = False
    taken: int = 0
    given: dict[str, int] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)


class Checkout(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.shop = Journal(ORDER)
        self.timers: dict[str, tuple[datetime, Command]] = {}
        self.orders_to_inventory: list[Any] = []
        self.orders_to_payment: list[Any] = []
        self.orders_to_cart: list[Any] = []
        self.use = "none"
        self.news: list[Command] = []
        self.stock = "none"
        self.payments: dict[str, Paying] = {}
        self.put_back = 0
        self.public: Counter[str] = Counter()
        self.ids = 0

    # --- the order, as the unit would run it ---

    @property
    def state(self) -> Order:
        found: Order = self.shop.state(order, ID)
        return found

    def give(self, command: Command) -> bool:
        try:
            self.shop.execute(order, ID, command)
        except Refused:
            return False
        for effect in self.shop.effects:
            match effect:
                case After(name, at, later):
                    self.timers[name] = (at, later)
                case Send(message):
                    self.take(message)
                case Forget():
                    pass
        return True

    def take(self, message: Any) -> None:
        match message:
            case inventory.ReserveStock() | inventory.ReleaseStock() | inventory.CommitStock():
                self.orders_to_inventory.append(message)
            case payment.Authorise() | payment.Capture() | payment.Void() | payment.Refund():
                self.orders_to_payment.append(message)
            case cart.RedeemCoupon() | cart.ReturnCoupon():
                self.orders_to_cart.append(message)
            case cart.PutBack():
                self.put_back += 1
            case _ if message.KIND == "event":
                self.public[message.TYPE] += 1

    def fresh(self) -> str:
        self.ids += 1
        return f"id-{self.ids}"

    @property
    def due(self) -> int:
        return self.state.totals.total

    # --- the others, as their contracts say ---

    def cart_works(self, left: bool) -> None:
        match self.orders_to_cart.pop(0):
            case cart.RedeemCoupon():
                self.use = "redeemed" if left else "rejected"
                rejected = commands.RecordCouponRejected(reason="coupon-used-up", now=self.now)
                self.news.append(commands.RecordCouponRedeemed() if left else rejected)
            case cart.ReturnCoupon():
                self.use = "rejected" if self.use == "rejected" else "returned"

    def inventory_works(self, enough: bool) -> None:
        match self.orders_to_inventory.pop(0):
            case inventory.ReserveStock() if self.stock == "none":
                self.stock = "held" if enough else "rejected"
                if enough:
                    self.news.append(commands.RecordStockReserved(new_id=self.fresh(), now=self.now))
                else:
                    self.news.append(commands.RecordStockRejected(shortages=(), now=self.now))
            case inventory.ReserveStock():
                self.news.append(commands.RecordStockRejected(shortages=(), now=self.now))
            case inventory.CommitStock():
                assert self.stock in ("held", "committed"), "what is not held cannot be sold"
                self.stock = "committed"
            case inventory.ReleaseStock():
                self.stock = "released"

    def payment_works(self, refund_works: bool) -> None:
        match self.orders_to_payment.pop(0):
            case payment.Authorise(payment_id=id_, method=method):
                if id_ in self.payments:
                    self.answer(id_)
                else:
                    self.payments[id_] = Paying(method)
            case payment.Capture(payment_id=id_):
                self.payments[id_].asked = True
                self.answer(id_)
            case payment.Void(payment_id=id_):
                if id_ in self.payments:
                    self.payments[id_].ending = True
                    self.answer(id_)
                else:
                    self.payments[id_] = Paying("", status="ended")
                    self.tell_ended(id_)
            case payment.Refund(payment_id=id_, refund_id=refund_id, amount=amount):
                paying = self.payments[id_]
                if refund_id not in paying.given and refund_id not in paying.owed:
                    (paying.given if refund_works else paying.owed)[refund_id] = amount
                if refund_id in paying.given:
                    self.news.append(commands.RecordRefunded(refund_id=refund_id))
                else:
                    self.news.append(commands.RecordRefundFailed(refund_id=refund_id, reason="closed"))

    def answer(self, id_: str) -> None:
        """What has an answer already is answered again; what is open waits for the provider."""
        paying = self.payments[id_]
        if paying.status == "captured":
            self.tell_captured(id_)
        elif paying.status == "ended":
            self.tell_ended(id_)

    def tell_captured(self, id_: str) -> None:
        paying = self.payments[id_]
        self.news.append(
            commands.RecordCaptured(
                payment_id=id_, method=paying.method, amount=paying.taken, new_id=self.fresh(), now=self.now
            )
        )

    def tell_ended(self, id_: str) -> None:
        ending = self.payments[id_].ending
        self.news.append(commands.RecordPaymentEnded(payment_id=id_, reason="no", voided=ending, now=self.now))

    def provider_says(self, id_: str, what: str) -> None:
        paying = self.payments[id_]
        if paying.status == "captured":
            return
        match what:
            case "captured":
                # What is collected by hand nobody but us counts; a provider may take another amount than it was asked.
                paying.status, paying.taken = "captured", self.due + (0 if paying.method in PAID_BY_HAND else self.more)
                self.tell_captured(id_)
            case "ended" if paying.status == "open":
                paying.status = "ended"
                self.tell_ended(id_)
            case "authorised":
                self.news.append(commands.RecordAuthorised(payment_id=id_, new_id=self.fresh(), now=self.now))
            case "action":
                self.news.append(commands.RecordActionRequired(payment_id=id_))

    # --- what can happen, in any order ---

    @initialize(
        method=st.none() | METHODS,
        goes_well=st.integers(0, 4),
        more=st.sampled_from([0, 0, 0, -1, 1]),
        coupon=st.sampled_from([None, None, "wished for", "required"]),
        seed=st.integers(),
    )
    def place(self, method: str | None, goes_well: int, more: int, coupon: str | None, seed: int) -> None:
        """Some orders get into trouble only after so many steps that went well."""
        self.random, self.more = Random(seed), more
        chosen = Chosen(payment_id=self.fresh(), method=method) if method else None
        required = coupon == "required"
        self.give(place_reduced(chosen, required=required, waits=WAITS) if coupon else place(chosen, waits=WAITS))
        for _ in range(goes_well):
            self.a_step_goes_well()

    @rule()
    def a_step_goes_well(self) -> None:
        """Everyone does what they were asked, and the order hears of it."""
        while self.orders_to_cart:
            self.cart_works(left=True)
        while self.orders_to_inventory:
            self.inventory_works(enough=True)
        while self.orders_to_payment:
            self.payment_works(refund_works=True)
        for id_, paying in self.payments.items():
            if paying.status == "open":
                self.provider_says(id_, "captured" if paying.asked else "authorised")
        for news in [self.news.pop(0) for _ in self.news[:]]:
            self.give(news)

    @precondition(lambda self: self.orders_to_cart)
    @rule(left=st.booleans())
    def cart_obeys(self, left: bool) -> None:
        self.cart_works(left)

    @precondition(lambda self: self.orders_to_inventory)
    @rule(enough=st.sampled_from([True, True, True, False]))
    def inventory_obeys(self, enough: bool) -> None:
        self.inventory_works(enough)

    @precondition(lambda self: self.orders_to_payment)
    @rule(refund_works=st.sampled_from([True, True, True, False]))
    def payment_obeys(self, refund_works: bool) -> None:
        self.payment_works(refund_works)

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 9), what=st.sampled_from(["authorised", "captured", "ended", "action"]))
    def the_provider_speaks(self, which: int, what: str) -> None:
        self.provider_says([*self.payments][which % len(self.payments)], what)

    @precondition(lambda self: self.news)
    @rule(which=st.integers(0, 9), again=st.booleans())
    def news_arrives(self, which: int, again: bool) -> None:
        at = which % len(self.news)
        self.give(self.news[at] if again else self.news.pop(at))

    @rule(seconds=st.sampled_from([1, 1, 1, 30, 30, 60, 300, 900, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: any(at <= self.now for at, _ in self.timers.values()))
    @rule(which=st.integers(0, 9))
    def a_timer_fires(self, which: int) -> None:
        due = [name for name, (at, _) in self.timers.items() if at <= self.now]
        self.fire(due[which % len(due)])

    @rule(method=METHODS)
    def the_customer_pays(self, method: str) -> None:
        self.give(commands.Pay(payment=Chosen(payment_id=self.fresh(), method=method), now=self.now))

    @rule(by=st.sampled_from(["customer", "staff", None, None, None]))
    def somebody_cancels_now_and_then(self, by: Any) -> None:
        if by is None:
            return
        self.give(commands.Cancel(by=by, note=None, new_id=self.fresh(), now=self.now))

    @rule()
    def inventory_asks(self) -> None:
        self.give(commands.AnswerReservation(now=self.now))

    @precondition(lambda self: self.state.attempts)
    @rule(which=st.integers(0, 9), what=st.sampled_from(["mark", "void", "capture"]))
    def staff_touch_a_payment(self, which: int, what: str) -> None:
        id_ = self.state.attempts[which % len(self.state.attempts)].payment_id
        match what:
            case "mark":
                self.give(commands.MarkPaid(payment_id=id_, reference="R", now=self.now))
            case "void":
                self.give(commands.VoidPayment(payment_id=id_))
            case _:
                self.give(commands.CapturePayment(payment_id=id_, now=self.now))

    @rule(amount=st.none() | st.integers(1, TOTAL + 1))
    def staff_refund(self, amount: int | None) -> None:
        self.give(commands.GiveBack(refund_id=self.fresh(), amount=amount, reason="", now=self.now))

    @precondition(lambda self: self.state.shipments)
    @rule(status=st.sampled_from(ShipmentStatus))
    def staff_move_the_parcel(self, status: ShipmentStatus) -> None:
        id_ = self.state.shipments[0].shipment_id
        self.give(commands.UpdateShipment(shipment_id=id_, status=status, carrier=None, tracking_number=None))

    def fire(self, name: str) -> None:
        _, command = self.timers.pop(name)
        self.give(command)

    # --- what always holds ---

    @invariant()
    def one_attempt_is_live_at_most(self) -> None:
        assert sum(attempt.open for attempt in self.state.attempts) <= 1

    @invariant()
    def no_more_is_refunded_than_was_captured(self) -> None:
        for attempt in self.state.attempts:
            decided = sum(one.amount for one in self.state.refunds if one.payment_id == attempt.payment_id)
            assert 0 <= decided <= attempt.captured

    @invariant()
    def what_others_hear_of_happens_once(self) -> None:
        assert all(self.public[f"order.{fact}.v1"] <= 1 for fact in ("placed", "confirmed", "cancelled"))

    def teardown(self) -> None:
        if self.state.phase is Phase.NEW:
            return
        self.come_to_rest()
        assert self.state.phase in (Phase.CONFIRMED, Phase.CANCELLED)
        self.check_money()
        self.check_stock()
        self.check_coupon()
        self.shop.check()

    def come_to_rest(self) -> None:
        """Everything that can still happen does; payment may keep silent about what it has not ended."""
        silent = {id_ for id_ in self.payments if self.random.random() < 0.3}
        for _ in range(1_000):
            if self.orders_to_cart:
                self.cart_works(left=self.random.random() < 0.5)
            elif self.orders_to_inventory:
                self.inventory_works(enough=True)
            elif self.orders_to_payment:
                self.payment_works(refund_works=True)
            elif self.news:
                self.give(self.news.pop(self.random.randrange(len(self.news))))
            elif waiting := self.waiting_for_the_provider(silent):
                self.provider_says(waiting, self.random.choice(["captured", "ended"]))
            elif self.timers:
                name = min(self.timers, key=lambda name: self.timers[name][0])
                self.now = max(self.now, self.timers[name][0])
                self.fire(name)
            else:
                return
        raise AssertionError(f"no rest: {self.timers}")

    def waiting_for_the_provider(self, silent: set[str]) -> str | None:
        confirmed = self.state.phase is Phase.CONFIRMED  # cash is collected by us: there is always an answer
        for id_, paying in self.payments.items():
            if paying.status == "open" and (paying.asked or paying.ending) and (confirmed or id_ not in silent):
                return id_
        return None

    def check_money(self) -> None:
        refunds = {one.refund_id: one for one in self.state.refunds}
        assert all(one.status is not RefundStatus.PENDING for one in refunds.values())
        for id_, paying in self.payments.items():
            kept = paying.taken - sum(paying.given.values()) - sum(paying.owed.values())
            if self.state.phase is Phase.CONFIRMED and id_ == self.state.paid_by:
                decided = sum(one.amount for one in refunds.values() if one.payment_id == id_)
                assert kept == (self.due if paying.taken else 0) - decided
            else:
                assert kept == 0
                assert paying.status != "open" or paying.ending, "a promise is held for nothing"

    def check_stock(self) -> None:
        if self.state.phase is Phase.CONFIRMED:
            assert self.stock == "committed"
            assert self.put_back == 0
        else:
            assert self.stock in ("released", "rejected") or not self.state.stock_asked
            assert self.put_back == (0 if self.state.confirmed_at else 1)

    def check_coupon(self) -> None:
        reduced = self.state.totals.discount > 0
        if self.state.coupon is None:
            assert self.use == "none"
            assert not reduced
        elif self.state.phase is Phase.CONFIRMED:
            assert self.use == ("redeemed" if reduced else "rejected")
        else:
            assert self.use in ("returned", "rejected")


TestAnyInterleaving = Checkout.TestCase
TestAnyInterleaving.settings = runs(120, steps=40)
