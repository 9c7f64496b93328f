"""What an order remembers: its state, folded from its events. Nothing here decides, and nothing here can fail."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from soko_contracts.sealed import Sealed

from order import events
from order.events import Event
from order.money import PROMISED, TAKEN_AT_ONCE, Attempt, AttemptStatus, Refund, RefundStatus, payment_status
from order.shipments import Parcel, Shipment, order_status, split
from order.totals import Line, Totals
from order.values import Address, Chosen, Claim, CouponStatus, Reason, Shortage, Waits


class Phase(StrEnum):
    """Where the checkout is. From ``confirmed`` on, the shipments say the rest."""

    NEW = "new"
    PENDING = "pending"
    AWAITING_PAYMENT = "awaiting_payment"
    CONFIRMED = "confirmed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


NOBODY = Sealed(subject="", box="")
NOWHERE = Address(sealed=NOBODY, country="", region=None, postal_code=None)
DEFAULT_WAITS = Waits()
NOTHING = Totals(subtotal=0, discount=0, shipping=0, tax=0, rounding=0, total=0, currency="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as its events left it. The defaults are those of an order that was never placed."""

    phase: Phase = Phase.NEW
    order_id: str = ""
    number: str = ""
    customer_id: str | None = None
    owner: str = ""
    cart_id: str = ""
    cart_version: int = 0
    lines: tuple[Line, ...] = ()
    totals: Totals = NOTHING
    shipping_method: str = ""
    address: Address = NOWHERE
    contact: Sealed = NOBODY
    chosen: Chosen | None = None
    waits: Waits = DEFAULT_WAITS
    placed_at: datetime | None = None
    expires_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    refunds: tuple[Refund, ...] = ()
    paid_by: str | None = None
    confirmed_at: datetime | None = None
    shipments: tuple[Shipment, ...] = ()
    reason: Reason | None = None
    note: Sealed | None = None
    cancelling_since: datetime | None = None
    shortages: tuple[Shortage, ...] = ()
    coupon: Claim | None = None

    @property
    def status(self) -> str:
        """What the customer is told."""
        return order_status(self.shipments) if self.phase is Phase.CONFIRMED else self.phase.value

    @property
    def payment_status(self) -> str:
        """What the customer is told about the money."""
        return payment_status(self.counting_attempt, self.refunds)

    @property
    def claim(self) -> Claim | None:
        """The coupon that it was placed with, unless it has not got it."""
        return self.coupon if self.coupon and self.coupon.status is not CouponStatus.REJECTED else None

    @property
    def stock_asked(self) -> bool:
        """Inventory was asked to hold the lines: at once, or once the order had its coupon or went on without."""
        coupon = self.coupon
        if coupon is None or coupon.status is CouponStatus.REDEEMED:
            return True
        return coupon.status is CouponStatus.REJECTED and not coupon.required

    @property
    def settled(self) -> bool:
        """Nothing moves without the customer or the staff."""
        match self.phase:
            case Phase.CONFIRMED | Phase.CANCELLED:
                return True
            case Phase.AWAITING_PAYMENT:
                attempt = self.open_attempt
                return attempt is None or attempt.status is AttemptStatus.REQUIRES_ACTION
            case _:
                return False

    @property
    def parcels(self) -> tuple[Shipment, ...]:
        """What is sent, or will be. A cancel is refused once one has left, so with it all of them are void."""
        return () if self.phase is Phase.CANCELLED else self.shipments

    @property
    def done(self) -> bool:
        """Nobody needs the customer's name or address for it any more."""
        if any(refund.status is RefundStatus.PENDING for refund in self.refunds):
            return False
        arrived = self.phase is Phase.CONFIRMED and all(shipment.arrived for shipment in self.shipments)
        return arrived or self.phase is Phase.CANCELLED

    @property
    def open_attempt(self) -> Attempt | None:
        """The one attempt that payment has not said the last word about."""
        return next((attempt for attempt in self.attempts if attempt.open), None)

    @property
    def counting_attempt(self) -> Attempt | None:
        """The latest attempt: once one has paid, no other begins."""
        return self.attempts[-1] if self.attempts else None

    @property
    def failures(self) -> int:
        """Attempts that ended without paying."""
        return sum(attempt.status in (AttemptStatus.FAILED, AttemptStatus.VOIDED) for attempt in self.attempts)

    @property
    def payment_failed(self) -> bool:
        """The last try to pay was in vain, and no other is under way."""
        waiting = self.phase is Phase.AWAITING_PAYMENT and self.failures > 0 and self.open_attempt is None
        return waiting or self.reason == "payment_failed"

    def attempt(self, payment_id: str | None) -> Attempt | None:
        """The attempt with this id."""
        return next((attempt for attempt in self.attempts if attempt.payment_id == payment_id), None)

    def refund(self, refund_id: str) -> Refund | None:
        """The refund with this id."""
        return next((refund for refund in self.refunds if refund.refund_id == refund_id), None)

    def shipment(self, shipment_id: str) -> Shipment | None:
        """The shipment with this id."""
        return next((shipment for shipment in self.shipments if shipment.shipment_id == shipment_id), None)


