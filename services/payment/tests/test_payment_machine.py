"""Anything that orders, staff, timers and a provider can tell a payment, at any moment, each of it late or twice.

``test_payment_interleavings.py`` has a provider that does what it is asked, and two ledgers that agree in the end. Here
the provider does as it likes; it tells the truth, but old truths come late and in any order, also as answers to calls
that they do not answer. After each single step the rules about money, calls and waits must hold all the same.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.decider import Call, Forget, Refused
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from journal import Journal
from payment.domain import commands
from payment.domain.commands import Charge, ChargeRefund
from payment.domain.facts import Status
from payment.domain.rules import MOST_ASKS, payment
from payment.domain.state import State
from payment.service import PAYMENT
from payment.views import settled
from soko_contracts import payment as told
from soko_contracts.sealed import Sealed
from thoroughness import runs

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AMOUNT = 500
ANY = st.integers(0, 99)
OVER = frozenset({Status.CAPTURED, Status.FAILED, Status.VOIDED})

LEADS_TO = {
    Status.NEW: {Status.PROCESSING, *OVER},
    Status.PROCESSING: {Status.REQUIRES_ACTION, Status.AUTHORISED, *OVER},
    Status.REQUIRES_ACTION: {Status.AUTHORISED, *OVER},
    Status.AUTHORISED: set(OVER),
    Status.FAILED: {Status.CAPTURED},
    Status.VOIDED: {Status.CAPTURED},
    Status.CAPTURED: set[Status](),
}

BECOMES: dict[str, tuple[str, ...]] = {
    "missing": ("pending", "requires_action", "authorised", "failed", "captured"),
    "pending": ("requires_action", "authorised", "failed", "captured", "voided"),
    "requires_action": ("authorised", "failed", "captured", "voided"),
    "authorised": ("captured", "voided"),
    "failed": ("authorised",),
    "voided": (),
    "captured": (),
}
"""How a charge moves at its provider, whoever moves it."""


def try_of(operation: str) -> tuple[str, int]:
    """Refund and try; for what is no refund nothing that one is called."""
    match operation.split(":"):
        case ["refund", refund_id, *tries]:
            return refund_id, int(tries[0]) if tries else 1
    return "", 0


class Attempt(RuleBasedStateMachine):
    """``charges`` are all the truths there ever were about the charge, the newest last."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Journal(PAYMENT)
        self.order_id: str | None = None
        self.charges = [Charge("missing")]
        self.out: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.timer: Any = None
        self.told: list[Any] = []
        self.forgotten = False
        self.statuses = [Status.NEW]

    @property
    def state(self) -> State:
        found: State = self.shop.state(payment, "p1")
        return found

    def give(self, command: commands.Command) -> bool:
        try:
            self.shop.execute(payment, "p1", command)
        except Refused:
            return False
        if self.state.status is not self.statuses[-1]:
            self.statuses.append(self.state.status)
        for effect in self.shop.effects:
            match effect:
                case Call(_, key, request):
                    self.called(key.removeprefix("p1:"), request)
                case Forget(subject):
                    assert subject == "p1"
                    self.forgotten = True
        for timer in self.shop.timers():
            self.timer = timer
        self.told += self.shop.sent
        return True

    def called(self, operation: str, request: Any) -> None:
        """The provider is asked to do something: was it right to?"""
        self.calls[operation] += 1
        self.out[operation] += 1
        match operation.split(":"):
            case ["authorise"]:
                assert self.calls[operation] == 1
            case ["capture"]:
                assert not self.state.ending
                assert 0 < request["take"] <= AMOUNT
            case ["void"]:
                assert self.state.status is not Status.CAPTURED
                assert not {"authorise", "capture"} & set(self.state.calling)
            case ["refund", refund_id, *_]:
                assert request["give"] > 0
                failed = {(each.refund_id, each.tries) for each in self.told if isinstance(each, told.RefundFailed)}
                tries = {which for id_, which in map(try_of, self.calls) if id_ == refund_id}
                assert {(refund_id, each) for each in tries if each < request["tries"]} <= failed
                assert max(tries) == request["tries"]

    # --- what can be said, at any moment ---

    @initialize(
        order_id=st.sampled_from(["o1", "o1", None]),
        well=st.sampled_from([0, 1, 1, 1, 2, 3, 4, 5]),
        first=st.booleans(),
    )
    def somebody_wants_to_be_paid(self, order_id: str | None, well: int, first: bool) -> None:
        """Some payments get into trouble only after so many steps that went well; some before the first."""
        self.order_id, self.payer_acts_first = order_id, first
        for _ in range(well):
            self.a_step_goes_well()

    @rule()
    def a_step_goes_well(self) -> None:
        """What is to be done next is asked for, done by the provider, and told."""
        now = self.charges[-1]
        if self.out["authorise"] and now.status == "missing":
            status: Any = "requires_action" if self.payer_acts_first else "authorised"
            self.charges.append(Charge(status, "ch", now.revision + 1, action="redirect"))
            self.come_back("authorise")
        elif self.state.status is Status.REQUIRES_ACTION and now.status == "requires_action":
            self.charges.append(Charge("authorised", "ch", now.revision + 1))
            self.a_report_arrives(newest=True, which=0, delay=30)
        elif self.out["capture"] and now.status == "authorised":
            self.charges.append(Charge("captured", "ch", now.revision + 1, captured=self.state.capturing))
            self.come_back("capture")
        elif asked := [each for each in +self.out if each.startswith("refund:")]:
            self.the_provider_looks_at_a_refund(0, works=True)
            self.come_back(asked[0])
        elif self.state.status is Status.NEW:
            self.authorise("card")
        elif self.state.status is Status.AUTHORISED:
            self.capture(AMOUNT, strict=False)
        elif self.state.refundable:
            self.refund(0)
        else:
            self.a_report_arrives(newest=True, which=0, delay=30)

    def come_back(self, operation: str) -> None:
        self.out[operation] -= 1
        self.give(commands.Report(self.charges[-1], NOW, 30, operation))

    @rule(method=st.sampled_from(["card"] * 9 + ["shells"]))
    def authorise(self, method: str) -> None:
        self.answered(
            commands.Authorise("p1", self.order_id, "SO-1", "c1", method, AMOUNT, "KES", NOW, Sealed("p1", "token"))
        )

    @rule(amount=st.sampled_from([AMOUNT, AMOUNT, AMOUNT, 1, AMOUNT + 1]), strict=st.booleans())
    def capture(self, amount: int, strict: bool) -> None:
        free = self.state.status is Status.AUTHORISED and not self.state.ending and not self.state.capturing
        done = self.answered(commands.Capture("p1", self.order_id, amount, strict=strict))
        assert done is (not strict or (free and amount <= AMOUNT))

    @rule(strict=st.booleans(), really=st.sampled_from([True, False, False]))
    def void(self, strict: bool, really: bool) -> None:
        if not really:
            return
        was_open = self.state.is_open
        assert self.answered(commands.Void("p1", self.order_id, strict=strict)) is (was_open or not strict)

    @rule(which=st.integers(0, 2), tries=st.sampled_from([1, 1, 2, 3]))
    def refund(self, which: int, tries: int = 1) -> None:
        before = self.state.refunds.get(f"r{which}")
        self.answered(commands.Refund("p1", self.order_id, f"r{which}", (200, 300, AMOUNT)[which], tries))
        if before and (before.status != "failed" or tries <= before.tries):
            assert self.state.refunds[f"r{which}"] == before

    @precondition(lambda self: any(one.status == "failed" for one in self.state.refunds.values()))
    @rule(which=ANY)
    def a_failed_refund_is_tried_again(self, which: int) -> None:
        failed = sorted(id_ for id_, one in self.state.refunds.items() if one.status == "failed")
        id_ = failed[which % len(failed)]
        before = self.state.refunds[id_]
        self.answered(commands.Refund("p1", self.order_id, id_, before.amount, before.tries + 1))
        assert self.state.refunds[id_].tries == before.tries + 1
        assert not before.owed or self.state.refunds[id_].status == "asked"

    def answered(self, command: commands.Command) -> bool:
        """A command is answered now, or by what it waits for."""
        done = self.give(command)
        if done and not self.shop.sent:
            waits_for_refund = any(giving.status == "asked" for giving in self.state.refunds.values())
            assert self.state.is_open or waits_for_refund
        return done

    @rule(which=ANY, amount=st.sampled_from([AMOUNT, AMOUNT, AMOUNT, 1]))
    def the_charge_moves(self, which: int, amount: int) -> None:
        now = self.charges[-1]
        where = BECOMES[now.status] if self.calls["authorise"] else ()
        if where:
            status: Any = where[which % len(where)]
            taken = amount if status == "captured" else 0
            self.charges.append(Charge(status, "ch", now.revision + 1, captured=taken))

    @rule(which=ANY, works=st.booleans())
    def the_provider_looks_at_a_refund(self, which: int, works: bool) -> None:
        """It gives back no more than it took, and says of each try what became of it. It may make two of them."""
        now = self.charges[-1]
        asked = sorted(each for each in self.calls if each.startswith("refund:"))
        if now.status != "captured" or not asked:
            return
        id_, tries = try_of(asked[which % len(asked)])
        if (id_, tries) in {(refund.refund_id, refund.tries) for refund in now.refunds}:
            return
        amount = self.state.refunds[id_].amount
        said = ChargeRefund(id_, amount, "succeeded" if works and amount <= self.left() else "failed", tries=tries)
        self.charges.append(replace(now, revision=now.revision + 1, refunds=(*now.refunds, said)))

    def left(self) -> int:
        now = self.charges[-1]
        return now.captured - sum(one.amount for one in now.refunds if one.status == "succeeded")

    @precondition(lambda self: any(one.status == "failed" for one in self.charges[-1].refunds))
    @rule(which=ANY)
    def a_refund_that_it_refused_is_made_after_all(self, which: int) -> None:
        now = self.charges[-1]
        failed = [one for one in now.refunds if one.status == "failed"]
        late = failed[which % len(failed)]
        if late.amount <= self.left():
            refunds = tuple(replace(one, status="succeeded") if one is late else one for one in now.refunds)
            self.charges.append(replace(now, revision=now.revision + 1, refunds=refunds))

    @rule(newest=st.booleans(), which=ANY, delay=st.sampled_from([30, 3600]))
    def a_report_arrives(self, newest: bool, which: int, delay: int) -> None:
        charge = self.charges[-1 if newest else which % len(self.charges)]
        self.give(commands.Report(charge, NOW, delay))

    @precondition(lambda self: +self.out)
    @rule(call=ANY, newest=st.booleans(), which=ANY)
    def a_call_is_answered(self, call: int, newest: bool, which: int) -> None:
        operation = self.comes_back(call)
        known = self.charges[1:] or self.charges
        charge = known[-1 if newest else which % len(known)]
        self.give(commands.Report(charge, NOW, 30, None if operation.startswith("ask") else operation))

    @precondition(lambda self: +self.out)
    @rule(call=ANY, shown=st.booleans())
    def a_call_is_denied(self, call: int, shown: bool) -> None:
        operation = self.comes_back(call)
        if operation.startswith("refund"):
            asked = sorted(each for each in self.calls if each.startswith("refund:"))
            self.the_provider_looks_at_a_refund(asked.index(operation), works=False)
        if try_of(operation) in self.given():  # what it has done it does not deny
            self.give(commands.Report(self.charges[-1], NOW, 30, operation))
        elif not operation.startswith("ask"):
            self.give(commands.Deny(operation, "no", NOW, 30, self.charges[-1] if shown else None))

    @precondition(lambda self: +self.out)
    @rule(call=ANY)
    def a_call_is_given_up(self, call: int) -> None:
        operation = self.comes_back(call)
        if not operation.startswith("ask"):
            self.give(commands.GiveUp(operation, NOW, 30))

    def given(self) -> set[tuple[str, int]]:
        return {(one.refund_id, one.tries) for one in self.charges[-1].refunds if one.status == "succeeded"}

    def comes_back(self, which: int) -> str:
        out = sorted(+self.out)
        operation = out[which % len(out)]
        self.out[operation] -= 1
        return operation

    @precondition(lambda self: self.timer is not None)
    @rule()
    def the_timer_fires(self) -> None:
        timer, self.timer = self.timer, None
        self.give(timer.command)
        if self.timer is not None:
            assert self.timer.at - timer.at == timedelta(seconds=min(2 * timer.command.delay, 3600))

    # --- what always holds ---

    @invariant()
    def it_goes_only_where_it_can(self) -> None:
        for before, after in zip(self.statuses, self.statuses[1:], strict=False):
            assert after in LEADS_TO[before]

    @invariant()
    def money_here_is_money_there(self) -> None:
        """Each movement that is shown was one at the provider, and nothing moved twice."""
        moved = [row for (table, _), row in self.shop.rows.items() if table == "movements"]
        captured = {charge.captured for charge in self.charges if charge.status == "captured"}
        given = {
            (one.refund_id, one.amount)
            for charge in self.charges
            for one in charge.refunds
            if one.status == "succeeded"
        }
        assert [row["amount"] for row in moved if row["kind"] == "capture"] in ([], [*captured])
        back = [(row["refund_id"], row["amount"]) for row in moved if row["kind"] == "refund"]
        assert len(back) == len(set(back))
        assert set(back) <= given
        voids = sum(row["kind"] == "void" for row in moved)
        assert voids <= any(charge.status == "voided" for charge in self.charges)
        if voids:
            assert self.state.void_known

    @invariant()
    def no_more_goes_back_than_came(self) -> None:
        assert 0 <= self.state.refunded <= self.state.captured
        assert self.state.refundable >= 0
        asked = {id_ for id_, _ in map(try_of, self.calls)}
        kept = sum(one.amount for id_, one in self.state.refunds.items() if id_ in asked)
        assert self.state.refundable == self.state.captured - kept

    @invariant()
    def what_is_awaited_is_on_its_way(self) -> None:
        assert len(set(self.state.calling)) == len(self.state.calling)
        for operation in self.state.calling:
            assert self.out[operation]
            assert self.state.leaves_open(operation)

    @invariant()
    def what_is_open_is_asked_about(self) -> None:
        if self.state.unsettled():
            assert self.timer is not None or self.state.calling or self.state.asks >= MOST_ASKS
        if settled(self.state):
            assert not self.state.calling
            assert self.state.status is Status.REQUIRES_ACTION or not self.state.unsettled()

    @invariant()
    def its_order_knows_how_it_ended(self) -> None:
        outcomes = [
            each for each in self.told if not isinstance(each, told.Started | told.Refunded | told.RefundFailed)
        ]
        expected: dict[Status, type] = {
            Status.CAPTURED: told.Captured,
            Status.FAILED: told.Failed,
            Status.VOIDED: told.Voided,
        }
        if self.state.status in OVER:
            assert isinstance(outcomes[-1], expected[self.state.status])
        assert {each.amount for each in outcomes if isinstance(each, told.Captured)} <= {self.state.captured}
        for refund_id, giving in self.state.refunds.items():
            done = sum(isinstance(each, told.Refunded) and each.refund_id == refund_id for each in self.told)
            assert (done > 0) is (giving.status == "done")
        assert sum(isinstance(each, told.Started) for each in self.told) <= 1

    @invariant()
    def the_token_is_of_no_more_use_after_the_answer(self) -> None:
        if self.state.status in (Status.AUTHORISED, *OVER):
            assert self.forgotten
        elif self.state.is_open:
            assert not self.forgotten

    @invariant()
    def what_is_read_is_what_is_so(self) -> None:
        row = self.shop.rows.get(("payments", ("p1",)))
        if row is not None:
            assert (row["captured"], row["refunded"]) == (self.state.captured, self.state.refunded)
            assert row["settled"] is settled(self.state)

    def teardown(self) -> None:
        self.shop.check()


TestAttempt = Attempt.TestCase
TestAttempt.settings = runs(150, steps=40)
