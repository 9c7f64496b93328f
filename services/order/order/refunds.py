"""Money that goes back: decided here, carried out by payment, owed until it says done."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.decider import Refused

from order import commands, events
from order.events import Event
from order.money import RefundStatus, refundable
from order.shipments import Parcel
from order.state import Order
from order.totals import paid_for


def start_refund(
    state: Order,
    refund_id: str,
    payment_id: str,
    amount: int,
    reason: str,
    now: datetime,
    lines: tuple[Parcel, ...] = (),
) -> events.RefundStarted:
    """Give ``amount`` of that payment back."""
    return events.RefundStarted(
        refund_id=refund_id,
        payment_id=payment_id,
        amount=amount,
        reason=reason,
        started_at=now,
        next_ask=now + timedelta(seconds=state.waits.ask),
        lines=lines,
    )


def give_back(command: commands.GiveBack, state: Order) -> Sequence[Event]:
    """Up to what is left of the money that paid. Of an order that is cancelled nothing is: all went back then."""
    paid = state.attempt(state.paid_by)
    left = refundable(paid, state.refunds) if paid else 0
    if command.lines:
        amount = sum(_paid_for(line, state) for line in command.lines)
    else:
        amount = left if command.amount is None else command.amount
    if not 0 < amount <= left:
        raise Refused("refund-too-large", "That is more than what is left of the order's money.")
    assert paid is not None
    about = (command.reason, command.now, command.lines)
    return [start_refund(state, command.refund_id, paid.payment_id, amount, *about)]


def _paid_for(wanted: Parcel, state: Order) -> int:
    """What these units cost the customer, discount and all. Units that were given back before are not there again."""
    line = next((line for line in state.lines if line.sku == wanted.sku), None)
    before = sum(one.quantity for refund in state.refunds for one in refund.lines if one.sku == wanted.sku)
    if line is None or before + wanted.quantity > line.quantity:
        had = line.quantity - before if line else 0
        raise Refused("refund-too-large", f"Of {wanted.sku} there are {had} units whose money is still here.")
    return paid_for(line, wanted.quantity, after=before)


def retry_refund(command: commands.RetryRefund, state: Order) -> Sequence[Event]:
    """The same refund once more: nothing new is decided, so nothing is compared with what is left."""
    refund = state.refund(command.refund_id)
    if refund is None:
        raise Refused("not-found", "The order has no such refund.")
    if refund.status is not RefundStatus.FAILED:
        raise Refused("refund-not-failed", f"The refund is {refund.status}.")
    next_ask = command.now + timedelta(seconds=state.waits.ask)
    return [events.RefundRetried(refund_id=refund.refund_id, tries=refund.tries + 1, next_ask=next_ask)]


def refunded(command: commands.RecordRefunded, state: Order) -> Sequence[Event]:
    """Also a refund that had failed can succeed in the end, by whichever of its tries: it counts once."""
    refund = state.refund(command.refund_id)
    if refund is None or refund.status is RefundStatus.SUCCEEDED:
        return []
    return [events.RefundSucceeded(refund_id=refund.refund_id)]


def refund_failed(command: commands.RecordRefundFailed, state: Order) -> Sequence[Event]:
    """It stays decided: the money is owed. That an earlier try failed is no news of the one that is under way."""
    refund = state.refund(command.refund_id)
    if refund is None or refund.status is not RefundStatus.PENDING or command.tries < refund.tries:
        return []
    return [events.RefundFailed(refund_id=refund.refund_id, reason=command.reason, tries=refund.tries)]
