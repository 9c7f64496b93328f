"""The checkout, step by step, as it goes well; and what each step makes of being told twice or out of turn."""

from datetime import timedelta

import pytest
from chassis.decider import After, Forget
from chassis.testing import given
from order import commands, events
from order.commands import EndPaymentWindow, EndStockWait
from order.domain import Phase, order
from order.events import Event
from order.testing import (
    ADDRESS,
    CARD,
    CASH,
    COMMIT,
    FACTS,
    MPESA,
    NOW,
    ORDER,
    OTHER_CARD,
    PUT_BACK,
    RELEASE,
    STOCK_LINES,
    WAITS,
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
    place,
    placed,
    promised,
    public_cancelled,
    public_confirmed,
    record_authorised,
    record_captured,
    record_failed,
    tell,
)
from order.totals import Line, quote
from order.values import Shortage
from soko_contracts import inventory
from soko_contracts import order as facts

STOCK_RESERVED = commands.RecordStockReserved(new_id="new-1", now=NOW)
SHORTAGES = (Shortage(sku="KET-1", requested=2, available=1),)
STOCK_REJECTED = commands.RecordStockRejected(shortages=SHORTAGES, now=NOW)
CONFIRMED = events.Confirmed(payment_id="pay-1", method="card", shipment_id="new-1", confirmed_at=NOW)


# --- 1 place ---


def test_placing_asks_for_the_stock_and_tells_the_customer() -> None:
    answer_by = NOW + timedelta(seconds=60)
    held_until = answer_by + timedelta(minutes=20)
    (
        given(order)
        .when(place())
        .then(placed())
        .sends(
            facts.Placed(**FACTS, cart_id="cart-1", cart_version=3, placed_at=NOW),
            inventory.ReserveStock(order_id=ORDER, lines=STOCK_LINES, expires_at=held_until),
            After("stock", answer_by, EndStockWait(now=answer_by)),
            tell("order_received"),
        )
    )


def test_the_units_are_held_five_minutes_longer_than_the_latest_possible_window() -> None:
    sent = given(order).when(place()).effects
    reserve = next(m for m in (getattr(e, "message", None) for e in sent) if isinstance(m, inventory.ReserveStock))
    latest_window_end = NOW + timedelta(seconds=WAITS.stock + WAITS.window)
    assert reserve.expires_at - latest_window_end == timedelta(minutes=5)


@pytest.mark.parametrize("history", [(placed(),), awaiting(), confirmed()])
def test_one_cart_is_one_order_however_often_it_is_placed(history: tuple[Event, ...]) -> None:
    given(order, *history).when(place(number="SO-2")).then().sends()
    given(order, *history).when(place(number="SO-2", cart_version=9)).refuses("cart-changed")


def test_a_cart_whose_order_was_cancelled_has_nothing_more_to_order() -> None:
    given(order, placed(), cancelled()).when(place(number="SO-2")).refuses("cart-empty")


def test_nothing_but_place_can_be_told_to_an_order_that_is_not_there() -> None:
    given(order).when(STOCK_RESERVED).refuses("not-found")
    given(order).when(record_captured()).refuses("not-found")


# --- 2 reserve ---


def test_with_the_stock_held_the_window_opens_and_the_chosen_payment_begins() -> None:
    (
        given(order, placed())
        .when(STOCK_RESERVED)
        .then(events.AwaitingPayment(expires_at=WINDOW_END), events.PaymentStarted(payment=CARD))
        .sends(
            facts.AwaitingPayment(**FACTS, expires_at=WINDOW_END),
            After("payment-window", WINDOW_END, EndPaymentWindow(now=WINDOW_END)),
            authorise(token=CARD.token),  # type: ignore[arg-type]
        )
    )


def test_without_a_chosen_payment_the_order_just_waits_to_be_paid() -> None:
    then = given(order, placed(None)).when(STOCK_RESERVED).then(events.AwaitingPayment(expires_at=WINDOW_END))
    assert then.state.settled
    assert then.state.payment_status == "unpaid"


def test_the_window_runs_from_the_stock_answer_not_from_placing() -> None:
    later = NOW + timedelta(seconds=50)
    then = given(order, placed(None)).when(commands.RecordStockReserved(new_id="n", now=later))
    then.then(events.AwaitingPayment(expires_at=later + timedelta(minutes=15)))


def test_an_order_that_costs_nothing_is_confirmed_as_soon_as_its_stock_is_held() -> None:
    free = (Line(sku="PEN", variant_id="v", name="Pen", quantity=1, unit_price=0, priced_at=NOW),)
    totals = quote(free, 0, "KES").totals
    then = given(order, placed(None, lines=free, totals=totals)).when(STOCK_RESERVED)
    then.then(events.Confirmed(payment_id=None, method="none", shipment_id="new-1", confirmed_at=NOW))
    assert then.state.payment_status == "unpaid"


