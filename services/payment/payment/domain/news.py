"""The rules for what a provider says.

Money is decided here, so in words: what a provider says can be old, doubled or late, and a call without an answer can
have happened. So nothing is concluded from silence, and every report is compared with what is remembered:

- what is new becomes an event, what is known or older (``revision``) does not;
- a call that came back without settling its operation leaves it open, and the provider is asked later;
- what still has to happen (void, take, give back) is asked for again when the provider shows that it has not happened
  and no call is out;
- a promise that turns up after the end is voided from here, without telling anyone; money that turns up after the end
  is told as captured, and its order gives it back; a payment without an order gives it back by itself.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from payment.domain.commands import Charge, Deny, GiveUp, Report, refund_operation
from payment.domain.facts import (
    ActionRequired,
    Authorised,
    CaptureAsked,
    Captured,
    Event,
    Failed,
    LeftOpen,
    PromiseGone,
    PromiseLeft,
    RefundAsked,
    Refunded,
    RefundFailed,
    Status,
    VoidAsked,
    Voided,
)
from payment.domain.state import State, evolve

VOIDABLE = frozenset({"pending", "requires_action", "authorised"})
SILENT = Charge("pending")
"""What is assumed of a charge that nobody spoke of: that there may be something to void."""


@dataclass
class Story:
    """Events as they are decided, and the state after them."""

    state: State
    events: list[Event] = field(default_factory=list)

    def tell(self, *events: Event) -> None:
        """These happened next."""
        for event in events:
            self.state = evolve(self.state, event)
            self.events.append(event)


def report(command: Report, state: State) -> list[Event]:
    """The provider says how the charge stands."""
    story = Story(state)
    if state.status is Status.NEW:
        return story.events
    _hear(story, command)
    if command.operation in story.state.calling:
        story.tell(_left_open(command.operation, command.charge.charge_id, command))
    _act(story, command.charge, command.operation)
    return story.events


def deny(command: Deny, state: State) -> list[Event]:
    """The provider will not do it."""
    story, charge = Story(state), command.charge or SILENT
    if command.charge is not None:
        _hear(story, Report(command.charge, command.now, command.ask_after))
    if story.state.leaves_open(command.operation):
        match command.operation.split(":", 1):
            case ["authorise"]:
                story.tell(_failed(story.state, charge, command.reason))
            case ["capture"]:
                story.tell(_failed(story.state, charge, command.reason), PromiseLeft(charge.charge_id, charge.revision))
            case ["refund", named]:
                story.tell(_refund_failed(story.state, named.partition(":")[0], command.reason))
            case _:
                story.tell(_left_open(command.operation, charge.charge_id, command))
    _act(story, charge, command.operation)
    return story.events


def give_up(command: GiveUp, state: State) -> list[Event]:
    """Nobody knows whether it happened."""
    story = Story(state)
    if state.leaves_open(command.operation):
        story.tell(_left_open(command.operation, None, command))
        _act(story, SILENT, command.operation)
    return story.events


def take(story: Story, amount: int, receipt: str | None) -> None:
    """Capture what is authorised. More than that is nobody's right: the attempt ends and the promise goes back."""
    if 0 < amount <= story.state.amount:
        story.tell(CaptureAsked(amount, receipt))
    else:
        charge = Charge("authorised", story.state.charge_id, story.state.revision)
        story.tell(
            _failed(story.state, charge, "amount_exceeds_authorised"), PromiseLeft(charge.charge_id, charge.revision)
        )
        _act(story, charge, None)


