"""Cancels, by whomever, while it is known whether there is money."""

import pytest
from chassis.decider import After, Forget
from chassis.testing import given
from order import commands, events
from order.commands import AskAgain, EndPaymentWindow
from order.domain import order
from order.events import Event
from order.testing import (
    CASH,
    FIRST_ASK,
    NOW,
    ORDER,
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
    placed,
    promised,
    public_cancelled,
    record_captured,
    record_failed,
    refund,
    refund_started,
    tell,
    void,
)
from order.values import Shortage
from soko_contracts.sealed import Sealed

CANCELLED_MAIL = tell("order_cancelled", reason="by_customer", shortages=[])


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
