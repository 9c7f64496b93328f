"""A cancel after the capture was asked for: payment's answer decides."""

from datetime import timedelta

import pytest
from chassis.decider import After, Forget
from chassis.testing import given
from order import commands, events
from order.commands import AskAgain, EndPaymentWindow
from order.domain import order
from order.events import Event
from order.testing import (
    FIRST_ASK,
    MPESA,
    NOW,
    PUT_BACK,
    RELEASE,
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
    public_cancelled,
    record_authorised,
    record_captured,
    record_failed,
    refund,
    refund_started,
    tell,
    void,
)
from order.values import Reason

CANCELLED_MAIL = tell("order_cancelled", reason="by_customer", shortages=[])
HOUR = timedelta(hours=1)


def test_a_cancel_after_the_capture_was_asked_for_waits_for_the_answer() -> None:
    (
        given(order, *authorised())
        .when(cancel())
        .then(cancelling())
        .sends(void(), After("ask-pay-1", FIRST_ASK, AskAgain(id="pay-1", tries=1, now=FIRST_ASK)))
    )


def test_so_does_the_end_of_the_window() -> None:
    then = given(order, *authorised()).when(EndPaymentWindow(now=WINDOW_END))
    then.then(
        events.Cancelling(
            reason="payment_timeout", note=None, since=WINDOW_END, next_ask=WINDOW_END + timedelta(seconds=30)
        )
    )
    assert (then.state.status, then.state.settled) == ("cancelling", False)


def test_so_does_a_cancel_of_mpesa_whose_promise_is_the_money() -> None:
    given(order, *awaiting(MPESA)).when(cancel()).then(cancelling())


def test_the_money_came_so_it_goes_back() -> None:
    (
        given(order, *authorised(), cancelling())
        .when(record_captured())
        .then(captured_event(), cancelled(), refund_started())
        .sends(
            Forget("pay-1"),
            public_cancelled("by_customer"),
            RELEASE,
            PUT_BACK,
            CANCELLED_MAIL,
            refund(),
            After("ask-new-1", FIRST_ASK, AskAgain(id="new-1", tries=1, now=FIRST_ASK)),
        )
    )


@pytest.mark.parametrize(
    "news", [record_failed(), record_failed(reason="voided", voided=True)], ids=["failed", "voided"]
)
def test_the_money_did_not_come_so_it_is_simply_cancelled(news: commands.RecordPaymentEnded) -> None:
    then = given(order, *authorised(), cancelling()).when(news)
    then.then(failed_event(reason=news.reason, voided=news.voided), cancelled()).sends(
        Forget("pay-1"), public_cancelled("by_customer"), RELEASE, PUT_BACK, CANCELLED_MAIL
    )


def test_the_reason_to_cancel_outlives_the_wait() -> None:
    reasons: list[Reason] = ["by_staff", "payment_timeout"]
    for reason in reasons:
        then = given(order, *authorised(), cancelling(reason)).when(record_failed())
        assert then.state.reason == reason


def test_a_promise_told_again_while_cancelling_is_stale() -> None:
    given(order, *authorised(), cancelling()).when(record_authorised()).then().sends()


def test_mpesas_promise_while_cancelling_is_stale() -> None:
    given(order, *awaiting(MPESA), cancelling()).when(record_authorised()).then().sends()


def test_without_an_answer_payment_is_asked_again_ever_more_slowly() -> None:
    history, ask, asked = [*authorised(), cancelling()], AskAgain(id="pay-1", tries=1, now=FIRST_ASK), list[float]()
    for tries in range(2, 8):
        then = given(order, *history).when(ask)
        (event,) = then.events
        assert isinstance(event, events.AskedAgain)
        ask = AskAgain(id="pay-1", tries=tries, now=event.next_ask)
        then.sends(void(), After("ask-pay-1", event.next_ask, ask))
        history.append(event)
        asked.append((event.next_ask - NOW).total_seconds())
    assert asked == [90, 210, 450, 930, 1890, 3600]


def test_after_an_hour_without_an_answer_it_is_cancelled() -> None:
    (
        given(order, *authorised(), cancelling())
        .when(AskAgain(id="pay-1", tries=7, now=NOW + HOUR))
        .then(cancelled(cancelled_at=NOW + HOUR))
        .sends(public_cancelled("by_customer", NOW + HOUR), RELEASE, void(), PUT_BACK, CANCELLED_MAIL)
    )


@pytest.mark.parametrize(
    "history",
    [
        (*authorised(), cancelling(), failed_event(), cancelled()),
        (*authorised(), cancelling(), cancelled()),
        confirmed(),
        awaiting(),
        failures(1),
    ],
)
def test_a_reminder_that_nobody_needs_any_more_is_none(history: tuple[Event, ...]) -> None:
    given(order, *history).when(AskAgain(id="pay-1", tries=1, now=NOW)).then().sends()


def test_a_reminder_of_something_unknown_is_none() -> None:
    given(order, *confirmed()).when(AskAgain(id="nothing", tries=1, now=NOW)).then().sends()
