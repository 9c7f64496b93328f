"""What an order makes others do: each event's messages, timers and forgotten keys. At most one public event each."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import assert_never

from chassis.decider import After, Effect, Forget, Send
from soko_contracts import inventory
from soko_contracts import order as facts

from order import events, messages
from order.commands import AskAgain, EndPaymentWindow, EndStockWait
from order.events import Event
from order.money import ASKED_FOR
from order.shipments import HERE
from order.state import Order, Phase


def react(event: Event, order: Order) -> Sequence[Effect]:
    """What has to happen next, now that ``event`` has made the order what it is."""
    match event:
        case events.Placed():
            return _placed(event, order)
        case events.CouponRedeemed() | events.PlacedWithoutCoupon():
            return [messages.reserve(order)]
        case events.CouponRejected():
            return []
        case events.AwaitingPayment():
            return [
                Send(facts.AwaitingPayment(**messages.order_facts(order), expires_at=event.expires_at)),
                After("payment-window", event.expires_at, EndPaymentWindow(now=event.expires_at)),
                *_ask_for_payment(order),
            ]
        case events.PaymentStarted():
            return [messages.authorise(order, event.payment)]
        case events.PaymentAuthorised():
            attempt = order.attempt(event.payment_id)
            assert attempt is not None
            return [messages.capture(order, event.payment_id)] if attempt.capture_asked else []
        case events.PaymentCaptured():
            return _forget(order, event.payment_id)
        case events.PaymentFailed():
            return _payment_failed(event, order)
        case events.LatePromiseDeclined() | events.VoidAsked():
            return [messages.void(order, event.payment_id)]
        case events.CaptureAsked():
            return [
                messages.capture(order, event.payment_id, event.reference),
                _ask(event.payment_id, 1, event.next_ask),
            ]
        case events.Confirmed():
            return _confirmed(event, order)
        case events.Cancelling():
            attempt = order.open_attempt
            assert attempt is not None
            return [messages.void(order, attempt.payment_id), _ask(attempt.payment_id, 1, event.next_ask)]
        case events.Cancelled():
            return _cancelled(event, order)
        case events.ReservationAnswered():
            return [_answer(event, order)]
        case events.AskedAgain():
            return [_reminder(event, order), _ask(event.id, event.tries + 1, event.next_ask)]
        case events.RefundStarted() | events.RefundRetried():
            refund = order.refund(event.refund_id)
            assert refund is not None
            return [messages.refund(order, refund), _ask(event.refund_id, 1, event.next_ask)]
        case events.RefundSucceeded():
            return _refunded(event, order)
        case events.ShipmentSplit() | events.ShipmentUpdated():
            return _shipment(event, order)
        case events.PaymentActionRequired() | events.AddressChanged() | events.RefundFailed():
            return []
        case _:
            assert_never(event)


def _placed(event: events.Placed, order: Order) -> Sequence[Effect]:
    waits = event.waits
    answer_by = event.placed_at + timedelta(seconds=waits.stock)
    placed = facts.Placed(
        **messages.order_facts(order),
        cart_id=event.cart_id,
        cart_version=event.cart_version,
        placed_at=event.placed_at,
    )
    return [
        Send(placed),
        messages.reserve(order) if order.coupon is None else messages.redeem_coupon(order, order.coupon),
        After("stock", answer_by, EndStockWait(now=answer_by)),
        messages.tell(order, "order_received", order.order_id),
    ]


def _ask_for_payment(order: Order) -> Sequence[Effect]:
    """Where nothing was chosen yet, or what was is not paid on the shop's own page."""
    if order.chosen and order.chosen.method not in ASKED_FOR:
        return []
    return [messages.tell(order, "payment_requested", order.order_id, minutes=int(order.waits.window // 60))]


def _confirmed(event: events.Confirmed, order: Order) -> Sequence[Effect]:
    confirmed = facts.Confirmed(
        **messages.order_facts(order), payment_method=event.method, confirmed_at=event.confirmed_at
    )
    return [
        Send(confirmed),
        Send(inventory.CommitStock(order_id=order.order_id)),
        messages.tell(order, "order_confirmed", order.order_id, payment_method=event.method),
        *_forget_unused(order),
    ]


def _payment_failed(event: events.PaymentFailed, order: Order) -> Sequence[Effect]:
    told: list[Effect] = [*_forget(order, event.payment_id)]
    if order.phase is Phase.AWAITING_PAYMENT and order.failures < order.waits.attempts:
        told.append(messages.tell(order, "payment_failed", event.payment_id, reason=event.reason))
    return told


def _cancelled(event: events.Cancelled, order: Order) -> Sequence[Effect]:
    cancelled = facts.Cancelled(**messages.order_facts(order), reason=event.reason, cancelled_at=event.cancelled_at)
    effects: list[Effect] = [Send(cancelled)]
    if order.stock_asked and event.reason != "out_of_stock":
        effects.append(Send(inventory.ReleaseStock(order_id=order.order_id)))
    if order.claim:
        effects.append(messages.return_coupon(order))
    if order.open_attempt:
        effects.append(messages.void(order, order.open_attempt.payment_id))
    if order.confirmed_at is None:
        effects.append(messages.put_back(order))
    effects += _forget_unused(order)
    shortages = [asdict(shortage) for shortage in event.shortages]
    effects.append(messages.tell(order, "order_cancelled", order.order_id, reason=event.reason, shortages=shortages))
    return effects


def _refunded(event: events.RefundSucceeded, order: Order) -> Sequence[Effect]:
    refund = order.refund(event.refund_id)
    assert refund is not None
    told = facts.Refunded(
        order_id=order.order_id,
        number=order.number,
        customer_id=order.customer_id,
        payment_id=refund.payment_id,
        refund_id=refund.refund_id,
        amount=refund.amount,
        currency=order.totals.currency,
    )
    return [Send(told), messages.tell(order, "order_refunded", refund.refund_id, amount=refund.amount)]


def _shipment(event: events.ShipmentSplit | events.ShipmentUpdated, order: Order) -> Sequence[Effect]:
    """The order's own milestones are told by the parcel that reaches them; all else is the parcel's news."""
    shipment = order.shipment(event.shipment_id)
    assert shipment is not None
    parcel = messages.shipment_facts(order, shipment)
    news = Send(facts.ShipmentUpdated(**parcel, status=shipment.status))
    if isinstance(event, events.ShipmentSplit) or event.before is event.status:
        return [news]
    if order.status == "delivered":
        return [Send(facts.Delivered(**parcel)), messages.tell_of(order, "order_delivered", shipment)]
    if event.before in HERE and shipment.left:
        all_left = order.status == "shipped"
        told = messages.tell_of(order, "order_shipped", shipment)
        return [Send(facts.Shipped(**parcel)) if all_left else news, told]
    return [news]


def _answer(event: events.ReservationAnswered, order: Order) -> Send:
    match event.answer:
        case "extend":
            assert event.until is not None
            return Send(inventory.ExtendReservation(order_id=order.order_id, expires_at=event.until))
        case "commit":
            return Send(inventory.CommitStock(order_id=order.order_id))
        case "release":
            return Send(inventory.ReleaseStock(order_id=order.order_id))
        case _:
            assert_never(event.answer)


def _reminder(event: events.AskedAgain, order: Order) -> Send:
    """The same request under the same id: payment answers it again, or for the first time."""
    refund = order.refund(event.id)
    if refund:
        return messages.refund(order, refund)
    if order.phase is Phase.CANCELLING:
        return messages.void(order, event.id)
    return messages.capture(order, event.id)


def _ask(id_: str, tries: int, at: datetime) -> After:
    return After(f"ask-{id_}", at, AskAgain(id=id_, tries=tries, now=at))


def _forget(order: Order, payment_id: str) -> Sequence[Effect]:
    """The attempt's secrets are of no more use."""
    attempt = order.attempt(payment_id)
    assert attempt is not None
    return [Forget(payment_id)] if attempt.secret else []


def _forget_unused(order: Order) -> Sequence[Effect]:
    """The secrets of a payment that was chosen and never tried: the order was free, or over before."""
    chosen = order.chosen
    return [Forget(chosen.payment_id)] if chosen and chosen.secret and not order.attempt(chosen.payment_id) else []
