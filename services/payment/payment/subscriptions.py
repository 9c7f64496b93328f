"""What payment obeys: four commands, each about one payment and in its order."""

from chassis.subscriptions import Received, Subscriptions
from soko_contracts import payment as contracts

from payment.domain.commands import Authorise, Capture, Refund, Void
from payment.domain.rules import payment

subscriptions = Subscriptions()


@subscriptions.on(contracts.Authorise, payment, seals=lambda message: message.payment_id, new=True)
def authorise(message: contracts.Authorise, at: Received) -> tuple[str, Authorise]:
    """Token and phone were sealed on receipt, under a key of this attempt."""
    return message.payment_id, Authorise(
        payment_id=message.payment_id,
        order_id=message.order_id,
        number=message.number,
        customer_id=message.customer_id,
        method=message.method,
        amount=message.amount,
        currency=message.currency,
        now=at.now,
        token=message.token,  # type: ignore[arg-type]  # Personal[str]: sealed by now
        phone=message.phone,  # type: ignore[arg-type]
    )


@subscriptions.on(contracts.Capture, payment)
def capture(message: contracts.Capture, at: Received) -> tuple[str, Capture]:
    return message.payment_id, Capture(message.payment_id, message.order_id, message.amount, message.reference)


@subscriptions.on(contracts.Void, payment)
def void(message: contracts.Void, at: Received) -> tuple[str, Void]:
    return message.payment_id, Void(message.payment_id, message.order_id)


@subscriptions.on(contracts.Refund, payment)
def refund(message: contracts.Refund, at: Received) -> tuple[str, Refund]:
    return message.payment_id, Refund(
        message.payment_id, message.order_id, message.refund_id, message.amount, message.tries
    )
