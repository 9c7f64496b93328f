"""The coupon of an order: asked for first, given back when it is over, and shared out over its lines."""

from dataclasses import replace

import pytest
from chassis.decider import Send
from chassis.testing import given
from hypothesis import given as drawn
from hypothesis import strategies as st
from order import commands, events
from order.domain import order
from order.events import Event
from order.shipments import Parcel
from order.testing import (
    CART,
    CUSTOMER,
    LINES,
    NOW,
    ORDER,
    QUOTE,
    REDUCED,
    STOCK_REJECTED,
    STOCK_RESERVED,
    cancelled,
    captured_event,
    claim,
    place_reduced,
    placed,
)
from order.totals import Line, Reduction, paid_for, quote
from soko_contracts import cart, inventory
from soko_contracts import order as facts

REDEEM = cart.RedeemCoupon(order_id=ORDER, cart_id=CART, customer_id=CUSTOMER, coupon_id="coupon-1", code="TEN")
RETURN = cart.ReturnCoupon(order_id=ORDER)
REDEEMED = commands.RecordCouponRedeemed()
REJECTED = commands.RecordCouponRejected(reason="coupon-used-up", now=NOW)
WITHOUT = events.PlacedWithoutCoupon(lines=QUOTE.lines, totals=QUOTE.totals)
CANCEL = commands.Cancel(by="customer", note=None, new_id="new-1", now=NOW)


def begun(*, required: bool = False) -> events.Placed:
    return placed(lines=REDUCED.lines, totals=REDUCED.totals, coupon=claim(required=required))


def sent(happened: object) -> list[type]:
    return [type(getattr(effect, "message", effect)) for effect in happened.effects]  # type: ignore[attr-defined]


def test_an_order_with_a_coupon_asks_for_it_and_not_yet_for_stock() -> None:
    done = given(order).when(place_reduced()).then(begun())
    assert REDEEM in [getattr(effect, "message", effect) for effect in done.effects]
    assert inventory.ReserveStock not in sent(done)


def test_an_order_without_one_asks_for_stock_at_once_and_cart_for_nothing() -> None:
    done = given(order).when(place_reduced(lines=QUOTE.lines, totals=QUOTE.totals, coupon=None))
    assert inventory.ReserveStock in sent(done)
    assert cart.RedeemCoupon not in sent(done)


def test_with_its_coupon_it_asks_for_stock() -> None:
    done = given(order, begun()).when(REDEEMED).then(events.CouponRedeemed())
    assert sent(done) == [inventory.ReserveStock]


def test_without_the_coupon_it_wished_for_it_goes_on_at_its_full_price() -> None:
    done = given(order, begun()).when(REJECTED).then(events.CouponRejected(reason="coupon-used-up"), WITHOUT)
    assert sent(done) == [inventory.ReserveStock]
    assert (done.state.lines, done.state.totals) == (QUOTE.lines, QUOTE.totals)


def test_without_the_coupon_it_needs_it_is_over() -> None:
    rejected = events.CouponRejected(reason="coupon-used-up")
    done = given(order, begun(required=True)).when(REJECTED).then(rejected, cancelled("coupon_rejected"))
    assert facts.Cancelled in sent(done)
    assert cart.PutBack in sent(done)
    assert not {inventory.ReserveStock, inventory.ReleaseStock, cart.ReturnCoupon} & set(sent(done))


@pytest.mark.parametrize(
    ("history", "coupon"),
    [
        ((begun(),), "TEN"),
        ((begun(), events.CouponRedeemed()), "TEN"),
        ((begun(), events.CouponRejected(reason="coupon-used-up"), WITHOUT), None),
    ],
    ids=["asked", "redeemed", "rejected"],
)
def test_a_cancelled_order_brings_its_coupon_back_into_the_cart(history: tuple[Event, ...], coupon: str | None) -> None:
    effects = given(order, *history).when(CANCEL).effects
    (back,) = [each.message for each in effects if isinstance(each, Send) and isinstance(each.message, cart.PutBack)]
    assert back.coupon == coupon


