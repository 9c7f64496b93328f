"""The checkout from a promise to the money, the pivot; attempts that fail, and news that comes twice or out of turn."""

import pytest
from chassis.decider import Forget
from chassis.testing import given
from order import commands, events
from order.domain import Phase, order
from order.events import Event
from order.testing import (
    CASH,
    COMMIT,
    CONFIRMED,
    MPESA,
    NOW,
    OTHER_CARD,
    PUT_BACK,
    RELEASE,
    WINDOW_END,
    authorise,
    authorised,
    awaiting,
    cancelled,
    cancelling,
    capture,
    captured_event,
    card,
    confirmed,
    failed_event,
    failures,
    placed,
    promised,
    public_cancelled,
    public_confirmed,
    record_authorised,
    record_captured,
    record_failed,
    tell,
)

# --- 3 authorise ---


def test_a_promise_is_taken_at_once() -> None:
    (
        given(order, *awaiting())
        .when(record_authorised())
        .then(events.PaymentAuthorised(payment_id="pay-1"))
        .sends(capture())
    )


def test_a_promise_told_twice_is_taken_once() -> None:
    given(order, *authorised()).when(record_authorised()).then().sends()


def test_a_promise_told_after_the_money_is_stale() -> None:
    given(order, *confirmed()).when(record_authorised()).then().sends()


def test_a_payer_who_has_to_act_settles_the_order_until_they_do() -> None:
    then = given(order, *awaiting()).when(commands.RecordActionRequired(payment_id="pay-1"))
    then.then(events.PaymentActionRequired(payment_id="pay-1")).sends()
    assert then.state.settled
    assert then.state.payment_status == "requires_action"


@pytest.mark.parametrize("history", [authorised(), confirmed(), failures(1), (*awaiting(), cancelled())])
def test_to_act_is_not_asked_of_a_payer_any_more_when_it_comes_late(history: tuple[Event, ...]) -> None:
    given(order, *history).when(commands.RecordActionRequired(payment_id="pay-1")).then().sends()


def test_an_action_for_a_payment_nobody_knows_is_no_news() -> None:
    given(order, *awaiting()).when(commands.RecordActionRequired(payment_id="pay-9")).then().sends()


def test_the_phone_that_was_given_for_a_payment_is_forgotten_with_it() -> None:
    assert Forget("pay-1") in given(order, *awaiting(MPESA)).when(record_failed()).effects


def test_after_acting_the_payment_goes_on() -> None:
    acted = (*awaiting(), events.PaymentActionRequired(payment_id="pay-1"))
    given(order, *acted).when(record_authorised()).then(events.PaymentAuthorised(payment_id="pay-1"))


# --- 4 capture, the pivot ---


def test_the_money_confirms_the_order() -> None:
    (
        given(order, *authorised())
        .when(record_captured())
        .then(captured_event(), CONFIRMED)
        .sends(Forget("pay-1"), public_confirmed(), COMMIT, tell("order_confirmed", payment_method="card"))
    )


def test_money_that_comes_without_its_promise_confirms_too() -> None:
    given(order, *awaiting()).when(record_captured()).then(captured_event(), CONFIRMED)


def test_mpesa_is_one_step() -> None:
    then = given(order, *awaiting(MPESA)).when(record_captured(method="mpesa"))
    then.then(
        captured_event(method="mpesa"),
        events.Confirmed(payment_id="pay-1", method="mpesa", shipment_id="new-1", confirmed_at=NOW),
    )


def test_money_told_twice_counts_once() -> None:
    given(order, *confirmed()).when(record_captured()).then().sends()


def test_the_promise_of_cash_on_delivery_is_the_pivot() -> None:
    then = given(order, *awaiting(CASH)).when(record_authorised())
    then.then(
        events.PaymentAuthorised(payment_id="pay-1"),
        events.Confirmed(payment_id="pay-1", method="cash_on_delivery", shipment_id="new-1", confirmed_at=NOW),
    ).sends(
        public_confirmed("cash_on_delivery"),
        COMMIT,
        tell("order_confirmed", payment_method="cash_on_delivery"),
    )
    assert (then.state.status, then.state.payment_status) == ("confirmed", "authorised")


