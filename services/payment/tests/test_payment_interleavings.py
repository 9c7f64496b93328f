"""Every way a payment, its provider and the network between them can get in each other's way.

A model of a provider keeps its own ledger. Hypothesis chooses what happens next: an order's command, the bank, the
payer, a call that is answered, lost on the way there, lost on the way back or given up, a webhook late, twice or never,
the timer. Then the storm ends, everything still under way arrives, and the two ledgers have to agree.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from chassis.decider import After, Call, Send
from hypothesis import given
from hypothesis import strategies as st
from journal import Journal
from payment.domain import commands, facts
from payment.domain.commands import Charge, ChargeRefund
from payment.domain.facts import Status
from payment.domain.rules import payment
from payment.domain.state import State
from payment.service import PAYMENT
from soko_contracts import payment as told
from thoroughness import runs

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AMOUNT = 500
OVER = frozenset({Status.CAPTURED, Status.FAILED, Status.VOIDED})

Temper = Literal["yes", "no", "later_yes", "later_no", "never", "asks_payer", "takes_at_once", "no_then_yes"]
TEMPERS: tuple[Temper, ...] = get_args(Temper)
MISSING = Charge("missing")


class No(Exception):
    """The provider refuses, and shows the charge as it is."""


@dataclass
class Provider:
    """Keeps one charge, acts once a key, and notes every movement in its ledger. The first refunds it ``refuses``."""

    temper: Temper
    refuses: int = 0
    charge: Charge = MISSING
    ledger: list[tuple[str, int]] = field(default_factory=list)
    webhooks: list[Charge] = field(default_factory=list)

    def _becomes(self, **changes: Any) -> None:
        self.charge = replace(self.charge, revision=self.charge.revision + 1, **changes)
        self.webhooks.append(self.charge)

    def authorise(self) -> None:
        if self.charge.status != "missing":
            return
        self.charge = Charge("missing", "ch")
        match self.temper:
            case "yes":
                self._becomes(status="authorised")
            case "no" | "no_then_yes":
                self._becomes(status="failed", reason="declined")
            case "asks_payer":
                self._becomes(status="requires_action", action="redirect")
            case "takes_at_once":
                self._take(AMOUNT)
            case _:
                self._becomes(status="pending")

    def bank(self) -> None:
        """The bank or the payer answers what waits for them."""
        match self.charge.status, self.temper:
            case ("pending", "later_yes") | ("requires_action", _) | ("failed", "no_then_yes"):
                self._becomes(status="authorised")
            case ("pending", "later_no"):
                self._becomes(status="failed", reason="declined")

    def expire(self) -> None:
        if self.charge.status == "authorised":
            self.ledger.append(("void", AMOUNT))
            self._becomes(status="voided")

    def _take(self, amount: int) -> None:
        self.ledger.append(("capture", amount))
        self._becomes(status="captured", captured=amount)

    def capture(self, amount: int) -> None:
        if self.charge.status != "authorised":
            raise No("not_authorised")
        self._take(amount)

    def void(self) -> None:
        match self.charge.status:
            case "missing" | "voided" | "failed":
                pass
            case "captured":
                raise No("already_captured")
            case "pending" if self.temper.startswith("later"):
                raise No("charge_pending")
            case _:
                self.ledger.append(("void", AMOUNT))
                self._becomes(status="voided")

    def refund(self, refund_id: str, amount: int) -> None:
        known = self.charge.refunds
        if any(each.refund_id == refund_id for each in known):
            return
        if self.refuses:
            self.refuses -= 1
            raise No("closed")
        if amount > self.charge.captured - sum(each.amount for each in known):
            raise No("exceeds_captured")
        self.ledger.append(("refund", amount))
        self._becomes(refunds=(*known, ChargeRefund(refund_id, amount, "succeeded")))


@dataclass
class World:
    """The payment, its provider, and what is on its way between them."""

    provider: Provider
    order_id: str | None = "o1"
    shop: Journal = field(default_factory=lambda: Journal(PAYMENT))
    told: list[Any] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    limbo: list[Call] = field(default_factory=list)
    timer: commands.Ask | None = None
    asked: set[str] = field(default_factory=set)

    @property
    def state(self) -> State:
        found: State = self.shop.state(payment, "p1")
        return found

    @property
    def events(self) -> list[facts.Event]:
        return [event for _, event in self.shop.events]

    def give(self, command: commands.Command) -> None:
        for effect in self.shop.execute(payment, "p1", command).effects:
            match effect:
                case Send():
                    self.told.append(effect.message)
                case Call():
                    self.calls.append(effect)
                case After():
                    self.timer = effect.command
        assert 0 <= self.state.refunded <= self.state.captured
        assert self.state.refundable >= 0

    def order_says(self, what: str, number: int) -> None:
        self.asked.add(what)
        match what:
            case "authorise":
                self.give(commands.Authorise("p1", self.order_id, "SO-1", "c1", "card", AMOUNT, "KES", NOW))
            case "capture":
                self.give(commands.Capture("p1", self.order_id, AMOUNT))
            case "void":
                self.give(commands.Void("p1", self.order_id))
            case "refund":
                self.asked.add(f"refund:r{number}")
                self.refund(f"r{number}", 100 * (number + 1))

    def refund(self, refund_id: str, amount: int) -> None:
        """For the first time, or the next one after it failed."""
        known = self.state.refunds.get(refund_id)
        tries = known.tries + (known.status == "failed") if known else 1
        self.give(commands.Refund("p1", self.order_id, refund_id, amount, tries))

    def try_again(self) -> None:
        """What is owed is asked for until the provider returns it."""
        while owed := [(id_, one) for id_, one in self.state.refunds.items() if one.status == "failed" and one.owed]:
            for refund_id, giving in owed:
                self.refund(refund_id, giving.amount)
            self.calm()

    def reaches_provider(self, call: Call) -> commands.Command:
        operation = call.key.removeprefix("p1:")
        try:
            match call.name.removeprefix("card."):
                case "authorise":
                    self.provider.authorise()
                case "capture":
                    self.provider.capture(call.request["take"])
                case "void":
                    self.provider.void()
                case "refund":
                    self.provider.refund(call.request["refund_id"], call.request["give"])
        except No as no:
            return commands.Deny(operation, str(no), NOW, 30, self.provider.charge)
        return commands.Report(self.provider.charge, NOW, 30, None if operation.startswith("ask") else operation)

    def call(self, call: Call, fate: str) -> None:
        operation = call.key.removeprefix("p1:")
        match fate:
            case "answered":
                self.calls.remove(call)
                self.give(self.reaches_provider(call))
            case "lost there":
                pass
            case "lost back":
                self.reaches_provider(call)
            case "given up":
                self.calls.remove(call)
                self.limbo.append(call)
                if not operation.startswith("ask"):
                    self.give(commands.GiveUp(operation, NOW, 30))

    def fire(self) -> None:
        if self.timer is not None:
            timer, self.timer = self.timer, None
            self.give(timer)

    def webhook(self, index: int) -> None:
        self.give(commands.Report(self.provider.webhooks[index], NOW, 30))

    def calm(self) -> None:
        """Everything still under way arrives, and the questions go on until nothing is open."""
        for call in self.limbo:
            self.reaches_provider(call)
        for _ in range(30):
            self.provider.bank()
            for call in list(self.calls):
                self.call(call, "answered")
            for index in range(len(self.provider.webhooks)):
                self.webhook(index)
            self.fire()


def storm(data: st.DataObject, world: World) -> None:
    for _ in range(data.draw(st.integers(0, 25), label="steps")):
        kinds = ["order", "order", "bank", "timer"]
        kinds += ["call"] * 3 if world.calls else []
        kinds += ["webhook"] * 2 if world.provider.webhooks else []
        kinds += ["limbo"] if world.limbo else []
        kinds += ["expire"] if world.state.status is Status.AUTHORISED else []
        match data.draw(st.sampled_from(kinds), label="what"):
            case "order":
                what = data.draw(st.sampled_from(["authorise", "authorise", "capture", "void", "refund"]))
                world.order_says(what, data.draw(st.integers(0, 3)) if what == "refund" else 0)
            case "bank":
                world.provider.bank()
            case "expire":
                world.provider.expire()
            case "timer":
                world.fire()
            case "call":
                call = data.draw(st.sampled_from(world.calls))
                fates = ["answered", "answered", "lost there", "lost back", "given up"]
                world.call(call, data.draw(st.sampled_from(fates), label="fate"))
            case "webhook":
                world.webhook(data.draw(st.integers(0, len(world.provider.webhooks) - 1)))
            case "limbo":
                world.reaches_provider(world.limbo.pop())


def movements(events: list[facts.Event]) -> list[tuple[str, int]]:
    """The money that these events say was moved at the provider."""
    moved: list[tuple[str, int]] = []
    for event in events:
        match event:
            case facts.Captured():
                moved.append(("capture", event.amount))
            case facts.Refunded():
                moved.append(("refund", event.amount))
            case (
                facts.Voided(at_provider=True) | facts.Failed(at_provider_voided=True) | facts.PromiseGone(voided=True)
            ):
                moved.append(("void", AMOUNT))
    return moved


REFUSES = st.sampled_from([0, 0, 1, 3])


@runs(300)
@given(st.data(), st.sampled_from(TEMPERS), st.sampled_from(["o1", None]), REFUSES)
def test_both_ledgers_agree_and_every_command_is_answered(
    data: st.DataObject, temper: Temper, order_id: str | None, refuses: int
) -> None:
    world = World(Provider(temper, refuses), order_id)
    storm(data, world)
    world.calm()
    charge = world.provider.charge

    assert sorted(movements(world.events)) == sorted(world.provider.ledger)
    world.shop.check()
    if charge.status != "requires_action" and not (temper == "never" and charge.status == "pending"):
        assert not world.state.unsettled()
        assert not world.calls
    if world.state.status in (Status.FAILED, Status.VOIDED):
        assert charge.status not in ("authorised", "captured"), "the provider still holds the payer's money"

    answers = {type(message) for message in world.told}
    if "void" in world.asked:
        assert world.state.status in OVER
        assert answers & {told.Voided, told.Failed, told.Captured}
    if "capture" in world.asked and temper not in ("never", "asks_payer"):
        assert answers & {told.Captured, told.Failed, told.Voided}
    refunds = {message.refund_id for message in world.told if isinstance(message, told.Refunded | told.RefundFailed)}
    assert {each.removeprefix("refund:") for each in world.asked if ":" in each} <= refunds


@runs(150)
@given(st.data(), st.sampled_from(TEMPERS), REFUSES)
def test_a_cancelled_order_keeps_no_money(data: st.DataObject, temper: Temper, refuses: int) -> None:
    world = World(Provider(temper, refuses))
    storm(data, world)
    world.order_says("void", 0)
    world.calm()
    if world.state.status is Status.CAPTURED and world.state.refundable:
        world.give(commands.Refund("p1", "o1", "all", world.state.refundable))
        world.calm()
    world.try_again()

    assert world.state.captured == world.state.refunded
    moved = world.provider.ledger
    assert sum(amount for kind, amount in moved if kind == "capture") == sum(
        amount for kind, amount in moved if kind == "refund"
    )
    assert world.provider.charge.status != "authorised"


@runs(150)
@given(st.data(), st.sampled_from(TEMPERS))
def test_a_payment_without_an_order_that_was_voided_gives_late_money_back_by_itself(
    data: st.DataObject, temper: Temper
) -> None:
    world = World(Provider(temper), order_id=None)
    world.order_says("authorise", 0)
    world.order_says("void", 0)
    storm(data, world)
    world.calm()

    assert world.state.captured == world.state.refunded
