"""An order's story, for people: its events without what is between the services."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from order import events
from order.events import Event
from order.state import Order

OF_REFUND: Mapping[type, str] = {
    events.RefundSucceeded: "refunded",
    events.RefundFailed: "refund_failed",
    events.RefundRetried: "refund_retried",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened. ``version`` counts the order's events; ``data`` is what the kind of entry says."""

    version: int
    at: datetime
    kind: str
    data: Mapping[str, Any]


def entry(event: Event, order: Order, version: int, at: datetime) -> Entry | None:
    """What ``event``, which made the order what it is, says to people; None for what only services tell each other."""
    match event:
        case events.Placed():
            told = "placed", {"number": event.number, "total": event.totals.total}
        case events.CouponRedeemed() | events.CouponRejected():
            assert order.coupon is not None
            told = f"coupon_{order.coupon.status}", {"code": order.coupon.code}
        case events.AwaitingPayment():
            told = "awaiting_payment", {"expires_at": event.expires_at}
        case events.PaymentStarted():
            told = "payment_started", {"payment_id": event.payment.payment_id, "method": event.payment.method}
        case events.PaymentActionRequired():
            told = "payment_action_required", {"payment_id": event.payment_id}
        case events.PaymentAuthorised():
            told = "payment_authorised", {"payment_id": event.payment_id}
        case events.PaymentCaptured():
            told = "payment_captured", {"payment_id": event.payment_id, "amount": event.amount}
        case events.PaymentFailed():
            told = "payment_failed", {"payment_id": event.payment_id, "reason": event.reason}
        case events.Confirmed():
            told = "confirmed", {"method": event.method}
        case events.Cancelling():
            told = "cancelling", {"reason": event.reason}
        case events.Cancelled():
            told = "cancelled", {"reason": event.reason}
        case events.AddressChanged():
            told = "address_changed", {}
        case events.RefundStarted():
            told = "refund_started", {"refund_id": event.refund_id, "amount": event.amount}
        case events.RefundSucceeded() | events.RefundFailed() | events.RefundRetried():
            refund = order.refund(event.refund_id)
            assert refund is not None
            told = OF_REFUND[type(event)], {"refund_id": refund.refund_id, "amount": refund.amount}
        case events.ShipmentSplit() | events.ShipmentUpdated():
            parcel = order.shipment(event.shipment_id)
            assert parcel is not None
            told = (
                "shipment",
                {
                    "shipment_id": parcel.shipment_id,
                    "status": parcel.status,
                    "carrier": parcel.carrier,
                    "tracking_number": parcel.tracking_number,
                },
            )
        case _:
            return None
    kind, data = told
    return Entry(version, at, kind, data)