def test_confirming_makes_one_shipment_of_everything() -> None:
    (shipment,) = order.fold(confirmed()).shipments
    assert shipment.shipment_id == "new-1"
    assert [(line.sku, line.quantity) for line in shipment.lines] == [("KET-1", 2), ("MUG-1", 1)]


def test_money_of_the_wrong_amount_does_not_confirm_and_goes_back() -> None:
    then = given(order, *authorised()).when(record_captured(amount=100))
    assert then.events[:2] == [captured_event(amount=100), failed_event(reason="wrong_amount")]
    assert isinstance(then.events[2], events.RefundStarted)
    assert then.events[2].amount == 100
    assert then.state.phase is Phase.AWAITING_PAYMENT
    assert then.state.payment_failed


# --- a payment that fails ---


def test_a_failed_payment_leaves_the_order_waiting_with_its_stock() -> None:
    then = given(order, *awaiting()).when(record_failed())
    then.then(failed_event()).sends(Forget("pay-1"), tell("payment_failed", "pay-1", reason="declined"))
    assert then.state.phase is Phase.AWAITING_PAYMENT
    assert then.state.settled
    assert then.state.payment_failed
    assert then.state.payment_status == "failed"


def test_a_capture_that_fails_leaves_the_order_waiting() -> None:
    given(order, *authorised()).when(record_failed()).then(failed_event())


def test_a_voided_attempt_counts_as_a_failed_one() -> None:
    then = given(order, *awaiting()).when(record_failed(reason="voided", voided=True))
    then.then(failed_event(reason="voided", voided=True))
    assert then.state.payment_status == "voided"
    assert then.state.failures == 1


def test_another_card_can_pay() -> None:
    then = given(order, *awaiting(), failed_event()).when(commands.Pay(payment=OTHER_CARD, now=NOW))
    then.then(events.PaymentStarted(payment=OTHER_CARD)).sends(authorise("pay-2", token=OTHER_CARD.token))  # type: ignore[arg-type]
    assert not then.state.settled
    assert not then.state.payment_failed


def test_the_other_cards_money_confirms() -> None:
    history = (*failures(1), events.PaymentStarted(payment=OTHER_CARD))
    then = given(order, *history).when(record_captured("pay-2"))
    assert then.state.phase is Phase.CONFIRMED
    assert then.state.payment_status == "captured"


def test_no_try_moves_the_end_of_the_window() -> None:
    assert order.fold(failures(3)).expires_at == WINDOW_END


def test_while_one_attempt_runs_no_other_begins() -> None:
    for history in (awaiting(), authorised(), (*awaiting(), events.PaymentActionRequired(payment_id="pay-1"))):
        given(order, *history).when(commands.Pay(payment=OTHER_CARD, now=NOW)).refuses("payment-in-progress")


@pytest.mark.parametrize(
    "history", [(placed(),), confirmed(), promised(), (*authorised(), cancelling()), (placed(), cancelled())]
)
def test_only_an_order_that_awaits_payment_can_be_paid(history: tuple[Event, ...]) -> None:
    given(order, *history).when(commands.Pay(payment=OTHER_CARD, now=NOW)).refuses("not-payable")


def test_at_the_end_of_the_window_nothing_can_be_paid() -> None:
    given(order, *failures(1)).when(commands.Pay(payment=OTHER_CARD, now=WINDOW_END)).refuses("not-payable")


def test_the_fourth_failure_leaves_the_order_waiting_still() -> None:
    history = (*failures(3), events.PaymentStarted(payment=card(4)))
    assert given(order, *history).when(record_failed("pay-4")).state.phase is Phase.AWAITING_PAYMENT


def test_the_fifth_failure_cancels_at_once() -> None:
    history = (*failures(4), events.PaymentStarted(payment=card(5)))
    then = given(order, *history).when(record_failed("pay-5"))
    then.then(failed_event("pay-5"), cancelled("payment_failed")).sends(
        Forget("pay-5"),
        public_cancelled("payment_failed"),
        RELEASE,
        PUT_BACK,
        tell("order_cancelled", reason="payment_failed", shortages=[]),
    )
    assert then.state.payment_failed


def test_an_attempt_that_failed_cannot_fail_again() -> None:
    given(order, *failures(1)).when(record_failed()).then().sends()


def test_a_failure_of_an_attempt_nobody_knows_is_stale() -> None:
    given(order, *awaiting()).when(record_failed("pay-9")).then().sends()
