"""What staff may do to an order's live payment. The order decides; payment carries it out and answers as always."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.decider import Refused

from order import commands, events
from order.events import Event
from order.money import PAID_BY_HAND
from order.state import Order, Phase


def capture_payment(command: commands.CapturePayment, state: Order) -> Sequence[Event]:
    """Ask once more for money that is promised and on its way. An order that is called off wants none."""
    attempt = state.open_attempt
    waiting = state.phase in (Phase.AWAITING_PAYMENT, Phase.CONFIRMED)
    if not waiting or attempt is None or attempt.payment_id != command.payment_id or not attempt.capture_asked:
        raise Refused("nothing-to-capture", "No promised payment of this order waits to be captured.")
    return [_capture_asked(state, attempt.payment_id, None, command.now)]


def void_payment(command: commands.VoidPayment, state: Order) -> Sequence[Event]:
    """End the live attempt; payment's answer counts as a failed one, or as money if it was too late."""
    attempt = state.open_attempt
    if state.phase is not Phase.AWAITING_PAYMENT or attempt is None or attempt.payment_id != command.payment_id:
        raise Refused("nothing-to-void", "The order waits for no such payment; a confirmed order is cancelled instead.")
    return [events.VoidAsked(payment_id=attempt.payment_id)]


def mark_paid(command: commands.MarkPaid, state: Order) -> Sequence[Event]:
    """Money collected by hand becomes a capture like any other."""
    attempt = state.open_attempt
    waiting = state.phase in (Phase.AWAITING_PAYMENT, Phase.CONFIRMED)
    if not waiting or attempt is None or attempt.payment_id != command.payment_id or attempt.method not in PAID_BY_HAND:
        raise Refused("not-payable", "No payment of this order waits to be marked paid.")
    if attempt.capture_asked:
        return []
    return [_capture_asked(state, attempt.payment_id, command.reference, command.now)]


def _capture_asked(state: Order, payment_id: str, reference: str | None, now: datetime) -> events.CaptureAsked:
    next_ask = now + timedelta(seconds=state.waits.ask)
    return events.CaptureAsked(payment_id=payment_id, reference=reference, next_ask=next_ask)