def _hear(story: Story, command: Report) -> None:
    state, charge = story.state, command.charge
    if charge.revision < state.revision:
        return
    match charge.status:
        case "missing":
            _hear_missing(story)
        case "requires_action":
            if state.status is Status.PROCESSING:
                story.tell(_action_required(command))
        case "authorised":
            if state.status in (Status.PROCESSING, Status.REQUIRES_ACTION):
                story.tell(Authorised(charge.charge_id, charge.revision))
            elif state.status in (Status.FAILED, Status.VOIDED) and not state.promise_left and not state.void_known:
                story.tell(PromiseLeft(charge.charge_id, charge.revision))
        case "captured":
            _hear_captured(story, charge)
        case "voided":
            if state.is_open and state.ending:
                story.tell(
                    Voided(state.payment_id, state.order_id, charge.charge_id, charge.revision, at_provider=True)
                )
            elif state.is_open:
                reason = charge.reason or "voided_by_provider"
                story.tell(_failed(state, charge, reason, at_provider_voided=True))
            elif state.status is not Status.CAPTURED and not state.void_known:
                story.tell(PromiseGone(charge.charge_id, charge.revision, voided=True))
        case "failed":
            if state.is_open:
                story.tell(_failed(state, charge, charge.reason or "declined"))
            elif state.promise_left:
                story.tell(PromiseGone(charge.charge_id, charge.revision, voided=False))


def _hear_missing(story: Story) -> None:
    """The provider has no such charge. That settles an authorise only once no call is out that may still make one."""
    state = story.state
    if state.promise_left:
        story.tell(PromiseGone(None, 0, voided=False))
    elif state.status is Status.PROCESSING and state.charge_id is None and "authorise" not in state.calling:
        if state.ending:
            story.tell(Voided(state.payment_id, state.order_id, None, 0, at_provider=False))
        else:
            story.tell(_failed(state, Charge("missing"), "no_answer"))


def _hear_captured(story: Story, charge: Charge) -> None:
    before = story.state
    if before.status is not Status.CAPTURED:
        story.tell(Captured(charge.charge_id, charge.revision, charge.captured))
        if before.order_id is None and (before.ending or not before.is_open):
            story.tell(RefundAsked(f"{before.payment_id}-late", charge.captured))
    for refund in charge.refunds:
        known = story.state.refunds.get(refund.refund_id)
        if refund.status == "succeeded" and (known is None or known.status != "done"):
            story.tell(Refunded(refund.refund_id, refund.amount, charge.revision))
        elif refund.status == "failed" and story.state.leaves_open(refund_operation(refund.refund_id, refund.tries)):
            story.tell(_refund_failed(story.state, refund.refund_id, refund.reason or "declined"))


def _act(story: Story, charge: Charge, just: str | None) -> None:
    """Ask again for what has to happen and has not; not for ``just``, which the provider was asked this moment."""
    state = story.state
    if state.wants_void:
        if just != "void" and state.may_void and charge.status in VOIDABLE:
            story.tell(VoidAsked())
    elif charge.status == "authorised" and state.leaves_open("capture"):
        if just != "capture" and "capture" not in state.calling:
            take(story, state.capturing, state.receipt)
    elif charge.status == "captured":
        at_provider = {refund.refund_id for refund in charge.refunds if refund.status != "failed"}
        for refund_id, giving in state.refunds.items():
            operation = refund_operation(refund_id, giving.tries)
            called = operation == just or operation in state.calling or refund_id in at_provider
            if state.leaves_open(operation) and not called:
                story.tell(RefundAsked(refund_id, giving.amount, giving.tries))


def _left_open(operation: str, charge_id: str | None, heard: Report | Deny | GiveUp) -> LeftOpen:
    return LeftOpen(operation, charge_id, heard.now + timedelta(seconds=heard.ask_after), heard.ask_after)


def _action_required(heard: Report) -> ActionRequired:
    charge = heard.charge
    return ActionRequired(
        charge_id=charge.charge_id,
        revision=charge.revision,
        action=charge.action or "redirect",
        next_action=charge.next_action,
        ask_at=heard.now + timedelta(seconds=heard.ask_after),
        delay=heard.ask_after,
    )


def _failed(state: State, charge: Charge, reason: str, *, at_provider_voided: bool = False) -> Failed:
    return Failed(state.payment_id, state.order_id, charge.charge_id, charge.revision, reason, at_provider_voided)


def _refund_failed(state: State, refund_id: str, reason: str) -> RefundFailed:
    giving = state.refunds[refund_id]
    return RefundFailed(state.payment_id, state.order_id, refund_id, giving.amount, reason, giving.tries)
