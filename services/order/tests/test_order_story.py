"""What people are told of an order's story, and what of the messages that come is not about an order at all."""

from datetime import UTC, datetime

import pytest
from chassis.subscriptions import Received
from order import events, subscriptions
from order.domain import order
from order.events import Event
from order.shipments import ShipmentStatus
from order.testing import (
    ADDRESS,
    FIRST_ASK,
    NOW,
    authorised,
    cancelled,
    cancelling,
    captured_event,
    confirmed,
    failed_event,
    placed,
    refund_started,
)
from order.timeline import entry
from soko_contracts import payment

AT = Received("m-1", "t", "s", 1, NOW, NOW, "c")
REFUNDING = (*confirmed(), refund_started(amount=100))
PACKED = events.ShipmentUpdated(
    shipment_id="new-1",
    before=ShipmentStatus.PENDING,
    status=ShipmentStatus.PACKED,
    carrier="Posta",
    tracking_number=None,
)


def told(*history: Event) -> tuple[str, dict[str, object]] | None:
    """Kind and data of the entry that the last of these events makes."""
    made = entry(history[-1], order.fold(history), len(history), NOW)
    return (made.kind, dict(made.data)) if made else None


@pytest.mark.parametrize(
    ("history", "kind", "data"),
    [
        ((placed(),), "placed", {"number": "SO-1", "total": 559_800}),
        (confirmed()[:2], "awaiting_payment", {"expires_at": datetime(2026, 3, 1, 12, 15, tzinfo=UTC)}),
        (confirmed()[:3], "payment_started", {"payment_id": "pay-1", "method": "card"}),
        (
            (*confirmed()[:3], events.PaymentActionRequired(payment_id="pay-1")),
            "payment_action_required",
            {"payment_id": "pay-1"},
        ),
        (authorised(), "payment_authorised", {"payment_id": "pay-1"}),
        ((*authorised(), captured_event()), "payment_captured", {"payment_id": "pay-1", "amount": 559_800}),
        ((*authorised(), failed_event()), "payment_failed", {"payment_id": "pay-1", "reason": "declined"}),
        (confirmed(), "confirmed", {"method": "card"}),
        ((*authorised(), cancelling()), "cancelling", {"reason": "by_customer"}),
        ((placed(), cancelled("stock_timeout")), "cancelled", {"reason": "stock_timeout"}),
        ((placed(), events.AddressChanged(address=ADDRESS)), "address_changed", {}),
        (REFUNDING, "refund_started", {"refund_id": "new-1", "amount": 100}),
        ((*REFUNDING, events.RefundSucceeded(refund_id="new-1")), "refunded", {"refund_id": "new-1", "amount": 100}),
        (
            (*REFUNDING, events.RefundFailed(refund_id="new-1", reason="closed")),
            "refund_failed",
            {"refund_id": "new-1", "amount": 100},
        ),
        (
            (*REFUNDING, events.RefundRetried(refund_id="new-1", tries=2, next_ask=NOW)),
            "refund_retried",
            {"refund_id": "new-1", "amount": 100},
        ),
        (
            (*confirmed(), PACKED),
            "shipment",
            {"shipment_id": "new-1", "status": "packed", "carrier": "Posta", "tracking_number": None},
        ),
    ],
)
def test_the_story_says(history: tuple[Event, ...], kind: str, data: dict[str, object]) -> None:
    assert told(*history) == (kind, data)


@pytest.mark.parametrize(
    "event",
    [
        events.ReservationAnswered(answer="commit"),
        events.AskedAgain(id="pay-1", tries=1, next_ask=FIRST_ASK),
        events.LatePromiseDeclined(payment_id="pay-1"),
        events.VoidAsked(payment_id="pay-1"),
        events.CaptureAsked(payment_id="pay-1", reference=None, next_ask=FIRST_ASK),
    ],
)
def test_what_only_services_tell_each_other_is_no_part_of_it(event: Event) -> None:
    assert told(*confirmed(), event) is None


def test_a_payment_without_an_order_is_none_of_ours() -> None:
    ids = {"payment_id": "p", "order_id": None}
    money = {**ids, "method": "card", "amount": 1, "currency": "KES"}
    refund = {**ids, "refund_id": "r", "amount": 1, "currency": "KES"}
    assert subscriptions.action_required(payment.ActionRequired(**ids, action="redirect"), AT) is None  # type: ignore[arg-type]
    assert subscriptions.authorised(payment.Authorised(**money), AT) is None  # type: ignore[arg-type]
    assert subscriptions.captured(payment.Captured(**money), AT) is None  # type: ignore[arg-type]
    assert subscriptions.failed(payment.Failed(**ids, reason="no"), AT) is None  # type: ignore[arg-type]
    assert subscriptions.voided(payment.Voided(**ids), AT) is None  # type: ignore[arg-type]
    assert subscriptions.refunded(payment.Refunded(**refund), AT) is None  # type: ignore[arg-type]
    assert subscriptions.refund_failed(payment.RefundFailed(**refund, reason="no"), AT) is None  # type: ignore[arg-type]


def test_the_message_names_what_it_leads_to() -> None:
    money = payment.Captured(payment_id="p", order_id="o", method="card", amount=1, currency="KES")
    found = subscriptions.captured(money, AT)
    assert found is not None
    assert (found[0], found[1].new_id) == ("o", "m-1")  # type: ignore[union-attr]
