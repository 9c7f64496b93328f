"""From an order's events to the rows that show it, its parcels and its refunds."""

from collections.abc import Iterable, Mapping
from typing import Any

from chassis.rows import Meta, Put, Remove

from order import events, tables
from order.events import Event
from order.shipments import Shipment
from order.state import Order, Phase
from order.totals import Line
from order.values import CouponStatus


def order_view(event: Event, order: Order, meta: Meta) -> Iterable[Put | Remove]:
    """The order as it stands; with the events that touch them, whom it is for, its parcels and its refunds.

    Personal data is written when it is new, not each time: it has to be opened for that.
    """
    yield Put(tables.orders, {**_order(order, meta), **_person(event, order)})
    match event:
        case events.Confirmed():
            yield from (Put(tables.shipments, _shipment(order, parcel, meta)) for parcel in order.parcels)
        case events.ShipmentSplit():
            yield from (Put(tables.shipments, _shipment(order, parcel, meta)) for parcel in order.parcels)
            yield from (Remove(tables.shipments, {"id": shipment_id}) for shipment_id in event.emptied)
        case events.ShipmentUpdated():
            moved = order.shipment(event.shipment_id)
            assert moved is not None
            yield Put(tables.shipments, _shipment(order, moved, meta))
        case events.Cancelled():
            yield from (Remove(tables.shipments, {"id": parcel.shipment_id}) for parcel in order.shipments)
        case events.RefundStarted() | events.RefundSucceeded() | events.RefundFailed() | events.RefundRetried():
            yield Put(tables.refunds, _refund(order, event.refund_id, meta))
        case _:
            pass


def _order(order: Order, meta: Meta) -> Mapping[str, Any]:
    totals = order.totals
    return {
        "id": order.order_id,
        "number": order.number,
        "customer_id": order.customer_id,
        "owner": order.owner,
        "status": order.status,
        "payment_status": order.payment_status,
        "return_status": "none",
        "reason": order.reason,
        "lines": [_line(line) for line in order.lines],
        "skus": [line.sku for line in order.lines],
        "currency": totals.currency,
        "subtotal": totals.subtotal,
        "discount": totals.discount,
        "shipping": totals.shipping,
        "tax": totals.tax,
        "rounding": totals.rounding,
        "total": totals.total,
        "shipping_method": order.shipping_method,
        "country": order.address.country,
        "region": order.address.region,
        "postal_code": order.address.postal_code,
        "payment": _payment(order),
        "coupon": _coupon(order),
        "shipments": [_parcel(parcel) for parcel in order.parcels],
        "shortages": [
            {"sku": each.sku, "requested": each.requested, "available": each.available} for each in order.shortages
        ],
        "expires_at": order.expires_at if order.phase is Phase.AWAITING_PAYMENT else None,
        "cart_version": order.cart_version,
        "settled": order.settled,
        "payment_failed": order.payment_failed,
        "done": order.done,
        "version": meta.version,
        "created_at": order.placed_at,
        "updated_at": meta.recorded_at,
    }


def _person(event: Event, order: Order) -> Mapping[str, Any]:
    match event:
        case events.Placed():
            contact = order.contact
            return {
                "address": order.address.sealed,
                "email": contact.pick("email"),
                "phone": contact.pick("phone"),
                "note": None,
            }
        case events.AddressChanged():
            return {"address": order.address.sealed}
        case events.Cancelling() | events.Cancelled():
            return {"note": order.note}
        case _:
            return {}


def _line(line: Line) -> Mapping[str, Any]:
    return {
        "sku": line.sku,
        "variant_id": line.variant_id,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "discount": line.discount,
        "tax": line.tax,
    }


def _payment(order: Order) -> Mapping[str, Any] | None:
    """The attempt that paid, else the latest; before the first, the one that will be made."""
    attempt = order.counting_attempt
    if attempt:
        return {"id": attempt.payment_id, "method": attempt.method, "status": attempt.status}
    if order.chosen and order.phase is Phase.PENDING:
        return {"id": order.chosen.payment_id, "method": order.chosen.method, "status": "processing"}
    return None


def _coupon(order: Order) -> Mapping[str, Any] | None:
    """With ``returned`` where the order is over and had it, or might have been given it."""
    if (coupon := order.coupon) is None:
        return None
    over = order.phase is Phase.CANCELLED and coupon.status is not CouponStatus.REJECTED
    return {"code": coupon.code, "status": "returned" if over else coupon.status}


def _parcel(parcel: Shipment) -> Mapping[str, Any]:
    return {
        "id": parcel.shipment_id,
        "status": parcel.status,
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in parcel.lines],
    }


def _shipment(order: Order, parcel: Shipment, meta: Meta) -> Mapping[str, Any]:
    return {
        **_parcel(parcel),
        "order_id": order.order_id,
        "number": order.number,
        "owner": order.owner,
        "version": meta.version,
        "created_at": parcel.created_at,
        "updated_at": meta.recorded_at,
    }


def _refund(order: Order, refund_id: str, meta: Meta) -> Mapping[str, Any]:
    refund = order.refund(refund_id)
    assert refund is not None
    return {
        "id": refund.refund_id,
        "order_id": order.order_id,
        "number": order.number,
        "payment_id": refund.payment_id,
        "amount": refund.amount,
        "currency": order.totals.currency,
        "reason": refund.reason,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in refund.lines],
        "status": refund.status,
        "version": meta.version,
        "created_at": refund.created_at,
        "updated_at": meta.recorded_at,
    }
