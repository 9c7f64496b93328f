"""An order: its checkout, and its life after. Start here.

The order is its own process manager. Everything that races (cancel, timeout, the payment's answer) meets on its one
stream, and one version check settles who was first.

    place ──► pending ──stock reserved──► awaiting_payment ──captured, or promised──► confirmed ──► shipments move on
                 │ rejected, no answer           │ fifth failure, window over, cancel      │ cancel, before shipping
                 └──────────────► cancelled ◄────┴─── cancelling ◄─── capture was asked ───┘

``confirmed`` is the pivot: before it a cancel gives everything back, after it a cancel refunds. An answer that does not
come means "unknown", never "failed": every wait has a timer, and what comes too late is given back.

This module decides the checkout; ``coupons`` decides what comes before the stock, ``by_hand``, ``refunds`` and
``fulfilment`` what comes beside and after it.
``commands`` and ``events`` are the words, ``state`` the memory, ``reactions`` what others are told to do; ``money``,
``shipments``, ``totals`` and ``values`` are what they talk about. All of it is pure.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

from chassis.decider import Decider, Refused
from soko_contracts.sealed import Sealed

from order import commands, events
from order.by_hand import capture_payment, mark_paid, void_payment
from order.commands import COMMANDS, Command
from order.coupons import coupon_redeemed, coupon_rejected
from order.events import EVENTS, Event
from order.fulfilment import split_shipment, update_shipment
from order.money import PROMISED, AttemptStatus, RefundStatus, refundable
from order.reactions import react
from order.refunds import give_back, refund_failed, refunded, retry_refund, start_refund
from order.state import Order, Phase, evolve
from order.values import Reason, Shortage

__all__ = ["COMMANDS", "EVENTS", "Order", "Phase", "order"]

LONGEST_ASK = timedelta(days=1)
MOST_DOUBLINGS = 20


def decide(command: Command, state: Order) -> Sequence[Event]:
    """What happens when an order in ``state`` is given ``command``. Stale news comes to nothing."""
    if state.phase is Phase.NEW and not isinstance(command, commands.Place):
        raise Refused("not-found", "There is no such order.")
    match command:
        case commands.Place():
            return place(command, state)
        case commands.RecordCouponRedeemed():
            return coupon_redeemed(command, state)
        case commands.RecordCouponRejected():
            return coupon_rejected(command, state)
        case commands.RecordStockReserved():
            return stock_reserved(command, state)
        case commands.RecordStockRejected():
            return stock_rejected(command, state)
        case commands.EndStockWait():
            return end_stock_wait(command, state)
        case commands.AnswerReservation():
            return answer_reservation(command, state)
        case commands.Pay():
            return pay(command, state)
        case commands.RecordActionRequired():
            return action_required(command, state)
        case commands.RecordAuthorised():
            return authorised(command, state)
        case commands.RecordCaptured():
            return captured(command, state)
        case commands.RecordPaymentEnded():
            return payment_ended(command, state)
        case commands.EndPaymentWindow():
            return end_payment_window(command, state)
        case commands.Cancel():
            return cancel(command, state)
        case commands.AskAgain():
            return ask_again(command, state)
        case commands.ChangeAddress():
            return change_address(command, state)
        case commands.CapturePayment():
            return capture_payment(command, state)
        case commands.VoidPayment():
            return void_payment(command, state)
        case commands.MarkPaid():
            return mark_paid(command, state)
        case commands.GiveBack():
            return give_back(command, state)
        case commands.RetryRefund():
            return retry_refund(command, state)
        case commands.RecordRefunded():
            return refunded(command, state)
        case commands.RecordRefundFailed():
            return refund_failed(command, state)
        case commands.SplitShipment():
            return split_shipment(command, state)
        case commands.UpdateShipment():
            return update_shipment(command, state)
        case _:
            assert_never(command)


# --- place, and reserve -------------------------------------------------------------------------------------------


def place(command: commands.Place, state: Order) -> Sequence[Event]:
    """One cart, one order: placing it again changes nothing, whoever asks. What was added since is another cart's."""
    if state.phase is not Phase.NEW:
        if command.cart_version != state.cart_version:
            raise Refused("cart-changed", "The cart was ordered, and changed since.")
        if state.phase is Phase.CANCELLED:
            raise Refused(
                "cart-empty", "This cart was ordered, and the order was cancelled: its lines come back to you."
            )
        return []
    return [
        events.Placed(
            order_id=command.order_id,
            number=command.number,
            customer_id=command.customer_id,
            owner=command.owner,
            cart_id=command.cart_id,
            cart_version=command.cart_version,
            lines=command.lines,
            totals=command.totals,
            shipping_method=command.shipping_method,
            address=command.address,
            contact=command.contact,
            payment=command.payment,
            waits=command.waits,
            placed_at=command.now,
            coupon=command.coupon,
        )
    ]


