"""Cancels, by whomever; what comes too late; and every race between the two."""

from datetime import timedelta

import pytest
from chassis.decider import After, Forget
from chassis.testing import given
from order import commands, events
from order.commands import AskAgain, EndPaymentWindow
from order.domain import Phase, order
from order.events import Event
from order.testing import (
    CASH,
    FIRST_ASK,
    MPESA,
    NOW,
    ORDER,
    OTHER_CARD,
    PUT_BACK,
    RELEASE,
    TOTAL,
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
    promised,
    public_cancelled,
    record_authorised,
    record_captured,
    record_failed,
    refund,
    refund_started,
    tell,
    void,
)
from order.values import Reason, Shortage
from soko_contracts.sealed import Sealed

CANCELLED_MAIL = tell("order_cancelled", reason="by_customer", shortages=[])
HOUR = timedelta(hours=1)


# --- before the pivot a cancel gives everything back ---


def test_where_nothing_was_sealed_for_the_payment_nothing_is_forgotten() -> None:
    then = given(order, placed(CASH)).when(cancel())
    assert not [effect for effect in then.effects if isinstance(effect, Forget)]


def test_what_the_person_wrote_and_what_was_short_is_remembered() -> None:
    note = Sealed(ORDER, "note")
    short = (Shortage(sku="KET-1", requested=2, available=1),)
    state = order.fold([placed(), cancelled("out_of_stock", note=note, shortages=short)])
    assert (state.note, state.shortages) == (note, short)


def test_the_token_of_a_payment_never_tried_is_forgotten_though_money_of_another_came() -> None:
    then = given(order, placed(), captured_event("pay-9"), refund_started("pay-9")).when(cancel())
    assert Forget("pay-1") in then.effects


def test_cancelled_before_the_stock_is_held() -> None:
    (
        given(order, placed())
        .when(cancel())
        .then(cancelled())
        .sends(public_cancelled("by_customer"), RELEASE, PUT_BACK, Forget("pay-1"), CANCELLED_MAIL)
    )


def test_cancelled_while_nobody_pays() -> None:
    (
        given(order, *awaiting(None))
        .when(cancel())
        .then(cancelled())
        .sends(public_cancelled("by_customer"), RELEASE, PUT_BACK, CANCELLED_MAIL)
    )


def test_cancelled_while_the_promise_is_asked_for() -> None:
    (
        given(order, *awaiting())
        .when(cancel())
        .then(cancelled())
        .sends(public_cancelled("by_customer"), RELEASE, void(), PUT_BACK, CANCELLED_MAIL)
    )


def test_cancelled_while_the_payer_has_to_act() -> None:
    history = (*awaiting(), events.PaymentActionRequired(payment_id="pay-1"))
    then = given(order, *history).when(cancel()).then(cancelled())
    assert void() in [getattr(effect, "message", None) for effect in then.effects]


def test_a_cancel_by_staff_says_so() -> None:
    given(order, placed()).when(cancel("staff")).then(cancelled("by_staff"))


def test_what_the_person_wrote_is_kept_sealed() -> None:
    note = Sealed("customer-1", "changed my mind")
    command = commands.Cancel(by="customer", note=note, new_id="n", now=NOW)
    given(order, placed()).when(command).then(cancelled(note=note))
    then = given(order, *authorised()).when(command)
    assert order.decide(record_failed(), then.state)[-1] == cancelled(note=note)


def test_the_end_of_the_window_cancels() -> None:
    at = WINDOW_END
    (
        given(order, *awaiting())
        .when(EndPaymentWindow(now=at))
        .then(cancelled("payment_timeout", cancelled_at=at))
        .sends(
            public_cancelled("payment_timeout", at),
            RELEASE,
            void(),
            PUT_BACK,
            tell("order_cancelled", reason="payment_timeout", shortages=[]),
        )
    )


@pytest.mark.parametrize(
    "history", [(placed(),), confirmed(), promised(), (*authorised(), cancelling()), (placed(), cancelled())]
)
def test_the_end_of_the_window_means_nothing_to_an_order_that_does_not_wait(history: tuple[Event, ...]) -> None:
    given(order, *history).when(EndPaymentWindow(now=WINDOW_END)).then().sends()


@pytest.mark.parametrize("history", [(placed(), cancelled()), (*authorised(), cancelling())])
def test_cancelling_twice_changes_nothing(history: tuple[Event, ...]) -> None:
    given(order, *history).when(cancel("staff")).then().sends()


# --- once the capture was asked for, payment's answer decides ---


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


# --- after the pivot a cancel refunds what was captured and voids what was not ---


def test_a_cancel_of_a_paid_order_refunds_it() -> None:
    (
        given(order, *confirmed())
        .when(cancel())
        .then(cancelled(), refund_started(reason="cancelled"))
        .sends(
            public_cancelled("by_customer"),
            RELEASE,
            CANCELLED_MAIL,
            refund(),
            After("ask-new-1", FIRST_ASK, AskAgain(id="new-1", tries=1, now=FIRST_ASK)),
        )
    )


def test_a_cancel_of_a_promise_voids_it() -> None:
    (
        given(order, *promised())
        .when(cancel())
        .then(cancelled())
        .sends(public_cancelled("by_customer"), RELEASE, void(), CANCELLED_MAIL)
    )


def test_a_cancel_while_cash_is_being_recorded_waits_for_the_answer() -> None:
    collected = events.CaptureAsked(payment_id="pay-1", reference="R-1", next_ask=FIRST_ASK)
    then = given(order, *promised(), collected).when(cancel())
    then.then(cancelling())
    given(order, *promised(), collected, cancelling()).when(record_captured()).then(
        captured_event(), cancelled(), refund_started()
    )


def test_a_cancel_refunds_only_what_was_not_refunded_before() -> None:
    before = refund_started(amount=100_000, reason="broken", refund_id="r-0")
    then = given(order, *confirmed(), before).when(cancel())
    then.then(cancelled(), refund_started(amount=TOTAL - 100_000, reason="cancelled"))


def test_a_cancel_of_an_order_refunded_whole_refunds_nothing_more() -> None:
    given(order, *confirmed(), refund_started(reason="sorry", refund_id="r-0")).when(cancel()).then(cancelled())


def test_the_lines_of_a_confirmed_order_do_not_go_back_to_the_cart() -> None:
    then = given(order, *confirmed()).when(cancel())
    assert PUT_BACK not in [getattr(effect, "message", None) for effect in then.effects]


def test_a_cancelled_order_has_no_parcels() -> None:
    assert given(order, *confirmed()).when(cancel()).state.parcels == ()


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