@pytest.mark.parametrize("history", [(begun(),), (begun(), events.CouponRedeemed())], ids=["asked", "redeemed"])
def test_a_cancelled_order_gives_its_use_back(history: tuple[Event, ...]) -> None:
    done = given(order, *history).when(CANCEL)
    assert RETURN in [getattr(effect, "message", effect) for effect in done.effects]
    assert (inventory.ReleaseStock in sent(done)) is (len(history) == 2)


def test_what_was_paid_for_goes_back_with_its_use() -> None:
    paid = (
        begun(),
        events.CouponRedeemed(),
        events.AwaitingPayment(expires_at=NOW),
        events.PaymentStarted(payment=placed().payment),  # type: ignore[arg-type]
        captured_event(amount=REDUCED.totals.total),
        events.Confirmed(payment_id="pay-1", method="card", shipment_id="new-1", confirmed_at=NOW),
    )
    done = given(order, *paid).when(CANCEL)
    assert RETURN in [getattr(effect, "message", effect) for effect in done.effects]
    assert [event.amount for event in done.events if isinstance(event, events.RefundStarted)] == [REDUCED.totals.total]


@pytest.mark.parametrize("answer", [REDEEMED, REJECTED], ids=["redeemed", "rejected"])
@pytest.mark.parametrize(
    "history",
    [
        (placed(),),
        (begun(), events.CouponRedeemed()),
        (begun(), events.CouponRejected(reason="coupon-used-up")),
        (begun(), cancelled()),
    ],
    ids=["none", "redeemed", "rejected", "over"],
)
def test_an_answer_that_nobody_waits_for_comes_to_nothing(answer: commands.Command, history: tuple[Event, ...]) -> None:
    given(order, *history).when(answer).then().sends()


@pytest.mark.parametrize("news", [STOCK_RESERVED, STOCK_REJECTED, commands.AnswerReservation(now=NOW)])
def test_news_of_stock_that_nobody_asked_for_yet_comes_to_nothing(news: commands.Command) -> None:
    given(order, begun()).when(news).then().sends()


# --- the split ---

PRICES = st.integers(0, 10_000_000)
SKUS = ("A", "B", "C", "D", "E", "F")
CARTS = st.lists(st.tuples(st.integers(1, 999), PRICES), min_size=1, max_size=6).map(
    lambda drawn_: [
        Line(sku=sku, variant_id=sku, name=sku, quantity=quantity, unit_price=price, priced_at=NOW)
        for sku, (quantity, price) in zip(SKUS, drawn_, strict=False)
    ]
)
SCOPES = st.none() | st.frozensets(st.sampled_from(SKUS), min_size=1)
REDUCTIONS = st.builds(Reduction, percent=st.integers(1, 100), skus=SCOPES) | st.builds(
    Reduction, amount=st.integers(1, 10**12), skus=SCOPES
)


