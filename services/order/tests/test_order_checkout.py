"""The checkout until it waits to be paid, step by step; and what each makes of being told twice or out of turn."""

from dataclasses import replace
from datetime import timedelta

import pytest
from chassis.decider import After, Forget
from chassis.testing import given
from order import commands, events
from order.commands import EndPaymentWindow, EndStockWait
from order.domain import order
from order.events import Event
from order.testing import (
    ADDRESS,
    BANK,
    CARD,
    CASH,
    COMMIT,
    FACTS,
    MPESA,
    NOW,
    ORDER,
    PUT_BACK,
    RELEASE,
    SHORTAGES,
    STOCK_LINES,
    STOCK_REJECTED,
    STOCK_RESERVED,
    WAITS,
    WINDOW_END,
    authorise,
    authorised,
    awaiting,
    cancelled,
    cancelling,
    confirmed,
    failures,
    place,
    placed,
    promised,
    public_cancelled,
    record_captured,
    tell,
)
from order.totals import Line, quote
from order.values import Chosen
from soko_contracts import inventory
from soko_contracts import order as facts

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
    then.sends(
        facts.AwaitingPayment(**FACTS, expires_at=WINDOW_END),
        After("payment-window", WINDOW_END, EndPaymentWindow(now=WINDOW_END)),
        tell("payment_requested", minutes=15),
    )
    assert then.state.settled
    assert then.state.payment_status == "unpaid"


@pytest.mark.parametrize(("chosen", "asked"), [(MPESA, True), (BANK, True), (CARD, False), (CASH, False)])
def test_what_is_not_paid_on_the_shops_page_is_asked_for(chosen: Chosen, asked: bool) -> None:
    then = given(order, placed(chosen)).when(STOCK_RESERVED)
    assert (tell("payment_requested", minutes=15) in [getattr(each, "message", each) for each in then.effects]) is asked


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


# --- address ---


@pytest.mark.parametrize("history", [(placed(),), awaiting(), authorised()])
def test_the_address_can_change_before_the_order_is_confirmed(history: tuple[Event, ...]) -> None:
    then = given(order, *history).when(commands.ChangeAddress(address=ADDRESS))
    then.then(events.AddressChanged(address=ADDRESS)).sends()


def test_it_goes_to_the_new_address() -> None:
    elsewhere = replace(ADDRESS, country="UG")
    assert given(order, placed()).when(commands.ChangeAddress(address=elsewhere)).state.address == elsewhere


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