def evolve(order: Order, event: Event) -> Order:
    """The order after ``event``."""
    match event:
        case events.Placed():
            return Order(
                phase=Phase.PENDING,
                order_id=event.order_id,
                number=event.number,
                customer_id=event.customer_id,
                owner=event.owner,
                cart_id=event.cart_id,
                cart_version=event.cart_version,
                lines=event.lines,
                totals=event.totals,
                shipping_method=event.shipping_method,
                address=event.address,
                contact=event.contact,
                chosen=event.payment,
                waits=event.waits,
                placed_at=event.placed_at,
                coupon=event.coupon,
            )
        case events.CouponRedeemed():
            return _with_coupon(order, CouponStatus.REDEEMED)
        case events.CouponRejected():
            return _with_coupon(order, CouponStatus.REJECTED)
        case events.PlacedWithoutCoupon():
            return replace(order, lines=event.lines, totals=event.totals)
        case events.AwaitingPayment():
            return replace(order, phase=Phase.AWAITING_PAYMENT, expires_at=event.expires_at)
        case events.PaymentStarted():
            begun = Attempt(
                payment_id=event.payment.payment_id,
                method=event.payment.method,
                status=AttemptStatus.PROCESSING,
                capture_asked=event.payment.method in TAKEN_AT_ONCE,
                secret=event.payment.secret,
            )
            return replace(order, attempts=(*order.attempts, begun))
        case events.PaymentActionRequired():
            return _with_attempt(order, event.payment_id, status=AttemptStatus.REQUIRES_ACTION)
        case events.PaymentAuthorised():
            attempt = order.attempt(event.payment_id)
            asked = attempt is not None and attempt.method not in PROMISED
            return _with_attempt(order, event.payment_id, status=AttemptStatus.AUTHORISED, capture_asked=asked)
        case events.PaymentCaptured():
            return _captured(order, event)
        case events.PaymentFailed():
            ended = AttemptStatus.VOIDED if event.voided else AttemptStatus.FAILED
            return _with_attempt(order, event.payment_id, status=ended)
        case events.CaptureAsked():
            return _with_attempt(order, event.payment_id, capture_asked=True)
        case events.Confirmed():
            parcel = Shipment(
                shipment_id=event.shipment_id,
                lines=tuple(Parcel(sku=line.sku, quantity=line.quantity) for line in order.lines),
                created_at=event.confirmed_at,
            )
            return replace(
                order,
                phase=Phase.CONFIRMED,
                paid_by=event.payment_id,
                confirmed_at=event.confirmed_at,
                shipments=(parcel,),
            )
        case events.Cancelling():
            return replace(
                order,
                phase=Phase.CANCELLING,
                reason=event.reason,
                note=event.note,
                cancelling_since=event.since,
            )
        case events.Cancelled():
            return replace(
                order,
                phase=Phase.CANCELLED,
                reason=event.reason,
                note=event.note,
                shortages=event.shortages,
            )
        case events.AddressChanged():
            return replace(order, address=event.address)
        case events.RefundStarted():
            refund = Refund(
                refund_id=event.refund_id,
                payment_id=event.payment_id,
                amount=event.amount,
                reason=event.reason,
                created_at=event.started_at,
                lines=event.lines,
            )
            return replace(order, refunds=(*order.refunds, refund))
        case events.RefundSucceeded():
            return _with_refund(order, event.refund_id, status=RefundStatus.SUCCEEDED)
        case events.RefundFailed():
            return _with_refund(order, event.refund_id, status=RefundStatus.FAILED)
        case events.RefundRetried():
            return _with_refund(order, event.refund_id, status=RefundStatus.PENDING, tries=event.tries)
        case events.ShipmentSplit():
            new = Shipment(
                shipment_id=event.shipment_id,
                lines=event.lines,
                carrier=event.carrier,
                tracking_number=event.tracking_number,
                created_at=event.created_at,
            )
            return replace(order, shipments=split(order.shipments, new))
        case events.ShipmentUpdated():
            shipments = (
                replace(one, status=event.status, carrier=event.carrier, tracking_number=event.tracking_number)
                if one.shipment_id == event.shipment_id
                else one
                for one in order.shipments
            )
            return replace(order, shipments=tuple(shipments))
        case events.LatePromiseDeclined() | events.VoidAsked() | events.ReservationAnswered() | events.AskedAgain():
            return order
        case _:
            assert_never(event)


def _with_coupon(order: Order, status: CouponStatus) -> Order:
    return replace(order, coupon=replace(order.coupon, status=status) if order.coupon else None)


def _with_attempt(order: Order, payment_id: str, **changes: Any) -> Order:
    attempts = (replace(one, **changes) if one.payment_id == payment_id else one for one in order.attempts)
    return replace(order, attempts=tuple(attempts))


def _with_refund(order: Order, refund_id: str, **changes: Any) -> Order:
    refunds = (replace(one, **changes) if one.refund_id == refund_id else one for one in order.refunds)
    return replace(order, refunds=tuple(refunds))


def _captured(order: Order, event: events.PaymentCaptured) -> Order:
    attempt = order.attempt(event.payment_id)
    if attempt is None:
        # Money of an attempt this order never began goes first: the last attempt stays the one that counts.
        stray = Attempt(
            payment_id=event.payment_id,
            method=event.method,
            status=AttemptStatus.CAPTURED,
            captured=event.amount,
        )
        return replace(order, attempts=(stray, *order.attempts))
    # An attempt that had ended stays ended: its money came too late to pay for anything.
    status = AttemptStatus.CAPTURED if attempt.open else attempt.status
    return _with_attempt(order, event.payment_id, status=status, captured=event.amount)