def stock_reserved(command: commands.RecordStockReserved, state: Order) -> Sequence[Event]:
    """The window to pay opens; if the customer has said how, paying begins."""
    match state.phase:
        case Phase.PENDING if not state.stock_asked:
            return []
        case Phase.PENDING if state.totals.total == 0:
            return [
                events.Confirmed(payment_id=None, method="none", shipment_id=command.new_id, confirmed_at=command.now)
            ]
        case Phase.PENDING:
            awaiting = events.AwaitingPayment(expires_at=command.now + timedelta(seconds=state.waits.window))
            return [awaiting, events.PaymentStarted(payment=state.chosen)] if state.chosen else [awaiting]
        case Phase.CANCELLED:
            return [events.ReservationAnswered(answer="release")]
        case _:
            return []


def stock_rejected(command: commands.RecordStockRejected, state: Order) -> Sequence[Event]:
    """All lines or none: one shortage is the end."""
    if state.phase is not Phase.PENDING or not state.stock_asked:
        return []
    return _cancelled(state, "out_of_stock", command.now, shortages=command.shortages)


def end_stock_wait(command: commands.EndStockWait, state: Order) -> Sequence[Event]:
    """Unknown is not held: the release that follows leaves a tombstone for a reserve that comes later."""
    if state.phase is not Phase.PENDING:
        return []
    return _cancelled(state, "stock_timeout", command.now)


def answer_reservation(command: commands.AnswerReservation, state: Order) -> Sequence[Event]:
    """Only the order ends a reservation: inventory asks, and does what it is told."""
    match state.phase:
        case Phase.CONFIRMED:
            return [events.ReservationAnswered(answer="commit")]
        case Phase.CANCELLED:
            return [events.ReservationAnswered(answer="release")]
        case _ if not state.stock_asked:
            return []
        case _:
            end = max(command.now, state.expires_at or command.now)
            return [events.ReservationAnswered(answer="extend", until=end + timedelta(seconds=state.waits.grace))]


# --- authorise, and capture ---------------------------------------------------------------------------------------


def pay(command: commands.Pay, state: Order) -> Sequence[Event]:
    """One live attempt at a time, and only while the window is open."""
    if state.phase is not Phase.AWAITING_PAYMENT or state.expires_at is None or command.now >= state.expires_at:
        raise Refused("not-payable", f"Nothing is to be paid: the order is {state.status}.")
    if state.open_attempt:
        raise Refused("payment-in-progress", "An attempt to pay is under way; wait for its end.")
    return [events.PaymentStarted(payment=command.payment)]


def action_required(command: commands.RecordActionRequired, state: Order) -> Sequence[Event]:
    """The payer's own wait: it counts as settled, and the window bounds it."""
    attempt = state.attempt(command.payment_id)
    if state.phase is Phase.AWAITING_PAYMENT and attempt and attempt.status is AttemptStatus.PROCESSING:
        return [events.PaymentActionRequired(payment_id=command.payment_id)]
    return []


def authorised(command: commands.RecordAuthorised, state: Order) -> Sequence[Event]:
    """A promise: taken at once, enough by itself (cash on delivery), or too late and given back."""
    attempt = state.attempt(command.payment_id)
    if attempt and attempt.captured:
        return []
    if attempt is None or not attempt.open or state.phase is Phase.CANCELLED:
        return [events.LatePromiseDeclined(payment_id=command.payment_id)]
    if state.phase is not Phase.AWAITING_PAYMENT or attempt.status is AttemptStatus.AUTHORISED:
        return []
    promise = events.PaymentAuthorised(payment_id=attempt.payment_id)
    if attempt.method not in PROMISED:
        return [promise]
    return [promise, _confirmed(attempt.payment_id, attempt.method, command.new_id, command.now)]


def captured(command: commands.RecordCaptured, state: Order) -> Sequence[Event]:
    """The pivot, when the order still waits for this money, and all of it. Else it goes back by itself."""
    attempt = state.attempt(command.payment_id)
    if attempt and attempt.captured:
        return []
    money = events.PaymentCaptured(payment_id=command.payment_id, method=command.method, amount=command.amount)
    back = start_refund(state, command.new_id, command.payment_id, command.amount, "not_needed", command.now)
    if attempt is None or not attempt.open:
        return [money, back]
    match state.phase:
        case Phase.AWAITING_PAYMENT if command.amount == state.totals.total:
            return [money, _confirmed(attempt.payment_id, attempt.method, command.new_id, command.now)]
        case Phase.AWAITING_PAYMENT:
            return [money, *_attempt_failed(state, attempt.payment_id, "wrong_amount", command.now), back]
        case Phase.CONFIRMED:
            return [money]
        case Phase.CANCELLING:
            return [money, *_cancelled(state, _reason(state), command.now), back]
        case _:
            return [money, back]


