"""What an order waits for: what it is, who owes it, since when, and what happens if it does not come.

Pure, and for operators: an order that stands still says why.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from order import events
from order.events import Event
from order.money import Attempt, AttemptStatus, RefundStatus
from order.shipments import ShipmentStatus
from order.state import Order, Phase

History = Sequence[tuple[Event, datetime]]
"""An order's events, each with when it was recorded."""

NEXT_OF_PARCEL = {
    ShipmentStatus.PENDING: "to be packed",
    ShipmentStatus.PACKED: "to leave",
    ShipmentStatus.IN_TRANSIT: "to arrive",
    ShipmentStatus.OUT_FOR_DELIVERY: "to arrive",
    ShipmentStatus.FAILED: "to be sent again, or to come back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """``what`` is awaited of ``whom``: a service, the customer or the staff. ``otherwise`` follows at ``until``."""

    what: str
    whom: str
    since: datetime
    until: datetime | None = None
    otherwise: str | None = None


def awaited(order: Order, history: History) -> list[Awaited]:
    """All that the order waits for; nothing when it is over."""
    return [*_of_checkout(order, history), *_of_parcels(order, history), *_of_refunds(order, history)]


def _of_checkout(order: Order, history: History) -> Iterable[Awaited]:
    attempt = order.open_attempt
    match order.phase:
        case Phase.PENDING:
            since = _last(history, lambda event: isinstance(event, events.Placed))
            asked = ("the stock is held", "inventory") if order.stock_asked else ("the coupon can be used", "cart")
            yield Awaited(
                what=f"an answer whether {asked[0]}",
                whom=asked[1],
                since=since,
                until=since + timedelta(seconds=order.waits.stock),
                otherwise="it is cancelled (stock_timeout)",
            )
        case Phase.AWAITING_PAYMENT:
            yield _of_payment(order, history, attempt)
        case Phase.CANCELLING:
            assert order.cancelling_since is not None
            assert attempt is not None
            yield Awaited(
                what=f"an answer whether the money of payment {attempt.payment_id} came before the cancel",
                whom="payment",
                since=order.cancelling_since,
                until=order.cancelling_since + timedelta(seconds=order.waits.give_up),
                otherwise="it is cancelled, and what comes later is refunded",
            )
        case Phase.CONFIRMED if attempt is not None:
            collected = "the money" if attempt.capture_asked else "somebody to collect the money"
            yield Awaited(
                what=f"{collected} of payment {attempt.payment_id} ({attempt.method})",
                whom="payment" if attempt.capture_asked else "the staff",
                since=_moved(history, attempt),
            )


def _of_payment(order: Order, history: History, attempt: Attempt | None) -> Awaited:
    if attempt is None:
        what, whom = "a payment", "the customer"
        since = _last(history, lambda event: isinstance(event, events.AwaitingPayment | events.PaymentFailed))
    else:
        since, whom = _moved(history, attempt), "payment"
        match attempt.status:
            case AttemptStatus.REQUIRES_ACTION:
                what, whom = "the approval", "the customer"
            case AttemptStatus.AUTHORISED:
                what = "the money"
            case _:
                what = "an answer"
        what = f"{what} of payment {attempt.payment_id} ({attempt.method})"
    otherwise = "it is cancelled (payment_timeout), unless money is on its way"
    return Awaited(what=what, whom=whom, since=since, until=order.expires_at, otherwise=otherwise)


def _of_parcels(order: Order, history: History) -> Iterable[Awaited]:
    for parcel in order.parcels:
        if parcel.arrived:
            continue
        what = f"parcel {parcel.shipment_id} {NEXT_OF_PARCEL[parcel.status]}"
        yield Awaited(what=what, whom="the staff", since=_last(history, _about_parcel(parcel.shipment_id)))


def _of_refunds(order: Order, history: History) -> Iterable[Awaited]:
    for refund in order.refunds:
        if refund.status is RefundStatus.PENDING:
            what = f"refund {refund.refund_id} of payment {refund.payment_id} to be made"
            yield Awaited(what=what, whom="payment", since=_last(history, _begins(refund.refund_id)))
        elif refund.status is RefundStatus.FAILED:
            what = f"somebody to have refund {refund.refund_id}, which the provider refused, tried again"
            yield Awaited(what=what, whom="the staff", since=refund.created_at)


def _moved(history: History, attempt: Attempt) -> datetime:
    """When the attempt got to where it is."""

    def moves(event: Event) -> bool:
        if isinstance(event, events.PaymentStarted):
            return event.payment.payment_id == attempt.payment_id
        known = events.PaymentActionRequired | events.PaymentAuthorised | events.CaptureAsked
        return isinstance(event, known) and event.payment_id == attempt.payment_id

    return _last(history, moves)


def _begins(refund_id: str) -> Callable[[Event], bool]:
    begun = events.RefundStarted | events.RefundRetried
    return lambda event: isinstance(event, begun) and event.refund_id == refund_id


def _about_parcel(shipment_id: str) -> Callable[[Event], bool]:
    return lambda event: getattr(event, "shipment_id", None) == shipment_id


def _last(history: History, wanted: Callable[[Event], bool]) -> datetime:
    return next(at for event, at in reversed(history) if wanted(event))
