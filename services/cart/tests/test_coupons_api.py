"""Coupons over HTTP: what staff make, what a cart is told, and what an order reads and redeems."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from cart.domain import coupon_id_of
from cart.service import build
from cart.settings import Settings
from chassis.fixtures import Harness
from chassis.rebuild import Rebuild
from chassis.world import new_id
from soko_contracts import cart as contract
from soko_contracts import catalog

KITCHEN, KETTLES = new_id(), new_id()
KETTLE, MUG = new_id(), new_id()


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


@dataclass
class Counter:
    """The cart service, at whose coupons staff and customers meet."""

    harness: Harness

    @property
    def staff(self) -> dict[str, str]:
        return self.harness.bearer(new_id(), "staff", ["coupons:write"])

    async def call(self, method: str, path: str, who: dict[str, str], body: Any = None, **headers: str) -> Any:
        return await self.harness.client.request(method, f"/api/v1{path}", json=body, headers={**who, **headers})

    async def coupon(self, code: str = "TEN", **terms: Any) -> Any:
        body = {"code": code, **(terms or {"percent": 10})}
        answer = await self.call("POST", "/coupons", self.staff, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def shopper(self, **units: int) -> dict[str, str]:
        """A new customer with so many kettles (2,499.00) and mugs (599.00) in their cart."""
        who = self.harness.bearer(new_id())
        for name, quantity in units.items():
            body = {"sku": {"kettles": "KET-1", "mugs": "MUG-1"}[name], "quantity": quantity}
            assert (await self.call("POST", "/cart/items", who, body)).status_code == 201
        return who

    async def use(self, who: dict[str, str], code: str = "TEN") -> Any:
        return await self.call("PUT", "/cart/coupon", who, {"code": code})

    async def read(self, who: dict[str, str], query: str = "") -> Any:
        """The cart as order reads it."""
        headers = {**who, **self.harness.service_token("order")}
        return await self.harness.client.get(f"/internal/v1/cart{query}", headers=headers)

    async def redeem(self, code: str = "TEN", order_id: str = "", customer_id: str | None = None) -> str:
        order_id = order_id or new_id()
        await self.harness.deliver(asked(code, order_id, customer_id), subject=order_id)
        return order_id

    async def give_back(self, order_id: str) -> None:
        await self.harness.deliver(contract.ReturnCoupon(order_id=order_id), subject=order_id)

    async def used(self, code: str = "TEN") -> int:
        return int((await self.call("GET", f"/coupons/{code}", self.staff)).json()["used"])


def asked(code: str, order_id: str, customer_id: str | None = None) -> Any:
    return contract.RedeemCoupon(
        order_id=order_id, cart_id=new_id(), customer_id=customer_id, coupon_id=coupon_id_of(code), code=code
    )


def problem(answer: Any) -> str:
    assert answer.status_code == 409, answer.text
    return str(answer.json()["type"]).removeprefix("/problems/")


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Counter]:
    async with running(build, Settings) as harness:
        for id_, parent in ((KITCHEN, None), (KETTLES, KITCHEN)):
            made = catalog.CategoryCreated(category_id=id_, parent_id=parent, slug=id_, name="Some")
            await harness.deliver(made, subject=id_)
        for product, sku, price, category in ((KETTLE, "KET-1", 249900, KETTLES), (MUG, "MUG-1", 59900, new_id())):
            facts: dict[str, Any] = {"product_id": product, "name": sku, "price": price, "currency": "KES"}
            variant = catalog.Variant(**facts, variant_id=new_id(), sku=sku, active=True)
            about: dict[str, Any] = {"slug": sku, "description": "", "brand": None, "status": "active"}
            listed = catalog.ProductCreated(**facts, **about, category_ids=(category,), variants=(variant,))
            await harness.deliver(listed, subject=product)
        yield Counter(harness)


async def test_staff_make_change_and_withdraw_coupons(shop: Counter) -> None:
    made = await shop.coupon("Welcome10", percent=10, max_uses=5, min_total=kes("1000.00"))
    assert (made["code"], made["percent"], made["amount"], made["used"]) == ("WELCOME10", 10, None, 0)
    path = f"/coupons/{made['id']}"
    shown = await shop.call("GET", path, shop.staff)
    assert shown.json() == made
    patch = {"percent": None, "amount": kes("250.00"), "category_ids": [KITCHEN]}
    changed = await shop.call("PATCH", path, shop.staff, patch, **{"If-Match": shown.headers["ETag"]})
    assert (changed.json()["amount"], changed.json()["percent"], changed.json()["max_uses"]) == (kes("250.00"), None, 5)
    stale = await shop.call("PATCH", path, shop.staff, {"max_uses": 6}, **{"If-Match": shown.headers["ETag"]})
    assert stale.status_code == 412
    listed = (await shop.call("GET", "/coupons?active=true&ordering=code", shop.staff)).json()
    assert [each["code"] for each in listed["items"]] == ["WELCOME10"]
    gone = await shop.call("DELETE", path, shop.staff)
    assert (gone.status_code, gone.content, "content-type" in gone.headers) == (204, b"", False)
    assert (await shop.call("GET", path, shop.staff)).status_code == 404
    assert (await shop.call("GET", "/coupons", shop.staff)).json()["total"] == 0
    again = await shop.call("POST", "/coupons", shop.staff, {"code": "welcome10", "percent": 5})
    assert problem(again) == "coupon-exists"


async def test_of_changes_to_a_coupon_made_at_once_by_who_knows_one_version_exactly_one_counts(shop: Counter) -> None:
    path = f"/coupons/{(await shop.coupon())['id']}"
    tag = {"If-Match": (await shop.call("GET", path, shop.staff)).headers["ETag"]}

    async def orders() -> None:
        for _ in range(3):
            await shop.redeem()

    *answers, _ = await asyncio.gather(
        *(shop.call("PATCH", path, shop.staff, {"percent": percent}, **tag) for percent in (20, 30, 40)), orders()
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    (counted,) = [answer.json()["percent"] for answer in answers if answer.status_code == 200]
    shown = (await shop.call("GET", path, shop.staff)).json()
    assert (shown["percent"], shown["used"]) == (counted, 3)
    tag = {"If-Match": (await shop.call("GET", path, shop.staff)).headers["ETag"]}
    gone, changed = await asyncio.gather(
        shop.call("DELETE", path, shop.staff, **tag), shop.call("PATCH", path, shop.staff, {"percent": 50}, **tag)
    )
    assert (gone.status_code, changed.status_code) in ((204, 404), (412, 200))


async def test_only_who_may_sees_coupons(shop: Counter) -> None:
    await shop.coupon()
    for method, path in (("GET", "/coupons"), ("GET", "/coupons/TEN"), ("DELETE", "/coupons/TEN")):
        assert (await shop.call(method, path, shop.harness.bearer(new_id()))).status_code == 403
        assert (await shop.call(method, path, {})).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"code": "A"},
        {"code": "A", "percent": 10, "free_shipping": True},
        {"code": "A", "percent": 101},
        {"code": "A", "percent": 9.5},
        {"code": "A B", "percent": 10},
        {"code": "A", "amount": kes("0.00")},
        {"code": "A", "amount": {"amount": "1.00", "currency": "USD"}},
        {"code": "A", "percent": 1, "starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-01T00:00:00Z"},
        {"code": "A", "percent": 1, "max_uses": 0},
    ],
)
async def test_a_coupon_that_makes_no_sense_is_422(shop: Counter, body: Any) -> None:
    assert (await shop.call("POST", "/coupons", shop.staff, body)).status_code == 422


async def test_a_key_makes_one_coupon(shop: Counter) -> None:
    body, key = {"code": "ONCE", "percent": 10}, {"Idempotency-Key": "k-1"}
    staff = shop.staff
    first, again = [await shop.call("POST", "/coupons", staff, body, **key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()


async def test_a_cart_shows_its_coupon_and_what_stands_against_it(shop: Counter) -> None:
    await shop.coupon(percent=10, min_total=kes("600.00"))
    who = await shop.shopper(kettles=1, mugs=1)
    assert (await shop.use(who, "ten")).json()["coupon"] == {"code": "TEN", "problem": None, "detail": None}
    cart = (await shop.call("GET", "/cart", who)).json()
    kettle = next(line["id"] for line in cart["items"] if line["sku"] == "KET-1")
    left = (await shop.call("DELETE", f"/cart/items/{kettle}", who)).json()
    assert (left["coupon"]["code"], left["coupon"]["problem"]) == ("TEN", "/problems/coupon-below-minimum")
    assert (await shop.read(who)).json()["refusal"]["slug"] == "coupon-below-minimum"
    assert (await shop.call("DELETE", "/cart/coupon", who)).json()["coupon"] is None
    assert (await shop.read(who)).json()["coupon"] is None


async def test_each_refusal_says_why(shop: Counter) -> None:
    now = shop.harness.clock()
    later, before = ((now + timedelta(days=days)).isoformat() for days in (1, -1))
    await shop.coupon("LATER", percent=10, starts_at=later)
    await shop.coupon("OVER", percent=10, ends_at=before)
    await shop.coupon("MUCH", percent=10, min_total=kes("10000.00"))
    await shop.coupon("POTS", percent=10, product_ids=[new_id()])
    await shop.coupon("ONE", percent=10, max_uses=1)
    await shop.redeem("ONE")
    who = await shop.shopper(kettles=1)
    said = {code: await shop.use(who, code) for code in ("NONE", "LATER", "OVER", "MUCH", "POTS", "ONE")}
    assert {code: problem(answer) for code, answer in said.items()} == {
        "NONE": "coupon-unknown",
        "LATER": "coupon-not-started",
        "OVER": "coupon-expired",
        "MUCH": "coupon-below-minimum",
        "POTS": "coupon-out-of-scope",
        "ONE": "coupon-used-up",
    }
    assert said["MUCH"].json()["minimum"] == kes("10000.00")
    assert (await shop.call("GET", "/cart", who)).json()["coupon"] is None
    assert problem(await shop.use(shop.harness.bearer(new_id()), "MUCH")) == "coupon-out-of-scope"


async def test_a_coupon_for_each_customer_once_needs_an_account(shop: Counter) -> None:
    await shop.coupon(percent=10, max_uses_per_customer=1)
    guest = await shop.call("POST", "/cart/items", {}, {"sku": "KET-1"})
    token = {"X-Cart-Token": guest.headers["X-Cart-Token"]}
    assert problem(await shop.use(token)) == "coupon-needs-account"
    me = new_id()
    who = shop.harness.bearer(me)
    await shop.call("POST", "/cart/items", who, {"sku": "KET-1"})
    assert (await shop.use(who)).status_code == 200
    order_id = await shop.redeem(customer_id=me)
    assert (await shop.read(who)).json()["refusal"]["slug"] == "coupon-already-used"
    await shop.give_back(order_id)
    assert (await shop.read(who)).json()["refusal"] is None


async def test_an_order_reads_which_lines_the_coupon_is_for(shop: Counter) -> None:
    await shop.coupon("KITCHEN", percent=20, category_ids=[KITCHEN])
    await shop.coupon("MUGS", amount=kes("100.00"), product_ids=[MUG])
    who = await shop.shopper(kettles=1, mugs=1)
    await shop.use(who, "KITCHEN")
    kettles = (await shop.read(who)).json()["coupon"]
    assert (kettles["skus"], kettles["percent"]) == (["KET-1"], 20), "what is below a category belongs to it"
    mugs = (await shop.read(who, "?coupon=mugs")).json()["coupon"]
    assert (mugs["skus"], mugs["amount"], mugs["code"]) == (["MUG-1"], 10000, "MUGS")


async def test_of_a_hundred_orders_at_once_one_gets_the_last_use_and_gives_it_back(shop: Counter) -> None:
    await shop.coupon(percent=10, max_uses=1)
    orders = [new_id() for _ in range(100)]
    envelopes = [shop.harness.envelope(asked("TEN", each), subject=each) for each in orders]
    await asyncio.gather(*(shop.harness.service.receive([each]) for each in envelopes))
    await shop.harness.settle()
    won = [each for each in shop.harness.sent if isinstance(each, contract.CouponRedeemed)]
    lost = [each for each in shop.harness.sent if isinstance(each, contract.CouponRejected)]
    assert (len(won), len(lost)) == (1, 99)
    assert {each.reason for each in lost} == {"coupon-used-up"}
    assert await shop.used() == 1
    await shop.give_back(won[0].order_id)
    await shop.give_back(lost[0].order_id)
    assert await shop.used() == 0
    await shop.redeem()
    assert await shop.used() == 1


async def test_an_order_that_was_over_before_it_asked_gets_none(shop: Counter) -> None:
    await shop.coupon(percent=10)
    order_id = new_id()
    await shop.give_back(order_id)
    await shop.redeem(order_id=order_id)
    assert await shop.used() == 0
    assert shop.harness.sent[-1].reason == "order-over"


async def test_a_withdrawn_coupon_is_none(shop: Counter) -> None:
    await shop.coupon(percent=10)
    who = await shop.shopper(kettles=1)
    await shop.use(who)
    await shop.call("DELETE", "/coupons/TEN", shop.staff)
    assert (await shop.read(who)).json()["refusal"]["slug"] == "coupon-unknown"
    await shop.redeem()
    assert shop.harness.sent[-1].reason == "coupon-unknown"


async def test_a_guests_coupon_comes_along_when_the_carts_are_merged(shop: Counter) -> None:
    await shop.coupon(percent=10)
    guest = await shop.call("POST", "/cart/items", {}, {"sku": "KET-1"})
    token = {"X-Cart-Token": guest.headers["X-Cart-Token"]}
    await shop.use(token)
    merged = await shop.call("POST", "/cart/merge", {**shop.harness.bearer(new_id()), **token})
    assert (merged.json()["coupon"] or {}).get("code") == "TEN"


async def test_views_rebuilt_are_the_same_rows(shop: Counter) -> None:
    await shop.coupon(percent=10, max_uses=1)
    who = await shop.shopper(kettles=1)
    await shop.use(who)
    first = await shop.redeem(customer_id=new_id())
    await shop.redeem()
    await shop.give_back(first)
    rebuilt = await Rebuild(shop.harness.service).run()
    assert {each.table for each in rebuilt} >= {"carts", "coupons", "redemptions"}
    assert not [each.table for each in rebuilt if each.differed]
