"""What a payment remembers, and how each event changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from payment.domain.commands import refund_operation
from payment.domain.facts import (
    ActionRequired,
    AnsweredAgain,
    Asked,
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
    Requested,
    Status,
    TurnedAway,
    VoidAsked,
    Voided,
)

OPEN = frozenset({Status.PROCESSING, Status.REQUIRES_ACTION, Status.AUTHORISED})


@dataclass(frozen=True, slots=True)
class Giving:
    """One refund, as its latest try left it. ``owed``: a try was asked for, so its amount is kept for it until then.

    One that was too large was never asked for, and nothing is kept for it.
    """

    amount: int
    status: Literal["asked", "done", "failed"]
    reason: str | None = None
    tries: int = 1
    owed: bool = True


@dataclass(frozen=True, slots=True)
class State:
    """``calling`` are the operations whose calls have not come back.

    ``capturing`` is what shall be taken (0: nothing yet). ``ending``: a void was asked for. ``promise_left``: over
    here, while the provider still holds the payer's promise. ``void_known``: the provider said that it voided the
    charge. ``asks`` counts questions since a call last came back.
    """

    status: Status = Status.NEW
    payment_id: str = ""
    order_id: str | None = None
    number: str | None = None
    customer_id: str | None = None
    method: str | None = None
    amount: int = 0
    currency: str = ""
    created_at: datetime | None = None
    reference: str | None = None
    charge_id: str | None = None
    revision: int = 0
    calling: tuple[str, ...] = ()
    capturing: int = 0
    receipt: str | None = None
    ending: bool = False
    captured: int = 0
    refunds: Mapping[str, Giving] = field(default_factory=dict)
    promise_left: bool = False
    void_known: bool = False
    asks: int = 0
    action: str | None = None
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still end either way."""
        return self.status in OPEN

    @property
    def refunded(self) -> int:
        """What went back."""
        return sum(giving.amount for giving in self.refunds.values() if giving.status == "done")

    @property
    def refundable(self) -> int:
        """What was taken and is neither back, nor on its way back, nor owed since the provider refused to return it."""
        return self.captured - sum(giving.amount for giving in self.refunds.values() if giving.owed)

    @property
    def wants_void(self) -> bool:
        """Whether the payer's promise has to go back."""
        return self.promise_left or (self.is_open and self.ending)

    @property
    def may_void(self) -> bool:
        """Whether no call is out that changes what there is to void."""
        return not {"authorise", "capture", "void"}.intersection(self.calling)

    def leaves_open(self, operation: str) -> bool:
        """Whether what became of ``operation`` is not known."""
        match operation.split(":", 1):
            case ["authorise"]:
                return self.status is Status.PROCESSING
            case ["capture"]:
                return self.status is Status.AUTHORISED and self.capturing > 0
            case ["void"]:
                return self.wants_void
            case ["refund", named]:
                refund_id = named.partition(":")[0]
                giving = self.refunds.get(refund_id)
                if giving is None or giving.status != "asked":
                    return False
                return operation == refund_operation(refund_id, giving.tries)
        return False

    def unsettled(self) -> bool:
        """Whether something is open and no call is out that will tell: the provider has to be asked."""
        refunds = (refund_operation(refund_id, giving.tries) for refund_id, giving in self.refunds.items())
        operations = ["authorise", "capture", "void", *refunds]
        waits_for_payer = self.status is Status.REQUIRES_ACTION
        return waits_for_payer or any(self.leaves_open(each) and each not in self.calling for each in operations)


def evolve(state: State, event: Event) -> State:
    """The state after ``event``."""
    match event:
        case Requested():
            return replace(
                _introduced(state, event), status=Status.PROCESSING, reference=event.reference, calling=("authorise",)
            )
        case TurnedAway():
            status = Status.FAILED if state.status is Status.NEW else state.status
            return replace(_introduced(state, event), status=status, reason=event.reason)
        case LeftOpen():
            charge_id = event.charge_id or state.charge_id
            return replace(_returned(state, event.operation), charge_id=charge_id, asks=0)
        case Asked():
            return replace(state, asks=state.asks + 1)
        case ActionRequired():
            known = replace(_seen(state, event), status=Status.REQUIRES_ACTION, action=event.action, asks=0)
            return _returned(known, "authorise")
        case Authorised():
            return _returned(replace(_seen(state, event), status=Status.AUTHORISED), "authorise")
        case CaptureAsked():
            asked = replace(state, capturing=event.amount, receipt=event.receipt)
            return _called(asked, "capture") if state.status is Status.AUTHORISED else asked
        case Captured():
            taken = replace(_seen(state, event), status=Status.CAPTURED, captured=event.amount)
            return replace(taken, calling=(), promise_left=False)
        case VoidAsked():
            return _called(replace(state, ending=True), "void") if state.may_void else replace(state, ending=True)
        case Voided():
            over = replace(_over(state, event), status=Status.VOIDED)
            return replace(over, void_known=event.at_provider)
        case Failed():
            over = replace(_over(state, event), status=Status.FAILED)
            return replace(over, void_known=event.at_provider_voided, reason=event.reason)
        case PromiseLeft():
            return replace(_seen(state, event), promise_left=True)
        case PromiseGone():
            gone = replace(_seen(state, event), promise_left=False, void_known=event.voided)
            return _returned(gone, "void")
        case RefundAsked():
            giving = Giving(event.amount, "asked", tries=event.tries)
            return _called(_giving(state, event.refund_id, giving), refund_operation(event.refund_id, event.tries))
        case Refunded():
            before = state.refunds.get(event.refund_id)
            giving = Giving(event.amount, "done", tries=before.tries if before else 1)
            return replace(_given(state, event.refund_id, giving), revision=max(state.revision, event.revision))
        case RefundFailed():
            ids = replace(state, payment_id=event.payment_id, order_id=event.order_id)
            before = state.refunds.get(event.refund_id)
            giving = Giving(event.amount, "failed", event.reason, event.tries, owed=before is not None and before.owed)
            return _given(ids, event.refund_id, giving)
        case AnsweredAgain():
            return state


def _introduced(state: State, event: Requested | TurnedAway) -> State:
    return replace(
        state,
        payment_id=event.payment_id,
        order_id=event.order_id,
        number=event.number,
        customer_id=event.customer_id,
        method=event.method,
        amount=event.amount,
        currency=event.currency,
        created_at=event.at,
    )


def _seen(
    state: State, event: ActionRequired | Authorised | Captured | PromiseLeft | PromiseGone | Voided | Failed
) -> State:
    charge_id = event.charge_id or state.charge_id
    return replace(state, charge_id=charge_id, revision=max(state.revision, event.revision))


def _over(state: State, event: Voided | Failed) -> State:
    ids = replace(_seen(state, event), payment_id=event.payment_id, order_id=event.order_id)
    return replace(ids, calling=(), capturing=0)


def _called(state: State, operation: str) -> State:
    return replace(state, calling=(*state.calling, operation))


def _returned(state: State, operation: str) -> State:
    return replace(state, calling=tuple(each for each in state.calling if each != operation))


def _given(state: State, refund_id: str, giving: Giving) -> State:
    """The try that was under way has its answer."""
    return _giving(_returned(state, refund_operation(refund_id, giving.tries)), refund_id, giving)


def _giving(state: State, refund_id: str, giving: Giving) -> State:
    return replace(state, refunds={**state.refunds, refund_id: giving})
