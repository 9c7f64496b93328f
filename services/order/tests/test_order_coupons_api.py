"""Coupons at the checkout, over HTTP: what the quote says is what the order costs, and what becomes of a no."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from order.testing_shop import KES, Shop, open_shop
from soko_contracts import cart, inventory

TEN = {"coupon_id": "coupon-1", "code": "TEN", "percent": 10, "amount": None, "free_shipping": False, "skus": None}
USED_UP = {"slug": "coupon-used-up", "detail": "The coupon TEN is used up.", "extra": {}}
FULL, REDUCED = "5748.00", "5198.20"
"""Two kettles and a mug, sent for 250.00; and with ten in a hundred off the 5,498.00."""


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with open_shop(running) as opened:
        yield opened


async def placed(shop: Shop, **body: Any) -> dict[str, Any]:
    shop.neighbours.fill(f"user:{shop.amina}", coupon=TEN)
    answer = await shop.place(**body)
    assert answer.status_code == 202, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def answered(shop: Shop, order: dict[str, Any], *, redeemed: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"order_id": order["id"], "cart_id": "c", "customer_id": shop.amina}
    facts |= {"coupon_id": "coupon-1", "code": "TEN"}
    no = cart.CouponRejected(**facts, reason="coupon-used-up")
    await shop.deliver(cart.CouponRedeemed(**facts) if redeemed else no, subject=order["id"])
    return await shop.order(order["id"])


def asked_for(shop: Shop, kind: type) -> list[Any]:
    return [each for each in shop.harness.sent if isinstance(each, kind)]


async def test_the_quote_is_what_the_order_costs(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}", coupon=TEN)
    quoted = (await shop.post("/cart/quote")).json()
    assert (quoted["coupon"], quoted["discount"]["amount"], quoted["total"]["amount"]) == ("TEN", "549.80", REDUCED)
    order = (await shop.place(expected_total={"amount": REDUCED, "currency": KES})).json()
    assert (order["total"], order["discount"]) == (quoted["total"], quoted["discount"])
    assert [line["discount"] for line in order["items"]] == [line["discount"] for line in quoted["items"]]
    assert [line["discount"]["amount"] for line in order["items"]] == ["499.80", "50.00"]
    assert order["coupon"] == {"code": "TEN", "status": "asked"}


async def test_stock_is_asked_for_when_the_coupon_is_redeemed(shop: Shop) -> None:
    order = await placed(shop)
    assert asked_for(shop, inventory.ReserveStock) == []
    assert (await answered(shop, order, redeemed=True))["coupon"]["status"] == "redeemed"
    assert len(asked_for(shop, inventory.ReserveStock)) == 1
    story = (await shop.get(f"/orders/{order['id']}/timeline")).json()["items"]
    assert [entry["kind"] for entry in story] == ["placed", "coupon_redeemed"]


async def test_a_coupon_that_was_wished_for_is_gone_without(shop: Shop) -> None:
    order = await answered(shop, await placed(shop), redeemed=False)
    assert (order["status"], order["total"]["amount"], order["discount"]["amount"]) == ("pending", FULL, "0.00")
    assert order["coupon"] == {"code": "TEN", "status": "rejected"}
    assert [line["discount"]["amount"] for line in order["items"]] == ["0.00", "0.00"]


@pytest.mark.parametrize("more", [{"coupon_required": True}, {"expected_total": {"amount": REDUCED, "currency": KES}}])
async def test_a_coupon_that_is_needed_ends_the_order_and_says_so(shop: Shop, more: dict[str, Any]) -> None:
    shop.neighbours.fill(f"user:{shop.amina}", coupon=TEN)

    async def reject(order_id: str) -> None:
        await answered(shop, {"id": order_id}, redeemed=False)

    answer = await shop.meanwhile(shop.place(wait=10, **more), reject)
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "/problems/coupon-rejected"
    assert (answer.json()["order"]["status"], answer.json()["order"]["reason"]) == ("cancelled", "coupon_rejected")
    assert len(asked_for(shop, cart.PutBack)) == 1


async def test_a_cancelled_order_says_that_its_coupon_went_back(shop: Shop) -> None:
    order = await answered(shop, await placed(shop), redeemed=True)
    await shop.post(f"/orders/{order['id']}/cancel")
    assert (await shop.order(order["id"]))["coupon"] == {"code": "TEN", "status": "returned"}
    assert asked_for(shop, cart.ReturnCoupon) == [cart.ReturnCoupon(order_id=order["id"])]


@pytest.mark.parametrize("path", ["/cart/quote", "/orders"])
async def test_what_stands_against_a_coupon_is_passed_on(shop: Shop, path: str) -> None:
    shop.neighbours.fill(f"user:{shop.amina}", refusal=USED_UP)
    answer = await (shop.place() if path == "/orders" else shop.post(path))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/coupon-used-up")
    assert answer.json()["detail"] == USED_UP["detail"]


async def test_a_cart_that_was_ordered_with_its_last_use_is_answered_with_that_order(shop: Shop) -> None:
    """Two tabs: the second finds the coupon used up, by the first."""
    order = await placed(shop)
    shop.neighbours.carts[f"user:{shop.amina}"] |= {"coupon": None, "refusal": USED_UP}
    again = await shop.place(expected_total={"amount": REDUCED, "currency": KES})
    assert (again.status_code, again.json()["id"]) == (200, order["id"])


async def test_a_coupon_may_be_named_with_the_order(shop: Shop) -> None:
    shop.neighbours.fill(f"user:{shop.amina}")
    await shop.place(coupon="ten")
    assert shop.neighbours.coupons_asked == ["TEN"]


async def test_units_are_refunded_for_what_was_paid_for_them(shop: Shop) -> None:
    order = await shop.confirmed()
    staff = shop.staff("orders:read", "payments:write", "payments:read")
    body = {"lines": [{"sku": "KET-1", "quantity": 1}]}
    made = await shop.post(f"/orders/{order['id']}/refunds", body, staff)
    assert (made.status_code, made.json()["amount"]["amount"]) == (201, "2499.00")
    assert made.json()["lines"] == body["lines"]
    too_many = await shop.post(f"/orders/{order['id']}/refunds", {"lines": [{"sku": "KET-1", "quantity": 2}]}, staff)
    assert too_many.json()["type"] == "/problems/refund-too-large"
    both = {**body, "amount": {"amount": "1.00", "currency": KES}}
    assert (await shop.post(f"/orders/{order['id']}/refunds", both, staff)).status_code == 422
