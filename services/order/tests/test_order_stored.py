"""Events, timers and state survive being written as JSON and read again: what replay stands on."""

from typing import Any

import pytest
from chassis.codec import Codec, encode
from order import events
from order.commands import COMMANDS, AskAgain, EndPaymentWindow, EndStockWait
from order.domain import order
from order.events import EVENTS, Event
from order.shipments import Parcel, ShipmentStatus
from order.state import Order
from order.testing import (
    ADDRESS,
    CARD,
    FIRST_ASK,
    MPESA,
    NOW,
    QUOTE,
    cancelled,
    cancelling,
    claim,
    confirmed,
    failed_event,
    placed,
)
from order.values import Shortage
from soko_contracts.sealed import Sealed

EVERY_EVENT: list[Event] = [
    *confirmed(),
    placed(MPESA, customer_id=None, coupon=claim(required=True)),
    events.CouponRedeemed(),
    events.CouponRejected(reason="coupon-used-up"),
    events.PlacedWithoutCoupon(lines=QUOTE.lines, totals=QUOTE.totals),
    events.PaymentStarted(payment=CARD),
    events.PaymentActionRequired(payment_id="p"),
    failed_event(),
    events.LatePromiseDeclined(payment_id="p"),
    events.CaptureAsked(payment_id="p", reference="R", next_ask=FIRST_ASK),
    events.VoidAsked(payment_id="p"),
    cancelling(),
    cancelled(note=Sealed("customer-1", "box", ("note",)), shortages=(Shortage(sku="A", requested=2, available=1),)),
    events.ReservationAnswered(answer="extend", until=NOW),
    events.AskedAgain(id="p", tries=1, next_ask=NOW),
    events.AddressChanged(address=ADDRESS),
    events.RefundStarted(refund_id="r", payment_id="p", amount=1, reason="broken", started_at=NOW, next_ask=FIRST_ASK),
    events.RefundStarted(
        refund_id="s",
        payment_id="p",
        amount=1,
        reason="broken",
        started_at=NOW,
        next_ask=FIRST_ASK,
        lines=(Parcel(sku="A", quantity=1),),
    ),
    events.RefundSucceeded(refund_id="r"),
    events.RefundFailed(refund_id="r", reason="closed", tries=2),
    events.RefundRetried(refund_id="r", tries=2, next_ask=FIRST_ASK),
    events.ShipmentSplit(
        shipment_id="s",
        lines=(Parcel(sku="A", quantity=1),),
        emptied=("t",),
        carrier="Posta",
        tracking_number="1",
        created_at=NOW,
    ),
    events.ShipmentUpdated(
        shipment_id="s",
        before=ShipmentStatus.PENDING,
        status=ShipmentStatus.PACKED,
        carrier=None,
        tracking_number=None,
    ),
]
TIMERS: list[Any] = [EndStockWait(now=NOW), EndPaymentWindow(now=NOW), AskAgain(id="p", tries=1, now=NOW)]
CODEC = Codec({**EVENTS, **COMMANDS}, {})


def test_every_event_has_a_name_and_is_tried_here() -> None:
    assert {type(event) for event in EVERY_EVENT} == set(EVENTS.values())
    assert {type(command) for command in TIMERS} == set(COMMANDS.values())


@pytest.mark.parametrize("value", [*EVERY_EVENT, *TIMERS], ids=lambda value: type(value).__name__)
def test_it_is_read_as_it_was_written(value: Any) -> None:
    assert CODEC.decode(CODEC.name(value), encode(value)) == value


def test_so_is_the_state() -> None:
    states = Codec({"state": Order}, {})
    for length in range(len(EVERY_EVENT) + 1):
        state = order.fold(EVERY_EVENT[:length])
        assert states.decode("state", encode(state)) == state


def test_an_event_about_what_nobody_knows_changes_nothing_that_is_known() -> None:
    begun = order.fold([placed(None)])
    for strange in (events.PaymentAuthorised(payment_id="?"), failed_event("?"), events.RefundSucceeded(refund_id="?")):
        assert order.evolve(begun, strange) == begun
