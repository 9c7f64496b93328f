"""The messages an order sends, made of what it knows."""

from datetime import timedelta
from typing import Any

from chassis.decider import Send
from soko_contracts import cart, inventory, notification, payment
from soko_contracts import order as facts

from order.money import Refund
from order.shipments import Shipment
from order.state import Order
from order.values import Chosen, Claim


def order_facts(order: Order) -> dict[str, Any]:
    """What every public event about the order carries."""
    return {
        "order_id": order.order_id,
        "number": order.number,
        "customer_id": order.customer_id,
        "lines": tuple(
            facts.OrderLine(
                sku=line.sku,
                variant_id=line.variant_id,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price,
                discount=line.discount,
                tax=line.tax,
                location_id=line.location_id,
            )
            for line in order.lines
        ),
        "totals": facts.Totals(
            subtotal=order.totals.subtotal,
            discount=order.totals.discount,
            shipping=order.totals.shipping,
            tax=order.totals.tax,
            rounding=order.totals.rounding,
            total=order.totals.total,
            currency=order.totals.currency,
        ),
    }


def shipment_facts(order: Order, shipment: Shipment) -> dict[str, Any]:
    """What every public event about one of its parcels carries."""
    return {
        "order_id": order.order_id,
        "number": order.number,
        "customer_id": order.customer_id,
        "shipment_id": shipment.shipment_id,
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
    }


def stock_lines(order: Order) -> tuple[inventory.StockLine, ...]:
    """What inventory is asked to hold."""
    return tuple(
        inventory.StockLine(sku=line.sku, quantity=line.quantity, location_id=line.location_id) for line in order.lines
    )


def reserve(order: Order) -> Send:
    """Hold every line, or none."""
    assert order.placed_at is not None
    waits = order.waits
    # The window opens when stock is held, `stock` after the order at the latest: the units outlive it by `grace`.
    held_until = order.placed_at + timedelta(seconds=waits.stock + waits.window + waits.grace)
    return Send(inventory.ReserveStock(order_id=order.order_id, lines=stock_lines(order), expires_at=held_until))


def redeem_coupon(order: Order, claim: Claim) -> Send:
    """Count one use of the coupon for this order."""
    return Send(
        cart.RedeemCoupon(
            order_id=order.order_id,
            cart_id=order.cart_id,
            customer_id=order.customer_id,
            coupon_id=claim.coupon_id,
            code=claim.code,
        )
    )


def return_coupon(order: Order) -> Send:
    """The order needs no use of a coupon: the one it has, or may yet be given, is free."""
    return Send(cart.ReturnCoupon(order_id=order.order_id))


def authorise(order: Order, chosen: Chosen) -> Send:
    """Ask for the money."""
    return Send(
        payment.Authorise(
            payment_id=chosen.payment_id,
            order_id=order.order_id,
            number=order.number,
            customer_id=order.customer_id,
            method=chosen.method,
            amount=order.totals.total,
            currency=order.totals.currency,
            token=chosen.token,
            phone=chosen.phone,
        )
    )


def capture(order: Order, payment_id: str, reference: str | None = None) -> Send:
    """Take what was promised: always the whole total."""
    return Send(
        payment.Capture(
            payment_id=payment_id,
            order_id=order.order_id,
            amount=order.totals.total,
            reference=reference,
        )
    )


def void(order: Order, payment_id: str) -> Send:
    """End the attempt, if it is not too late."""
    return Send(payment.Void(payment_id=payment_id, order_id=order.order_id))


def refund(order: Order, refund: Refund) -> Send:
    """Give the money back, or try that again."""
    return Send(
        payment.Refund(
            payment_id=refund.payment_id,
            order_id=order.order_id,
            refund_id=refund.refund_id,
            amount=refund.amount,
            tries=refund.tries,
        )
    )


def put_back(order: Order) -> Send:
    """The cart's owner gets the lines again, at the prices and times they had, and the coupon."""
    return Send(
        cart.PutBack(
            order_id=order.order_id,
            cart_id=order.cart_id,
            customer_id=order.customer_id,
            lines=tuple(
                cart.CartLine(
                    sku=line.sku,
                    variant_id=line.variant_id,
                    quantity=line.quantity,
                    unit_price=line.unit_price,
                    priced_at=line.priced_at,
                )
                for line in order.lines
            ),
            coupon=order.claim.code if order.claim else None,
        )
    )


def tell(order: Order, kind: str, cause: str, **data: Any) -> Send:
    """A message to the customer. ``cause`` and ``kind`` together are told once."""
    return Send(
        notification.Send(
            cause=cause,
            kind=kind,
            subject_id=order.contact.subject,
            customer_id=order.customer_id,
            contact={name: order.contact.pick(name) for name in ("email", "phone", "language")},
            data={
                "order_id": order.order_id,
                "number": order.number,
                "currency": order.totals.currency,
                "total": order.totals.total,
                "lines": [
                    {
                        "sku": line.sku,
                        "name": line.name,
                        "quantity": line.quantity,
                        "unit_price": line.unit_price,
                    }
                    for line in order.lines
                ],
                **data,
            },
        )
    )


def tell_of(order: Order, kind: str, shipment: Shipment) -> Send:
    """A message to the customer about one parcel."""
    return tell(
        order,
        kind,
        shipment.shipment_id,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
    )
