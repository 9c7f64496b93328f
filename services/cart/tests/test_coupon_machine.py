"""Whatever staff, orders and late messages do to coupons: what is counted is what orders have."""

from typing import Any

from cart.domain.coupons import Change, Coupon, Create, Terms, Withdraw, coupon
from cart.domain.redemptions import Redeem, Return, Use, customer_uses, give_back, of_customer, redeem, redemption
from cart.service import COUPON, CUSTOMER_USES, REDEMPTION
from chassis.decider import Refused
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from journal import Journal
from thoroughness import runs

COUPONS = ("c-1", "c-2")
CUSTOMERS = ("amina", "brian", None)
ORDERS = st.integers(0, 7).map(lambda n: f"o-{n}")
LIMITS = st.none() | st.integers(1, 3)


class Coupons(RuleBasedStateMachine):
    """Two coupons, two customers and a guest, and orders that come late, twice, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Journal(COUPON, REDEMPTION, CUSTOMER_USES)
        self.answered: dict[str, str] = {}
        self.asked: dict[str, Redeem] = {}

    def state(self, id_: str) -> Coupon:
        found: Coupon = self.shop.state(coupon, id_)
        return found

    @initialize(most=LIMITS, each=LIMITS)
    def begin(self, most: int | None, each: int | None) -> None:
        self.shop.execute(coupon, "c-1", Create("c-1", "ONE", Terms(percent=10, max_uses=most)))
        terms = Terms(amount=500, max_uses=most, max_uses_per_customer=each)
        self.shop.execute(coupon, "c-2", Create("c-2", "TWO", terms))

    @rule(id_=st.sampled_from(COUPONS), most=LIMITS, each=LIMITS)
    def staff_change_the_limits(self, id_: str, most: int | None, each: int | None) -> None:
        before = self.state(id_)
        try:
            self.shop.execute(coupon, id_, Change({"max_uses": most, "max_uses_per_customer": each}))
        except Refused:
            assert before.withdrawn

    @rule(id_=st.sampled_from(COUPONS), really=st.sampled_from([False, False, True]))
    def staff_withdraw(self, id_: str, really: bool) -> None:
        if really:
            self.shop.execute(coupon, id_, Withdraw())

    @rule(order_id=ORDERS, id_=st.sampled_from((*COUPONS, "c-9")), customer=st.sampled_from(CUSTOMERS))
    def an_order_asks(self, order_id: str, id_: str, customer: str | None) -> None:
        """Once each, and perhaps again; only the first counts."""
        asked = self.asked.setdefault(
            order_id, Redeem(order_id=order_id, cart_id="cart", customer_id=customer, coupon_id=id_, code="CODE")
        )
        before = self.state(asked.coupon_id)
        self.shop.execute_many(redeem, asked)
        for message in self.shop.sent:
            if order_id in self.answered:
                assert self.shop.state(redemption, order_id).status is Use.RETURNED
            self.answered[order_id] = message.TYPE
        most = before.terms.max_uses
        if self.state(asked.coupon_id).used > before.used:
            assert before.there
            assert most is None or before.used < most

    @rule(order_id=ORDERS, times=st.integers(1, 2))
    def an_order_is_over(self, order_id: str, times: int) -> None:
        for _ in range(times):
            self.shop.execute_many(give_back, Return(order_id=order_id))
            assert self.shop.sent == []

    def having(self, id_: str, customer: str | None = None) -> int:
        states: list[tuple[str, Any]] = self.shop.states(redemption)
        held = [one for _, one in states if one.status is Use.REDEEMED and one.coupon_id == id_]
        return sum(customer is None or one.customer_id == customer for one in held)

    @invariant()
    def what_is_counted_is_what_orders_have(self) -> None:
        for id_ in COUPONS:
            assert self.state(id_).used == self.having(id_)
            for customer in CUSTOMERS[:2]:
                _, stream = of_customer(id_, str(customer))
                assert self.shop.state(customer_uses, stream).count == self.having(id_, customer)

    @invariant()
    def every_order_that_asked_was_answered(self) -> None:
        assert self.asked.keys() == self.answered.keys()

    @invariant()
    def what_is_read_is_what_is_so(self) -> None:
        for id_, one in self.shop.states(redemption):
            assert self.shop.rows["redemptions", (id_,)]["status"] == one.status
        for id_ in COUPONS if self.shop.states(coupon) else ():
            row = self.shop.rows["coupons", (id_,)]
            assert (row["used"], row["withdrawn"]) == (self.state(id_).used, self.state(id_).withdrawn)

    def teardown(self) -> None:
        self.shop.check()


TestCoupons = Coupons.TestCase
TestCoupons.settings = runs(100, steps=40)
