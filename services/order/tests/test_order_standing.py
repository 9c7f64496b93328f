"""What operators are told that an order waits for."""

from datetime import timedelta

import pytest
from order import events
from order.domain import order
from order.events import Event
from order.shipments import ShipmentStatus
from order.standing import Awaited, awaited
from order.testing import (
    CASH,
    NOW,
    WAITS,
    WINDOW_END,
    authorised,
    awaiting,
    cancelled,
    cancelling,
    confirmed,
    failures,
    placed,
    promised,
    refund_started,
)

TO_PAY = "it is cancelled (payment_timeout), unless money is on its way"


def waits(*history: Event) -> list[Awaited]:
    """What is awaited after these events, each a second after the other."""
    timed = [(event, NOW + timedelta(seconds=number)) for number, event in enumerate(history)]
    return awaited(order.fold(history), timed)


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_a_new_order_waits_for_its_stock_and_says_what_follows() -> None:
    (stock,) = waits(placed())
    assert (stock.what, stock.whom, stock.since) == ("an answer whether the stock is held", "inventory", NOW)
    assert (stock.until, stock.otherwise) == (NOW + after(WAITS.stock), "it is cancelled (stock_timeout)")


@pytest.mark.parametrize(
    ("history", "what", "whom", "since"),
    [
        (awaiting(None), "a payment", "the customer", 1),
        (failures(2), "a payment", "the customer", 5),
        (awaiting(), "an answer of payment pay-1 (card)", "payment", 2),
        (
            (*awaiting(), events.PaymentActionRequired(payment_id="pay-1")),
            "the approval of payment pay-1 (card)",
            "the customer",
            3,
        ),
        (authorised(), "the money of payment pay-1 (card)", "payment", 3),
    ],
)
def test_who_has_to_pay_or_to_say_so_and_until_when(
    history: tuple[Event, ...], what: str, whom: str, since: int
) -> None:
    assert waits(*history) == [
        Awaited(what=what, whom=whom, since=NOW + after(since), until=WINDOW_END, otherwise=TO_PAY)
    ]


def test_a_cancel_waits_for_the_money_that_may_have_come() -> None:
    (money,) = waits(*authorised(), cancelling())
    assert money.whom == "payment"
    assert "payment pay-1 came before the cancel" in money.what
    assert money.until == NOW + after(WAITS.give_up)


def test_a_confirmed_order_waits_for_its_parcel() -> None:
    (parcel,) = waits(*confirmed())
    assert (parcel.what, parcel.whom, parcel.since) == ("parcel new-1 to be packed", "the staff", NOW + after(5))


def test_cash_waits_to_be_collected_until_staff_say_so() -> None:
    assert CASH.method in waits(*promised())[0].what
    assert waits(*promised())[0].whom == "the staff"
    asked = events.CaptureAsked(payment_id="pay-1", reference="R-1", next_ask=NOW)
    assert waits(*promised(), asked)[0].whom == "payment"


def test_a_refund_waits_for_payment_and_one_that_failed_for_a_person() -> None:
    begun = (*confirmed(), cancelled(), refund_started(refund_id="ref-1"))
    (pending,) = waits(*begun)
    assert (pending.whom, pending.since) == ("payment", NOW + after(len(begun) - 1))
    (owed,) = waits(*begun, events.RefundFailed(refund_id="ref-1", reason="closed"))
    assert owed.whom == "the staff"
    failed = events.RefundFailed(refund_id="ref-1", reason="closed")
    retried = (*begun, failed, events.RefundRetried(refund_id="ref-1", tries=2, next_ask=NOW))
    (again,) = waits(*retried)
    assert (again.whom, again.since) == ("payment", NOW + after(len(retried) - 1))


def test_an_order_that_is_over_waits_for_nothing() -> None:
    delivered = events.ShipmentUpdated(
        shipment_id="new-1",
        before=ShipmentStatus.IN_TRANSIT,
        status=ShipmentStatus.DELIVERED,
        carrier=None,
        tracking_number=None,
    )
    assert waits(*confirmed(), delivered) == []
    assert waits(placed(), cancelled("stock_timeout")) == []
