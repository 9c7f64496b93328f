"""What an order hears. All of it is news: late, twice or out of order, the order's state says what it means.

The id of the message names what it leads to, a refund or a shipment: the same message makes the same one.
"""

from collections.abc import Iterable

from chassis.rows import Put
from chassis.subscriptions import Received, Subscriptions
from soko_contracts import cart, identity, inventory, payment

from order import commands, tables
from order.domain import order
from order.values import Shortage

subscriptions = Subscriptions()


@subscriptions.on(cart.CouponRedeemed, order)
def coupon_redeemed(message: cart.CouponRedeemed, at: Received) -> tuple[str, commands.Command]:
    return message.order_id, commands.RecordCouponRedeemed()


@subscriptions.on(cart.CouponRejected, order)
def coupon_rejected(message: cart.CouponRejected, at: Received) -> tuple[str, commands.Command]:
    return message.order_id, commands.RecordCouponRejected(reason=message.reason, now=at.now)


@subscriptions.on(inventory.StockReserved, order)
def stock_reserved(message: inventory.StockReserved, at: Received) -> tuple[str, commands.Command]:
    return message.order_id, commands.RecordStockReserved(new_id=at.id, now=at.now)


@subscriptions.on(inventory.StockRejected, order)
def stock_rejected(message: inventory.StockRejected, at: Received) -> tuple[str, commands.Command]:
    shortages = tuple(
        Shortage(sku=short.sku, requested=short.requested, available=short.available) for short in message.shortages
    )
    return message.order_id, commands.RecordStockRejected(shortages=shortages, now=at.now)


@subscriptions.on(inventory.ReservationExpiring, order)
def reservation_expiring(message: inventory.ReservationExpiring, at: Received) -> tuple[str, commands.Command]:
    return message.order_id, commands.AnswerReservation(now=at.now)


@subscriptions.on(payment.ActionRequired, order)
def action_required(message: payment.ActionRequired, at: Received) -> tuple[str, commands.Command] | None:
    if message.order_id is None:
        return None
    return message.order_id, commands.RecordActionRequired(payment_id=message.payment_id)


@subscriptions.on(payment.Authorised, order)
def authorised(message: payment.Authorised, at: Received) -> tuple[str, commands.Command] | None:
    if message.order_id is None:
        return None
    return message.order_id, commands.RecordAuthorised(payment_id=message.payment_id, new_id=at.id, now=at.now)


@subscriptions.on(payment.Captured, order)
def captured(message: payment.Captured, at: Received) -> tuple[str, commands.Command] | None:
    if message.order_id is None:
        return None
    return message.order_id, commands.RecordCaptured(
        payment_id=message.payment_id,
        method=message.method,
        amount=message.amount,
        new_id=at.id,
        now=at.now,
    )


@subscriptions.on(payment.Failed, order)
def failed(message: payment.Failed, at: Received) -> tuple[str, commands.Command] | None:
    if message.order_id is None:
        return None
    return message.order_id, commands.RecordPaymentEnded(
        payment_id=message.payment_id, reason=message.reason, voided=False, now=at.now
    )


@subscriptions.on(payment.Voided, order)
def voided(message: payment.Voided, at: Received) -> tuple[str, commands.Command] | None:
    if message.order_id is None:
        return None
    return message.order_id, commands.RecordPaymentEnded(
        payment_id=message.payment_id, reason="voided", voided=True, now=at.now
    )


@subscriptions.on(payment.Refunded, order)
def refunded(message: payment.Refunded, at: Received) -> tuple[str, commands.Command] | None:
    if message.order_id is None:
        return None
    return message.order_id, commands.RecordRefunded(refund_id=message.refund_id)


@subscriptions.on(payment.RefundFailed, order)
def refund_failed(message: payment.RefundFailed, at: Received) -> tuple[str, commands.Command] | None:
    if message.order_id is None:
        return None
    return message.order_id, commands.RecordRefundFailed(
        refund_id=message.refund_id, reason=message.reason, tries=message.tries
    )


@subscriptions.handle(identity.UserErased)
def user_erased(message: identity.UserErased, at: Received) -> Iterable[Put]:
    """Noted here; carried out when the user's last order needs the name and address no more."""
    return [Put(tables.erasures, {"user_id": message.user_id, "asked_at": at.now})]
