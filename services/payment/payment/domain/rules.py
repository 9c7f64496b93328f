"""The rules of a payment: what its commands lead to, and what has to happen next.

new -> processing -> (requires_action ->) authorised -> captured; every open state can end as failed or voided.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from chassis.decider import After, Call, Decider, Effect, Forget, Refused, Send
from soko_contracts import payment as contracts

from payment.domain import commands, facts, news
from payment.domain.commands import METHODS, Command
from payment.domain.facts import Event, Status
from payment.domain.state import State, evolve

LONGEST_DELAY = 3600
MOST_ASKS = 200
"""A week of questions, an hour apart. After that only the provider's own word or a person's settles it."""

NO_CURRENCY = "XXX"
"""ISO 4217 for none: the answer about a payment that never was."""


def decide(command: Command, state: State) -> list[Event]:
    """What comes of ``command``. A command of an order is always answered, now or by what its call brings."""
    match command:
        case commands.Authorise():
            return _authorise(command, state)
        case commands.Capture():
            return _capture(command, state)
        case commands.Void():
            return _void(command, state)
        case commands.Refund():
            return _refund(command, state)
        case commands.Report():
            return news.report(command, state)
        case commands.Deny():
            return news.deny(command, state)
        case commands.GiveUp():
            return news.give_up(command, state)
        case commands.Ask():
            return _ask(command, state)


def _authorise(command: commands.Authorise, state: State) -> list[Event]:
    asked: dict[str, Any] = {
        "payment_id": command.payment_id,
        "order_id": command.order_id,
        "number": command.number,
        "customer_id": command.customer_id,
        "method": command.method,
        "amount": command.amount,
        "currency": command.currency,
        "at": command.now,
    }
    if state.status is not Status.NEW:
        return _again(state) if state.method else [facts.TurnedAway(**asked, reason="voided")]
    if command.method not in METHODS:
        return [facts.TurnedAway(**asked, reason="method_unavailable")]
    return [facts.Requested(**asked, token=command.token, phone=command.phone, reference=command.reference)]


def _capture(command: commands.Capture, state: State) -> list[Event]:
    if command.strict and (state.status is not Status.AUTHORISED or state.ending or state.capturing):
        raise Refused("payment-not-authorised", f"The payment is {state.status}: there is nothing to capture.")
    if command.strict and not 0 < command.amount <= state.amount:
        raise Refused("amount-too-large", "No more than what is authorised can be captured.")
    match state.status:
        case Status.NEW:
            return [facts.Failed(command.payment_id, command.order_id, None, 0, "unknown_payment")]
        case Status.PROCESSING | Status.REQUIRES_ACTION | Status.AUTHORISED if state.ending or state.capturing:
            return []
        case Status.PROCESSING | Status.REQUIRES_ACTION:
            return [facts.CaptureAsked(command.amount, command.receipt)]
        case Status.AUTHORISED:
            story = news.Story(state)
            news.take(story, command.amount, command.receipt)
            return story.events
        case _:
            return _again(state)


def _void(command: commands.Void, state: State) -> list[Event]:
    if command.strict and not state.is_open:
        raise Refused("payment-over", f"The payment is {state.status}: there is nothing to void.")
    if state.status is Status.NEW:
        return [facts.Voided(command.payment_id, command.order_id, None, 0, at_provider=False)]
    if state.is_open:
        return [] if state.ending else [facts.VoidAsked()]
    return _again(state)


def _refund(command: commands.Refund, state: State) -> list[Event]:
    """One refund, however often it is asked for; a higher try asks the provider again, once the one before failed.

    A second try can send the money twice: the provider says no to the first, its bank pays it all the same, and the
    second is paid too. No rule of ours can rule that out, so each step makes it less likely, and the last makes it
    seen. The second try has a key of its own, since a provider may answer a known key with the no it gave before; but
    it goes under the same refund id, and a provider that knows those (cardsim) refuses an id that it has paid. Before
    the call is made the provider is asked how the charge stands (``calls``): a first try that succeeded, or that is at
    work again, is all there is to hear, and nothing is called. Whichever try succeeds first is told to the order; it
    counts once, here and there. A second success after that is no event: our ledger has one line where the provider's
    has two, so the reconciliation lists the second as ``only_at_provider``, for people to claim it back.
    """
    known = state.refunds.get(command.refund_id)
    if known and (known.status != "failed" or command.tries <= known.tries):
        return [] if known.status == "asked" else [facts.AnsweredAgain(command.refund_id)]
    kept = known.amount if known and known.owed else 0
    if 0 < command.amount <= state.refundable + kept:
        return [facts.RefundAsked(command.refund_id, command.amount, command.tries)]
    reason = "exceeds_captured" if state.captured else "nothing_captured"
    order_id = state.order_id or command.order_id
    return [facts.RefundFailed(command.payment_id, order_id, command.refund_id, command.amount, reason, command.tries)]


def _ask(command: commands.Ask, state: State) -> list[Event]:
    if not state.unsettled() or state.asks >= MOST_ASKS:
        return []
    delay = min(command.delay * 2, LONGEST_DELAY)
    return [facts.Asked(command.at + timedelta(seconds=delay), delay)]


def _again(state: State) -> list[Event]:
    """A second answer, where the first one still stands."""
    waits = state.status is Status.PROCESSING or (state.is_open and state.ending)
    return [] if waits else [facts.AnsweredAgain()]


def react(event: Event, state: State) -> Sequence[Effect]:
    """What has to happen next."""
    match event:
        case facts.Requested():
            request = _request(state, number=event.number, token=event.token, phone=event.phone)
            return [Send(_started(state)), _call("authorise", state, request)]
        case facts.TurnedAway():
            return [Send(_outcome(state)), Forget(state.payment_id)]
        case facts.LeftOpen():
            return [_ask_later(event)]
        case facts.Asked():
            key = f"{state.payment_id}:ask:{state.asks}"
            return [Call(f"{state.method}.ask", key, _request(state)), _ask_later(event)]
        case facts.ActionRequired():
            return [_ask_later(event)] if state.ending else [Send(_outcome(state)), _ask_later(event)]
        case facts.Authorised():
            forget = Forget(state.payment_id)
            return [forget] if state.ending else [Send(_outcome(state)), forget]
        case facts.CaptureAsked():
            request = _request(state, take=event.amount, receipt=event.receipt)
            return [_call("capture", state, request)] if "capture" in state.calling else []
        case facts.VoidAsked():
            return [_call("void", state, _request(state))] if "void" in state.calling else []
        case facts.Captured() | facts.Voided() | facts.Failed():
            return [Send(_outcome(state)), Forget(state.payment_id)]
        case facts.RefundAsked():
            request = _request(state, refund_id=event.refund_id, give=event.amount, tries=event.tries)
            return [_call(commands.refund_operation(event.refund_id, event.tries), state, request)]
        case facts.Refunded() | facts.RefundFailed():
            return [Send(_refund_outcome(event.refund_id, state))]
        case facts.AnsweredAgain():
            if event.refund_id:
                return [Send(_refund_outcome(event.refund_id, state))]
            return [Send(_outcome(state)), *([] if state.is_open else [Forget(state.payment_id)])]
        case facts.PromiseLeft() | facts.PromiseGone():
            return []


def _request(state: State, **more: Any) -> dict[str, Any]:
    return {
        "payment_id": state.payment_id,
        "order_id": state.order_id,
        "charge_id": state.charge_id,
        "amount": state.amount,
        "currency": state.currency,
        **more,
    }


def _call(operation: str, state: State, request: dict[str, Any]) -> Call:
    """The key is the same for every call of this operation on this attempt: a provider acts on it once.

    Each try of a refund is an operation of its own.
    """
    return Call(f"{state.method}.{operation.split(':')[0]}", f"{state.payment_id}:{operation}", request)


def _ask_later(event: facts.LeftOpen | facts.Asked | facts.ActionRequired) -> After:
    return After("ask", event.ask_at, commands.Ask(event.ask_at, event.delay))


def _started(state: State) -> contracts.Started:
    return contracts.Started(
        payment_id=state.payment_id,
        order_id=state.order_id,
        method=state.method or "",
        amount=state.amount,
        currency=state.currency,
    )


def _outcome(state: State) -> Any:
    """How the attempt stands, as its order is told."""
    ids: dict[str, Any] = {"payment_id": state.payment_id, "order_id": state.order_id}
    money = {**ids, "method": state.method or "", "currency": state.currency}
    match state.status:
        case Status.REQUIRES_ACTION:
            return contracts.ActionRequired(**ids, action=state.action or "")
        case Status.AUTHORISED:
            return contracts.Authorised(**money, amount=state.amount)
        case Status.CAPTURED:
            return contracts.Captured(**money, amount=state.captured)
        case Status.VOIDED:
            return contracts.Voided(**ids)
        case _:
            return contracts.Failed(**ids, reason=state.reason or "")


def _refund_outcome(refund_id: str, state: State) -> Any:
    giving = state.refunds[refund_id]
    about: dict[str, Any] = {
        "payment_id": state.payment_id,
        "order_id": state.order_id,
        "refund_id": refund_id,
        "amount": giving.amount,
        "currency": state.currency or NO_CURRENCY,
    }
    if giving.status == "done":
        return contracts.Refunded(**about)
    return contracts.RefundFailed(**about, reason=giving.reason or "", tries=giving.tries)


payment = Decider("payment", State(), decide, evolve, react)

EVENTS = facts.EVENTS
COMMANDS = commands.COMMANDS
