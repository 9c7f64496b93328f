"""Whatever an owner, their orders and their late messages do: the carts agree with a plain dict."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cart.domain import (
    Abandon,
    Add,
    AskPutBack,
    Cart,
    ClearCoupon,
    Close,
    Empty,
    Expire,
    Limits,
    Line,
    Merge,
    Opening,
    PutBackLines,
    Remove,
    SetCoupon,
    SetQuantity,
    Status,
    cart,
    close,
    following,
    merge,
    put_back_lines,
)
from cart.service import CART
from chassis.decider import Call, Decider, Many, Refused
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from journal import Journal
from thoroughness import runs

HOLD = timedelta(hours=24)
LIMITS = Limits(lines=3, quantity=5)
OWNER = "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6"
SKUS = st.sampled_from(["A", "B", "C", "D"])
UNITS = st.integers(min_value=1, max_value=4)
NOTHING_KNOWN: Mapping[str, int] = {}


class Carts(RuleBasedStateMachine):
    """One customer with all their carts, orders that close them sooner or later, and now and then a guest's cart."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Journal(CART)
        self.basket: Counter[str] = Counter()
        self.coupon: str | None = None
        self.ids = 0
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.read: tuple[Cart, int] | None = None
        self.ordered: list[Cart] = []
        self.calls: list[str] = []

    def fresh(self) -> str:
        self.ids += 1
        return f"id-{self.ids}"

    def state(self, cart_id: str) -> Cart:
        found: Cart = self.shop.state(cart, cart_id)
        return found

    def there(self, cart_id: str) -> bool:
        return self.shop.version(cart, cart_id) > 0

    def last(self) -> str | None:
        """The owner's newest cart."""
        found, id_ = None, following(OWNER)
        while self.there(id_):
            found, id_ = id_, following(id_)
        return found

    def current(self) -> str:
        """The cart that the owner's next write goes to."""
        last = self.last()
        if last is None:
            return following(OWNER)
        return following(last) if self.state(last).closed else last

    def opening(self) -> Opening:
        last = self.last()
        number = self.state(last).number + 1 if last else 1
        return Opening(self.current(), self.fresh(), f"user:{OWNER}", number)

    def do(self, decider: Decider[Any, Any, Any] | Many[Any], id_: str, command: Any) -> bool:
        """As the unit would: all or nothing. False when it was refused."""
        try:
            if isinstance(decider, Many):
                self.shop.execute_many(decider, command)
            else:
                self.shop.execute(decider, id_, command)
        except Refused:
            return False
        self.calls += [effect.key for effect in self.shop.effects if isinstance(effect, Call)]
        return True

    @rule(sku=SKUS, units=UNITS, price=st.integers(1, 9))
    def add(self, sku: str, units: int, price: int) -> None:
        line = Line(self.fresh(), sku, f"v-{sku}", units, price, self.now)
        fits = self.basket[sku] + units <= LIMITS.quantity and (
            self.basket[sku] > 0 or len(+self.basket) < LIMITS.lines
        )
        assert self.do(cart, self.current(), Add(self.opening(), line, HOLD, LIMITS)) == fits
        self.basket[sku] += units if fits else 0

    @rule(sku=SKUS, units=UNITS)
    def set_quantity(self, sku: str, units: int) -> None:
        item = next((line.item_id for line in self.state(self.current()).lines if line.sku == sku), "none")
        assert self.do(cart, self.current(), SetQuantity(item, units, LIMITS)) == (self.basket[sku] > 0)
        self.basket[sku] = units if self.basket[sku] else 0

    @rule(sku=SKUS)
    def remove(self, sku: str) -> None:
        item = next((line.item_id for line in self.state(self.current()).lines if line.sku == sku), "none")
        assert self.do(cart, self.current(), Remove(item)) == (self.basket[sku] > 0)
        self.basket[sku] = 0

    @rule()
    def empty(self) -> None:
        self.do(cart, self.current(), Empty())
        self.basket.clear()

    @rule(hours=st.integers(1, 48))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(code=st.sampled_from(["TEN", "ONE", None]))
    def a_coupon_is_chosen(self, code: str | None) -> None:
        """It belongs to the cart, and follows into the next only from an order that is given up."""
        id_ = self.current()
        done = self.do(cart, id_, SetCoupon(code) if code else ClearCoupon())
        assert done is (code is None or self.there(id_))
        self.coupon = code if done else None

    @precondition(lambda self: self.last())
    @rule(stale=st.booleans())
    def it_is_left_alone(self, stale: bool) -> None:
        """Said once a cart, and not of what somebody touched meanwhile."""
        id_ = self.current()
        before = self.state(id_)
        self.do(cart, id_, Abandon((*before.lines, *before.lines) if stale else before.lines))
        assert self.state(id_).abandoned is (before.abandoned or bool(before.lines and not stale))

    @precondition(lambda self: self.last() and self.read is None)
    @rule(stale=st.booleans())
    def it_expires(self, stale: bool) -> None:
        id_ = self.current()
        before = self.state(id_)
        lines = (*before.lines, *before.lines)
        self.do(cart, id_, Expire(lines if stale else before.lines))
        if before.status is Status.OPEN and (not stale or not before.lines):
            assert self.state(id_).status is Status.EXPIRED
            self.basket.clear()
            self.coupon = None

    @precondition(lambda self: self.read is None and self.basket.total() > 0)
    @rule()
    def order_reads_the_cart(self) -> None:
        id_ = self.current()
        self.read = self.state(id_), self.shop.version(cart, id_)

    @precondition(lambda self: self.read is not None)
    @rule(times=st.integers(1, 2))
    def order_closes_what_it_read(self, times: int) -> None:
        assert self.read is not None
        was, version = self.read
        stood = Counter({line.sku: line.quantity for line in was.lines})
        for _ in range(times):
            self.do(close, "", Close(was.cart_id, was.order_id, version, stood, self.fresh()))
        self.basket -= stood
        self.coupon = None
        self.ordered.append(was)
        self.read = None

    @precondition(lambda self: self.ordered)
    @rule(data=st.data(), times=st.integers(1, 2))
    def an_order_is_given_up(self, data: st.DataObject, times: int) -> None:
        was = self.ordered.pop(data.draw(st.integers(0, len(self.ordered) - 1)))
        for _ in range(times):
            self.do(cart, was.cart_id, AskPutBack(was.order_id, was.lines, was.coupon))

    @precondition(lambda self: self.read is not None)
    @rule()
    def an_order_is_given_up_before_the_cart_hears_that_it_was_placed(self) -> None:
        assert self.read is not None
        was, _ = self.read
        assert self.do(cart, was.cart_id, AskPutBack(was.order_id, was.lines, was.coupon))
        self.order_closes_what_it_read(times=1)
        self.ordered.remove(was)

    @precondition(lambda self: self.last())
    @rule(sku=SKUS, stood=UNITS)
    def somebody_elses_order_changes_nothing(self, sku: str, stood: int) -> None:
        id_ = str(self.last())
        assert not self.do(close, "", Close(id_, "another", 1, {sku: stood}, self.fresh()))
        assert not self.do(cart, id_, AskPutBack("another", ()))

    @precondition(lambda self: self.calls)
    @rule(times=st.integers(1, 2))
    def what_is_owed_is_put_back(self, times: int) -> None:
        id_ = self.calls.pop(0)
        source = self.state(id_)
        self.pour(source.owed or (), source.owed_coupon)
        for _ in range(times):
            self.do(put_back_lines, "", PutBackLines(id_, self.last() or id_, self.fresh(), LIMITS))

    @rule(
        lines=st.dictionaries(SKUS, UNITS, min_size=1, max_size=3),
        code=st.sampled_from(["GUEST", None]),
        stock=st.dictionaries(SKUS, st.integers(0, 6)),
    )
    def a_guests_cart_is_merged(self, lines: dict[str, int], code: str | None, stock: dict[str, int]) -> None:
        """As far as there is stock, there or to come, where that is known."""
        opening = Opening(self.fresh(), self.fresh(), "cart:abc", 1)
        for sku, units in lines.items():
            line = Line(self.fresh(), sku, f"v-{sku}", units, 1, self.now)
            self.do(cart, opening.cart_id, Add(opening, line, HOLD, LIMITS))
        if code:
            self.do(cart, opening.cart_id, SetCoupon(code))
        self.pour(self.state(opening.cart_id).lines, code, stock)
        limits = replace(LIMITS, available=stock)
        assert self.do(merge, "", Merge(opening.cart_id, self.opening(), limits))
        assert not self.do(merge, "", Merge(opening.cart_id, self.opening(), limits))

    def pour(self, lines: tuple[Line, ...], coupon: str | None, stock: Mapping[str, int] = NOTHING_KNOWN) -> None:
        """What comes to the cart that is open, or opens one; call it before it does."""
        self.coupon = self.coupon or coupon
        for line in lines:
            if self.basket[line.sku] or len(+self.basket) < LIMITS.lines:
                there = self.basket[line.sku]
                most = min(LIMITS.quantity, stock.get(line.sku) or LIMITS.quantity)
                self.basket[line.sku] = max(there, min(there + line.quantity, most))

    @invariant()
    def the_open_cart_is_the_basket(self) -> None:
        mine = self.state(self.current())
        lines = mine.lines
        assert mine.coupon == self.coupon
        assert {line.sku: line.quantity for line in lines} == dict(+self.basket)
        assert len({line.item_id for line in lines}) == len(lines) <= LIMITS.lines

    @invariant()
    def one_cart_at_most_is_open(self) -> None:
        mine = [one for _, one in self.shop.states(cart) if one.owner == f"user:{OWNER}"]
        assert sum(one.status is Status.OPEN for one in mine) <= 1
        assert sorted(one.number for one in mine) == list(range(1, len(mine) + 1))
        assert len({one.order_id for one in mine}) == len(mine)

    @invariant()
    def what_is_read_is_what_stands_in_the_carts(self) -> None:
        for id_, one in self.shop.states(cart):
            row = self.shop.rows["carts", (id_,)]
            assert (row["status"], row["lines"], row["number"]) == (one.status, one.lines, one.number)
            assert ("closed_at" in row) is one.closed

    def teardown(self) -> None:
        self.shop.check()


TestCarts = Carts.TestCase
TestCarts.settings = runs(100, steps=40)
