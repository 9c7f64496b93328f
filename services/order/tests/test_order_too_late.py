"""What comes too late, or of an attempt that is over; and every race between a cancel and the money."""

import pytest
from chassis.decider import Forget
from chassis.testing import given
from order import commands, events
from order.commands import EndPaymentWindow
from order.domain import Phase, order
from order.events import Event
from order.testing import (
    CASH,
    NOW,
    OTHER_CARD,
    WINDOW_END,
    authorised,
    awaiting,
    cancel,
    cancelled,
    cancelling,
    captured_event,
    confirmed,
    failed_event,
    failures,
    placed,
    record_authorised,
    record_captured,
    record_failed,
    refund,
    refund_started,
    void,
)

# --- what comes too late ---


LATE: list[tuple[Event, ...]] = [
    (*awaiting(), cancelled("payment_timeout")),
    (*awaiting(), cancelled(), failed_event(reason="voided", voided=True)),
    (*authorised(), cancelling(), cancelled()),
    (*failures(1), cancelled("payment_timeout")),
]


@pytest.mark.parametrize("history", LATE)
def test_money_after_the_cancel_is_given_back(history: tuple[Event, ...]) -> None:
    then = given(order, *history).when(record_captured())
    then.then(captured_event(), refund_started())
    assert refund() in [getattr(effect, "message", None) for effect in then.effects]
    assert then.state.payment_status == "captured"


@pytest.mark.parametrize("history", LATE)
def test_and_only_once(history: tuple[Event, ...]) -> None:
    given(order, *history, captured_event(), refund_started()).when(record_captured()).then().sends()


@pytest.mark.parametrize("history", LATE)
def test_a_promise_after_the_cancel_is_voided(history: tuple[Event, ...]) -> None:
    given(order, *history).when(record_authorised()).then(events.LatePromiseDeclined(payment_id="pay-1")).sends(void())


def test_an_attempt_that_ends_after_the_cancel_is_only_noted() -> None:
    then = given(order, *awaiting(), cancelled()).when(record_failed(reason="voided", voided=True))
    then.then(failed_event(reason="voided", voided=True)).sends(Forget("pay-1"))
    assert then.state.payment_status == "voided"


def test_cash_promised_after_the_cancel_does_not_confirm() -> None:
    given(order, *awaiting(CASH), cancelled()).when(record_authorised()).then(
        events.LatePromiseDeclined(payment_id="pay-1")
    )


# --- one live attempt: money of any other goes back by itself ---


def test_money_of_a_failed_attempt_goes_back_while_another_one_runs() -> None:
    history = (*failures(1), events.PaymentStarted(payment=OTHER_CARD))
    then = given(order, *history).when(record_captured("pay-1"))
    then.then(captured_event(), refund_started())
    assert then.state.phase is Phase.AWAITING_PAYMENT
    assert then.state.failures == 1
    assert then.state.open_attempt is not None


def test_money_of_a_failed_attempt_goes_back_when_another_one_paid() -> None:
    paid = (
        *failures(1),
        events.PaymentStarted(payment=OTHER_CARD),
        captured_event("pay-2"),
        events.Confirmed(payment_id="pay-2", method="card", shipment_id="s", confirmed_at=NOW),
    )
    then = given(order, *paid).when(record_captured("pay-1")).then(captured_event(), refund_started())
    assert then.state.payment_status == "captured"


@pytest.mark.parametrize("history", [(placed(),), awaiting(), confirmed(), (placed(), cancelled())])
def test_money_of_an_attempt_nobody_began_goes_back(history: tuple[Event, ...]) -> None:
    then = given(order, *history).when(record_captured("pay-9"))
    then.then(captured_event("pay-9"), refund_started("pay-9"))
    assert then.state.open_attempt == order.fold(history).open_attempt


def test_a_promise_of_a_failed_attempt_is_voided_while_another_one_runs() -> None:
    history = (*failures(1), events.PaymentStarted(payment=OTHER_CARD))
    given(order, *history).when(record_authorised("pay-1")).then(events.LatePromiseDeclined(payment_id="pay-1")).sends(
        void()
    )


# --- races: whoever is first wins, and either way nothing is kept that should not be ---


def test_cancel_first_then_the_money() -> None:
    then = given(order, *authorised()).when(cancel())
    end = [*order.decide(record_captured(), then.state)]
    assert end == [captured_event(), cancelled(), refund_started()]


def test_the_money_first_then_the_cancel() -> None:
    then = given(order, *authorised()).when(record_captured())
    assert [*order.decide(cancel(), then.state)] == [cancelled(), refund_started(reason="cancelled")]


def test_the_window_ends_first_then_the_money() -> None:
    then = given(order, *authorised()).when(EndPaymentWindow(now=WINDOW_END))
    end = [*order.decide(record_captured(), then.state)]
    assert end == [captured_event(), cancelled("payment_timeout"), refund_started()]


def test_the_money_first_then_the_window_ends() -> None:
    then = given(order, *authorised()).when(record_captured())
    assert [*order.decide(EndPaymentWindow(now=WINDOW_END), then.state)] == []


def test_cancel_and_the_stock_answer_cross() -> None:
    then = given(order, placed()).when(cancel())
    stock = commands.RecordStockReserved(new_id="n", now=NOW)
    assert [*order.decide(stock, then.state)] == [events.ReservationAnswered(answer="release")]