@drawn(CARTS, REDUCTIONS)
def test_the_shares_are_the_discount_to_the_last_minor_unit(lines: list[Line], reduction: Reduction) -> None:
    """Largest remainders: each share is what is due to its line, rounded down or up, and no line brings less than 0."""
    quoted = quote(lines, 0, "KES", reduction)
    base = sum(reduction.of(line) for line in lines)
    discount = base * reduction.percent // 100 if reduction.percent else min(reduction.amount or 0, base)
    assert quoted.totals.discount == sum(line.discount for line in quoted.lines) == discount
    assert quoted.totals.total == sum(line.total for line in lines) - discount >= 0
    for line in quoted.lines:
        exact = discount * reduction.of(line)
        assert 0 <= line.discount <= reduction.of(line)
        assert base == 0 or line.discount in (exact // base, -(-exact // base))
    assert quote(lines, 0, "KES", reduction) == quoted


@drawn(CARTS, REDUCTIONS)
def test_lines_of_the_same_price_differ_by_one_at_most_and_the_first_has_more(
    lines: list[Line], reduction: Reduction
) -> None:
    shares: dict[int, list[int]] = {}
    for line in quote(lines, 0, "KES", reduction).lines:
        shares.setdefault(reduction.of(line), []).append(line.discount)
    for alike in shares.values():
        assert alike == sorted(alike, reverse=True)
        assert alike[0] - alike[-1] <= 1


@drawn(CARTS, REDUCTIONS, st.data())
def test_however_units_go_back_a_line_brings_what_was_paid_for_it(
    lines: list[Line], reduction: Reduction, data: st.DataObject
) -> None:
    quoted, back = quote(lines, 0, "KES", reduction), 0
    for line in quoted.lines:
        units = brought = 0
        while units < line.quantity:
            step = data.draw(st.integers(1, line.quantity - units)) if units < 3 else line.quantity - units
            amount = paid_for(line, step, after=units)
            units, brought = units + step, brought + amount
            assert amount >= 0
            assert brought <= line.total - line.discount
        back += brought
    assert back == quoted.totals.total


def test_what_is_left_over_goes_to_the_largest_remainders() -> None:
    """Of 5 due to 100, 200 and 300: 0.83, 1.67 and 2.5."""
    lines = [replace(LINES[0], quantity=1, unit_price=price) for price in (100, 200, 300)]
    assert [line.discount for line in quote(lines, 0, "KES", Reduction(amount=5)).lines] == [1, 2, 2]


def test_a_coupon_for_some_skus_is_taken_from_their_lines_alone() -> None:
    quoted = quote(LINES, 20_000, "KES", Reduction(percent=10, skus=frozenset({"MUG-1"})))
    assert [line.discount for line in quoted.lines] == [0, 4_000]


def test_free_shipping_is_no_discount_on_the_lines() -> None:
    totals = quote(LINES, 20_000, "KES", Reduction(free_shipping=True)).totals
    assert (totals.shipping, totals.discount, totals.total) == (0, 0, 539_800)


# --- refunds by lines ---

PAID = (
    begun(),
    events.CouponRedeemed(),
    events.AwaitingPayment(expires_at=NOW),
    events.PaymentStarted(payment=placed().payment),  # type: ignore[arg-type]
    captured_event(amount=REDUCED.totals.total),
    events.Confirmed(payment_id="pay-1", method="card", shipment_id="new-1", confirmed_at=NOW),
)


def units(sku: str, quantity: int, refund_id: str = "r-1") -> commands.GiveBack:
    lines = (Parcel(sku=sku, quantity=quantity),)
    return commands.GiveBack(refund_id=refund_id, amount=None, reason="", now=NOW, lines=lines)


def test_a_unit_goes_back_for_what_was_paid_for_it() -> None:
    (started,) = given(order, *PAID).when(units("KET-1", 1)).events
    assert isinstance(started, events.RefundStarted)
    assert started.amount == 249_900 * 9 // 10


def test_all_lines_go_back_for_all_but_the_shipping() -> None:
    history, amounts = list[Event](PAID), list[int]()
    for refund_id, sku in (("r-1", "KET-1"), ("r-2", "KET-1"), ("r-3", "MUG-1")):
        (started,) = given(order, *history).when(units(sku, 1, refund_id)).events
        assert isinstance(started, events.RefundStarted)
        amounts.append(started.amount)
        history.append(started)
    assert sum(amounts) == REDUCED.totals.total - REDUCED.totals.shipping


@pytest.mark.parametrize(("sku", "quantity"), [("KET-1", 3), ("POT-1", 1)])
def test_units_that_were_not_bought_do_not_go_back(sku: str, quantity: int) -> None:
    given(order, *PAID).when(units(sku, quantity)).refuses("refund-too-large")


def test_a_unit_goes_back_once() -> None:
    (started,) = given(order, *PAID).when(units("MUG-1", 1)).events
    given(order, *PAID, started).when(units("MUG-1", 1, "r-2")).refuses("refund-too-large")


def test_who_asks_for_too_many_is_told_how_many_are_left() -> None:
    (started,) = given(order, *PAID).when(units("KET-1", 1)).events
    done = given(order, *PAID, started).when(units("KET-1", 2, "r-2")).refuses("refund-too-large")
    assert done.refused is not None
    assert "Of KET-1 there are 1 units" in done.refused.detail