def payment_ended(command: commands.RecordPaymentEnded, state: Order) -> Sequence[Event]:
    """Nothing came of the attempt. The customer may try again, until the window ends or the last try failed."""
    attempt = state.attempt(command.payment_id)
    if attempt is None or not attempt.open:
        return []
    match state.phase:
        case Phase.AWAITING_PAYMENT:
            return _attempt_failed(state, attempt.payment_id, command.reason, command.now, voided=command.voided)
        case Phase.CANCELLING:
            failed = events.PaymentFailed(payment_id=attempt.payment_id, reason=command.reason, voided=command.voided)
            return [failed, *_cancelled(state, _reason(state), command.now)]
        case _:
            return [events.PaymentFailed(payment_id=attempt.payment_id, reason=command.reason, voided=command.voided)]


# --- cancel -------------------------------------------------------------------------------------------------------


def end_payment_window(command: commands.EndPaymentWindow, state: Order) -> Sequence[Event]:
    """The order cancels itself, under the same rules as anyone."""
    if state.phase is not Phase.AWAITING_PAYMENT:
        return []
    return _call_off(state, "payment_timeout", command.now)


def cancel(command: commands.Cancel, state: Order) -> Sequence[Event]:
    """Until the first parcel has left. Cancelling what is cancelled already changes nothing."""
    if state.phase in (Phase.CANCELLING, Phase.CANCELLED):
        return []
    if any(shipment.left for shipment in state.shipments):
        raise Refused("already-shipped", "A part of the order has left; it can be returned, not cancelled.")
    reason: Reason = "by_customer" if command.by == "customer" else "by_staff"
    return _call_off(state, reason, command.now, note=command.note, refund_id=command.new_id)


def ask_again(command: commands.AskAgain, state: Order) -> Sequence[Event]:
    """Remind payment of what it has not answered, ever more slowly. A cancel waits an hour, then it is one."""
    attempt, giving = state.attempt(command.id), state.refund(command.id)
    if giving and giving.status is RefundStatus.PENDING:
        return [_asked_again(state, command)]
    if attempt is None or not attempt.open or not attempt.capture_asked or state.phase is Phase.CANCELLED:
        return []
    if state.cancelling_since is not None:
        end = state.cancelling_since + timedelta(seconds=state.waits.give_up)
        if command.now >= end:
            return _cancelled(state, _reason(state), command.now)
        return [_asked_again(state, command, no_later_than=end)]
    return [_asked_again(state, command)]


def change_address(command: commands.ChangeAddress, state: Order) -> Sequence[Event]:
    """Before the order is confirmed; from then on it may be on its way."""
    if state.phase not in (Phase.PENDING, Phase.AWAITING_PAYMENT):
        raise Refused("conflict", f"The address is final: the order is {state.status}.")
    return [events.AddressChanged(address=command.address)]


# --- what several of them come to ---------------------------------------------------------------------------------


def _confirmed(payment_id: str, method: str, shipment_id: str, now: datetime) -> events.Confirmed:
    return events.Confirmed(payment_id=payment_id, method=method, shipment_id=shipment_id, confirmed_at=now)


def _attempt_failed(
    state: Order, payment_id: str, reason: str, now: datetime, *, voided: bool = False
) -> Sequence[Event]:
    """The order stays as it is, its stock held; the last failure allowed ends it at once."""
    failed = events.PaymentFailed(payment_id=payment_id, reason=reason, voided=voided)
    if state.failures + 1 < state.waits.attempts:
        return [failed]
    return [failed, *_cancelled(state, "payment_failed", now)]


def _call_off(
    state: Order, reason: Reason, now: datetime, *, note: Sealed | None = None, refund_id: str = ""
) -> Sequence[Event]:
    """Once the capture was asked for, the money may be here already: then only payment's answer ends the order."""
    attempt = state.open_attempt
    if attempt and attempt.capture_asked:
        return [
            events.Cancelling(reason=reason, note=note, since=now, next_ask=now + timedelta(seconds=state.waits.ask))
        ]
    over, paid = _cancelled(state, reason, now, note=note), state.attempt(state.paid_by)
    if paid and (left := refundable(paid, state.refunds)):
        return [*over, start_refund(state, refund_id, paid.payment_id, left, "cancelled", now)]
    return over


def _cancelled(
    state: Order, reason: Reason, now: datetime, *, note: Sealed | None = None, shortages: Sequence[Shortage] = ()
) -> Sequence[Event]:
    return [events.Cancelled(reason=reason, note=note or state.note, shortages=tuple(shortages), cancelled_at=now)]


def _reason(state: Order) -> Reason:
    """Why the order is being cancelled."""
    assert state.reason is not None
    return state.reason


def _asked_again(
    state: Order, command: commands.AskAgain, *, no_later_than: datetime | None = None
) -> events.AskedAgain:
    delay = timedelta(seconds=state.waits.ask) * 2 ** min(command.tries, MOST_DOUBLINGS)
    at = command.now + min(delay, LONGEST_ASK)
    return events.AskedAgain(
        id=command.id, tries=command.tries, next_ask=min(at, no_later_than) if no_later_than else at
    )


order = Decider("order", Order(), decide, evolve, react)
