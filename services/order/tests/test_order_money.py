"""Refunds, cash on delivery, and what staff do to a payment by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest
from chassis.decider import After
from chassis.testing import given
from order import commands, events
from order.commands import AskAgain
from order.domain import order
from order.events import Event
from order.testing import (
    BANK,
    CUSTOMER,
    FIRST_ASK,
    NOW,
    ORDER,
    OTHER_CARD,
    TOTAL,
    authorised,
    awaiting,
    cancelled,
    cancelling,
    capture,
    captured_event,
    confirmed,
    failed_event,
    failures,
    placed,
    promised,
    record_captured,
    record_failed,
    refund,
    refund_started,
    tell,
    void,
)
from soko_contracts import order as facts

COLLECTED = events.CaptureAsked(payment_id="pay-1", reference="R-1", next_ask=FIRST_ASK)
MARK_PAID = commands.MarkPaid(payment_id="pay-1", reference="R-1", now=NOW)
WHOLE = commands.GiveBack(refund_id="r-1", amount=None, reason="broken", now=NOW)
PART = commands.GiveBack(refund_id="r-1", amount=100_000, reason="broken", now=NOW)
STARTED = refund_started(reason="broken", refund_id="r-1")
FAILED = events.RefundFailed(refund_id="r-1", reason="closed")
RETRY = commands.RetryRefund(refund_id="r-1", now=NOW)
PART_STARTED = refund_started(amount=100_000, reason="broken", refund_id="r-1")


def then_ask(id_: str, tries: int = 1, at: timedelta = timedelta(seconds=30)) -> After:
    return After(f"ask-{id_}", NOW + at, AskAgain(id=id_, tries=tries, now=NOW + at))


# --- refunds ---


def test_a_whole_refund() -> None:
    given(order, *confirmed()).when(WHOLE).then(STARTED).sends(refund(refund_id="r-1"), then_ask("r-1"))


def test_a_part_of_the_money() -> None:
    given(order, *confirmed()).when(PART).then(PART_STARTED)


def test_the_rest_after_a_part() -> None:
    rest = commands.GiveBack(refund_id="r-2", amount=None, reason="rest", now=NOW)
    given(order, *confirmed(), PART_STARTED).when(rest).then(
        refund_started(amount=TOTAL - 100_000, reason="rest", refund_id="r-2")
    )


@pytest.mark.parametrize("amount", [TOTAL + 1, TOTAL, None, 0, -1])
def test_never_more_than_what_is_left(amount: int | None) -> None:
    history = (*confirmed(), PART_STARTED) if amount else (*confirmed(), STARTED)
    command = commands.GiveBack(refund_id="r-2", amount=amount, reason="", now=NOW)
    given(order, *history).when(command).refuses("refund-too-large")


def test_what_a_failed_refund_owes_is_not_given_twice() -> None:
    owed = (*confirmed(), STARTED, events.RefundFailed(refund_id="r-1", reason="account_closed"))
    given(order, *owed).when(PART).refuses("refund-too-large")


@pytest.mark.parametrize(
    "history", [(placed(),), awaiting(), authorised(), promised(), (*confirmed(), cancelled(), refund_started())]
)
def test_where_no_money_is_held_none_is_given_back(history: tuple[Event, ...]) -> None:
    given(order, *history).when(PART).refuses("refund-too-large")


@pytest.mark.parametrize("amount", [None, 0, 1])
def test_of_an_order_that_cost_nothing_nothing_is_given_back(amount: int | None) -> None:
    free = events.Confirmed(payment_id=None, method="none", shipment_id="new-1", confirmed_at=NOW)
    command = commands.GiveBack(refund_id="r-2", amount=amount, reason="", now=NOW)
    given(order, placed(None), free).when(command).refuses("refund-too-large")


def test_nothing_is_no_refund() -> None:
    nothing = commands.GiveBack(refund_id="r-2", amount=0, reason="", now=NOW)
    given(order, *confirmed()).when(nothing).refuses("refund-too-large")


def test_the_money_went_back() -> None:
    (
        given(order, *confirmed(), PART_STARTED)
        .when(commands.RecordRefunded(refund_id="r-1"))
        .then(events.RefundSucceeded(refund_id="r-1"))
        .sends(
            facts.Refunded(
                order_id=ORDER,
                number="SO-1",
                customer_id=CUSTOMER,
                payment_id="pay-1",
                refund_id="r-1",
                amount=100_000,
                currency="KES",
            ),
            tell("order_refunded", "r-1", amount=100_000),
        )
    )


def test_payment_status_follows_the_refunds() -> None:
    done = events.RefundSucceeded(refund_id="r-1")
    assert order.fold([*confirmed(), PART_STARTED]).payment_status == "captured"
    assert order.fold([*confirmed(), PART_STARTED, done]).payment_status == "partially_refunded"
    assert order.fold([*confirmed(), STARTED, done]).payment_status == "refunded"
    owed = events.RefundFailed(refund_id="r-1", reason="account_closed")
    assert order.fold([*confirmed(), STARTED, owed]).payment_status == "refund_failed"
    assert order.fold([*confirmed(), STARTED, owed, retried()]).payment_status == "captured"
    assert order.fold([*confirmed(), STARTED, owed, done]).payment_status == "refunded"


def test_money_of_another_attempt_that_went_back_is_not_the_orders() -> None:
    stray = (captured_event("pay-9"), refund_started("pay-9"), events.RefundSucceeded(refund_id="new-1"))
    assert order.fold([*confirmed(), *stray]).payment_status == "captured"


def test_a_payment_has_failed_while_no_other_try_is_under_way() -> None:
    assert not order.fold(awaiting(None)).payment_failed
    assert order.fold(failures(1)).payment_failed
    again = (*failures(1), events.PaymentStarted(payment=OTHER_CARD))
    assert not order.fold(again).payment_failed
    paid = events.Confirmed(payment_id="pay-2", method="card", shipment_id="s", confirmed_at=NOW)
    assert not order.fold([*again, captured_event("pay-2"), paid]).payment_failed
    assert order.fold([*failures(5), cancelled("payment_failed")]).payment_failed


def test_a_refund_that_fails_is_owed() -> None:
    then = given(order, *confirmed(), STARTED).when(commands.RecordRefundFailed(refund_id="r-1", reason="closed"))
    then.then(events.RefundFailed(refund_id="r-1", reason="closed")).sends()


def test_a_refund_that_had_failed_can_succeed_in_the_end() -> None:
    owed = (*confirmed(), STARTED, events.RefundFailed(refund_id="r-1", reason="closed"))
    given(order, *owed).when(commands.RecordRefunded(refund_id="r-1")).then(events.RefundSucceeded(refund_id="r-1"))


def retried(tries: int = 2) -> events.RefundRetried:
    return events.RefundRetried(refund_id="r-1", tries=tries, next_ask=FIRST_ASK)


def test_a_refund_that_failed_is_tried_again_under_the_same_id() -> None:
    (
        given(order, *confirmed(), STARTED, FAILED)
        .when(RETRY)
        .then(retried())
        .sends(replace(refund(refund_id="r-1"), tries=2), then_ask("r-1", 1, FIRST_ASK - NOW))
    )
    again = (*confirmed(), STARTED, FAILED, retried(), replace(FAILED, tries=2))
    given(order, *again).when(RETRY).then(retried(3))


def test_a_refund_that_is_tried_again_is_asked_for_until_there_is_an_answer() -> None:
    then = given(order, *confirmed(), STARTED, FAILED, retried()).when(AskAgain(id="r-1", tries=1, now=FIRST_ASK))
    assert then.effects[0].message == replace(refund(refund_id="r-1"), tries=2)  # type: ignore[union-attr]


def test_only_a_refund_that_failed_is_tried_again() -> None:
    given(order, *confirmed(), STARTED).when(RETRY).refuses("refund-not-failed")
    given(order, *confirmed(), STARTED, FAILED, retried()).when(RETRY).refuses("refund-not-failed")
    given(order, *confirmed(), STARTED, events.RefundSucceeded(refund_id="r-1")).when(RETRY).refuses(
        "refund-not-failed"
    )
    given(order, *confirmed()).when(RETRY).refuses("not-found")


def test_that_an_earlier_try_failed_is_no_news_of_the_one_under_way() -> None:
    under_way = (*confirmed(), STARTED, FAILED, retried())
    first = commands.RecordRefundFailed(refund_id="r-1", reason="closed")
    given(order, *under_way).when(first).then().sends()
    given(order, *under_way).when(replace(first, tries=2)).then(replace(FAILED, tries=2)).sends()


def test_whichever_try_succeeds_it_counts_once() -> None:
    success, done = commands.RecordRefunded(refund_id="r-1"), events.RefundSucceeded(refund_id="r-1")
    given(order, *confirmed(), STARTED, FAILED, retried()).when(success).then(done)
    given(order, *confirmed(), STARTED, FAILED, retried(), done).when(success).then().sends()


def test_what_is_tried_again_is_given_back_once() -> None:
    given(order, *confirmed(), STARTED, FAILED, retried()).when(PART).refuses("refund-too-large")


def test_an_answer_about_a_refund_counts_once() -> None:
    done = (*confirmed(), STARTED, events.RefundSucceeded(refund_id="r-1"))
    given(order, *done).when(commands.RecordRefunded(refund_id="r-1")).then().sends()
    given(order, *done).when(commands.RecordRefundFailed(refund_id="r-1", reason="late")).then().sends()


def test_an_answer_about_a_refund_nobody_decided_is_stale() -> None:
    given(order, *confirmed()).when(commands.RecordRefunded(refund_id="r-9")).then().sends()
    given(order, *confirmed()).when(commands.RecordRefundFailed(refund_id="r-9", reason="")).then().sends()


def test_a_refund_without_an_answer_is_asked_for_again_under_the_same_id() -> None:
    then = given(order, *confirmed(), STARTED).when(AskAgain(id="r-1", tries=1, now=FIRST_ASK))
    then.then(
        events.AskedAgain(id="r-1", tries=1, next_ask=FIRST_ASK + timedelta(seconds=60)),
    ).sends(refund(refund_id="r-1"), then_ask("r-1", 2, timedelta(seconds=90)))


def test_it_is_asked_for_until_there_is_an_answer_a_day_apart_in_the_end() -> None:
    then = given(order, *confirmed(), STARTED).when(AskAgain(id="r-1", tries=1_000, now=NOW))
    then.then(events.AskedAgain(id="r-1", tries=1_000, next_ask=NOW + timedelta(days=1)))


def test_a_refund_with_an_answer_is_not_asked_for_again() -> None:
    done = (*confirmed(), STARTED, events.RefundSucceeded(refund_id="r-1"))
    given(order, *done).when(AskAgain(id="r-1", tries=1, now=NOW)).then().sends()


def test_the_refund_of_a_cancelled_order_is_asked_for_too() -> None:
    history = (*confirmed(), cancelled(), refund_started(reason="cancelled"))
    then = given(order, *history).when(AskAgain(id="new-1", tries=1, now=NOW))
    assert then.effects[0].message == refund()  # type: ignore[union-attr]


# --- cash on delivery ---


def test_collected_cash_is_captured_with_its_receipt() -> None:
    given(order, *promised()).when(MARK_PAID).then(COLLECTED).sends(capture(reference="R-1"), then_ask("pay-1"))


def test_the_captured_cash_makes_the_order_paid() -> None:
    money = captured_event(method="cash_on_delivery")
    then = given(order, *promised(), COLLECTED).when(record_captured(method="cash_on_delivery"))
    then.then(money).sends()
    assert (then.state.status, then.state.payment_status) == ("confirmed", "captured")


def test_cash_is_collected_once() -> None:
    given(order, *promised(), COLLECTED).when(MARK_PAID).then().sends()
    given(order, *promised(), COLLECTED, captured_event()).when(MARK_PAID).refuses("not-payable")


def test_until_payment_answers_it_is_asked_again_about_the_cash() -> None:
    then = given(order, *promised(), COLLECTED).when(AskAgain(id="pay-1", tries=1, now=FIRST_ASK))
    assert then.effects[0].message == capture()  # type: ignore[union-attr]


def test_cash_collected_can_be_given_back() -> None:
    given(order, *promised(), COLLECTED, captured_event()).when(WHOLE).then(STARTED)


def test_a_bank_transfer_is_marked_paid_while_it_is_waited_for() -> None:
    given(order, *awaiting(BANK)).when(MARK_PAID).then(COLLECTED)


@pytest.mark.parametrize(
    "history", [(placed(),), awaiting(), confirmed(), (*promised(), cancelled()), (*authorised(), cancelling())]
)
def test_only_what_is_paid_by_hand_is_marked_paid(history: tuple[Event, ...]) -> None:
    given(order, *history).when(MARK_PAID).refuses("not-payable")


def test_another_payment_than_the_live_one_is_not_marked_paid() -> None:
    command = commands.MarkPaid(payment_id="pay-9", reference="R", now=NOW)
    given(order, *promised()).when(command).refuses("not-payable")


def test_a_promise_that_payment_ended_is_only_noted() -> None:
    then = given(order, *promised()).when(record_failed(reason="voided", voided=True))
    then.then(failed_event(reason="voided", voided=True)).sends()
    assert (then.state.status, then.state.payment_status) == ("confirmed", "voided")


# --- capture and void by staff ---


def test_staff_can_have_a_promised_payment_captured_again() -> None:
    then = given(order, *authorised()).when(commands.CapturePayment(payment_id="pay-1", now=NOW))
    then.then(events.CaptureAsked(payment_id="pay-1", reference=None, next_ask=FIRST_ASK)).sends(
        capture(), then_ask("pay-1")
    )


@pytest.mark.parametrize(
    "history",
    [
        (placed(),),
        awaiting(),
        confirmed(),
        promised(),
        failures(1),
        (*authorised(), cancelling()),
        (*authorised(), cancelling(), cancelled()),
    ],
)
def test_nothing_promised_or_wanted_nothing_captured(history: tuple[Event, ...]) -> None:
    given(order, *history).when(commands.CapturePayment(payment_id="pay-1", now=NOW)).refuses("nothing-to-capture")


def test_staff_name_the_payment_they_mean() -> None:
    given(order, *authorised()).when(commands.CapturePayment(payment_id="pay-9", now=NOW)).refuses("nothing-to-capture")
    given(order, *authorised()).when(commands.VoidPayment(payment_id="pay-9")).refuses("nothing-to-void")


@pytest.mark.parametrize("history", [awaiting(), authorised()])
def test_staff_can_end_the_live_attempt(history: tuple[Event, ...]) -> None:
    then = given(order, *history).when(commands.VoidPayment(payment_id="pay-1"))
    then.then(events.VoidAsked(payment_id="pay-1")).sends(void())


@pytest.mark.parametrize("history", [(placed(),), confirmed(), promised(), failures(1), (*awaiting(), cancelled())])
def test_where_no_attempt_is_waited_for_none_is_ended(history: tuple[Event, ...]) -> None:
    given(order, *history).when(commands.VoidPayment(payment_id="pay-1")).refuses("nothing-to-void")


def test_a_void_that_is_too_late_confirms_the_order() -> None:
    history = (*authorised(), events.VoidAsked(payment_id="pay-1"))
    assert given(order, *history).when(record_captured()).state.status == "confirmed"