def test_the_token_given_for_an_order_that_costs_nothing_is_forgotten() -> None:
    free = (Line(sku="PEN", variant_id="v", name="Pen", quantity=1, unit_price=0, priced_at=NOW),)
    then = given(order, placed(CARD, lines=free, totals=quote(free, 0, "KES").totals)).when(STOCK_RESERVED)
    assert Forget("pay-1") in then.effects


def test_without_enough_stock_the_order_is_cancelled_and_the_lines_go_back_to_the_cart() -> None:
    (
        given(order, placed())
        .when(STOCK_REJECTED)
        .then(cancelled("out_of_stock", shortages=SHORTAGES))
        .sends(
            public_cancelled("out_of_stock"),
            PUT_BACK,
            Forget("pay-1"),
            tell(
                "order_cancelled",
                reason="out_of_stock",
                shortages=[{"sku": "KET-1", "requested": 2, "available": 1}],
            ),
        )
    )


def test_no_answer_about_stock_releases_what_may_be_held_and_cancels() -> None:
    (
        given(order, placed())
        .when(EndStockWait(now=NOW))
        .then(cancelled("stock_timeout"))
        .sends(
            public_cancelled("stock_timeout"),
            RELEASE,
            PUT_BACK,
            Forget("pay-1"),
            tell("order_cancelled", reason="stock_timeout", shortages=[]),
        )
    )


def test_stock_reserved_too_late_is_released() -> None:
    (
        given(order, placed(), cancelled("stock_timeout"))
        .when(STOCK_RESERVED)
        .then(events.ReservationAnswered(answer="release"))
        .sends(RELEASE)
    )


@pytest.mark.parametrize("history", [awaiting(), confirmed(), (*authorised(), cancelling())])
@pytest.mark.parametrize("news", [STOCK_RESERVED, STOCK_REJECTED, EndStockWait(now=NOW)])
def test_news_about_stock_counts_only_while_it_is_waited_for(
    history: tuple[Event, ...], news: commands.Command
) -> None:
    given(order, *history).when(news).then().sends()


def test_a_rejection_after_the_cancel_is_stale() -> None:
    given(order, placed(), cancelled("stock_timeout")).when(STOCK_REJECTED).then().sends()


# --- reservation_expiring ---


def test_asked_about_the_reservation_an_unsettled_order_extends_it() -> None:
    until = NOW + timedelta(minutes=5)
    (
        given(order, placed())
        .when(commands.AnswerReservation(now=NOW))
        .then(events.ReservationAnswered(answer="extend", until=until))
        .sends(inventory.ExtendReservation(order_id=ORDER, expires_at=until))
    )


def test_asked_while_awaiting_payment_it_extends_beyond_the_window() -> None:
    until = WINDOW_END + timedelta(minutes=5)
    given(order, *awaiting()).when(commands.AnswerReservation(now=NOW)).then(
        events.ReservationAnswered(answer="extend", until=until)
    )


def test_asked_while_cancelling_it_extends_from_now() -> None:
    late = WINDOW_END + timedelta(minutes=30)
    given(order, *authorised(), cancelling()).when(commands.AnswerReservation(now=late)).then(
        events.ReservationAnswered(answer="extend", until=late + timedelta(minutes=5))
    )


def test_asked_when_confirmed_it_commits_again() -> None:
    given(order, *confirmed()).when(commands.AnswerReservation(now=NOW)).then(
        events.ReservationAnswered(answer="commit")
    ).sends(COMMIT)


def test_asked_when_cancelled_it_releases() -> None:
    given(order, placed(), cancelled()).when(commands.AnswerReservation(now=NOW)).then(
        events.ReservationAnswered(answer="release")
    ).sends(RELEASE)


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


# --- address ---


@pytest.mark.parametrize("history", [(placed(),), awaiting(), authorised()])
def test_the_address_can_change_before_the_order_is_confirmed(history: tuple[Event, ...]) -> None:
    then = given(order, *history).when(commands.ChangeAddress(address=ADDRESS))
    then.then(events.AddressChanged(address=ADDRESS)).sends()


@pytest.mark.parametrize("history", [confirmed(), promised(), (*authorised(), cancelling()), (placed(), cancelled())])
def test_afterwards_it_cannot(history: tuple[Event, ...]) -> None:
    given(order, *history).when(commands.ChangeAddress(address=ADDRESS)).refuses("conflict")


# --- settled ---


@pytest.mark.parametrize(
    ("history", "settled"),
    [
        ((placed(),), False),
        (awaiting(), False),
        (awaiting(None), True),
        (authorised(), False),
        (failures(1), True),
        (confirmed(), True),
        (promised(), True),
        ((*authorised(), cancelling()), False),
        ((placed(), cancelled()), True),
    ],
)
def test_settled_means_nothing_moves_without_the_customer(history: tuple[Event, ...], settled: bool) -> None:
    assert order.fold(history).settled is settled
