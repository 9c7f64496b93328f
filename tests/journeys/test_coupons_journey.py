"""Coupons in a whole shop: customers who want the same last use at once, and what the oracle says of it."""

import asyncio
from typing import Any

from chassis.world import new_id
from shopping import OpenShop, Person

KES = "KES"


async def coupon(shop: OpenShop, **terms: Any) -> str:
    code = f"C-{new_id()[-12:]}".upper()
    made = await (await shop.staff()).call("POST", "/coupons", {"code": code, **terms})
    assert made.status_code == 201, made.text
    return code


async def guests(shop: OpenShop, sku: str, number: int) -> list[Person]:
    people = [shop.guest() for _ in range(number)]
    for guest in people:
        await guest.add(sku)
    return people


async def test_of_a_hundred_checkouts_at_once_one_gets_the_last_use(shop: OpenShop) -> None:
    """Half of them need it, half would only like to have it: one order is cheaper, half of the others are not there."""
    sku, code = await shop.product(stock=200, price="1000.00"), await coupon(shop, percent=10, max_uses=1)
    people = await guests(shop, sku, 100)
    answers = await asyncio.gather(
        *(
            guest.checkout(email="guest@soko.example", coupon=code, coupon_required=n % 2 == 0, wait=20)
            for n, guest in enumerate(people)
        )
    )
    orders = [answer.json().get("order", answer.json()) for answer in answers if answer.status_code != 409]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert await shop.at_rest() == []
    reduced = [order for order in orders if order["discount"]["amount"] != "0.00"]
    assert len(reduced) == 1, [order["coupon"] for order in orders]
    assert reduced[0]["total"] == {"amount": "1150.00", "currency": KES}
    assert {order["total"]["amount"] for order in orders if order is not reduced[0]} <= {"1250.00"}
    assert {each["type"] for each in refused} <= {"/problems/coupon-rejected", "/problems/coupon-used-up"}
    assert (await (await shop.staff()).get(f"/coupons/{code}"))["used"] == 1


async def test_a_cancelled_order_gives_its_use_to_the_next(shop: OpenShop) -> None:
    sku, code = await shop.product(price="1000.00"), await coupon(shop, percent=50, max_uses=1)
    first, second = await shop.customer(), await shop.customer()
    for person in (first, second):
        await person.add(sku)
    order = (await first.checkout(coupon=code)).json()
    assert (order["status"], order["coupon"]) == ("confirmed", {"code": code, "status": "redeemed"})
    late = await second.call("PUT", "/cart/coupon", {"code": code})
    assert late.json()["type"] == "/problems/coupon-used-up"
    cancelled = await first.call("POST", f"/orders/{order['id']}/cancel", {})
    assert cancelled.status_code in (200, 202)
    await shop.quiet()
    assert (await second.call("PUT", "/cart/coupon", {"code": code})).status_code == 200
    quoted = (await second.call("POST", "/cart/quote", {"shipping_method": "standard"})).json()
    bought = (await second.checkout(expected_total=quoted["total"])).json()
    assert (bought["status"], bought["total"]) == ("confirmed", quoted["total"])
    assert await shop.at_rest() == []


async def test_an_order_that_was_given_up_leaves_its_coupon_in_the_cart(shop: OpenShop) -> None:
    sku, code = await shop.product(price="1000.00"), await coupon(shop, percent=50, max_uses=1)
    customer = await shop.customer()
    await customer.add(sku)
    assert (await customer.call("PUT", "/cart/coupon", {"code": code})).status_code == 200
    order = (await customer.checkout("tok_declined")).json()["order"]
    assert (order["status"], order["coupon"]["status"]) == ("awaiting_payment", "redeemed")
    assert (await customer.get("/cart"))["coupon"] is None
    assert (await customer.call("POST", f"/orders/{order['id']}/cancel", {})).json()["status"] == "cancelled"
    await shop.quiet()
    assert (await customer.get("/cart"))["coupon"] == {"code": code, "problem": None, "detail": None}
    again = (await customer.checkout()).json()
    assert (again["status"], again["total"]) == ("confirmed", order["total"])
    assert await shop.at_rest() == []


async def test_what_goes_back_by_lines_is_what_was_paid(shop: OpenShop) -> None:
    """Three lines that cannot be shared evenly, picked up: their units bring back the total, to the last cent."""
    skus = [await shop.product(price=price) for price in ("333.33", "333.34", "0.07")]
    code = await coupon(shop, amount={"amount": "100.00", "currency": KES})
    customer, staff = await shop.customer(), await shop.staff()
    for sku in skus:
        await customer.add(sku, 3)
    order = (await customer.checkout(coupon=code, shipping_method="pickup")).json()
    assert order["total"]["amount"] == "1900.22"
    back = list[int]()
    for sku, quantity in ((sku, quantity) for sku in skus for quantity in (1, 2)):
        body = {"lines": [{"sku": sku, "quantity": quantity}]}
        made = await staff.call("POST", f"/orders/{order['id']}/refunds", body, {"Idempotency-Key": new_id()})
        assert made.status_code == 201, made.text
        back.append(int(made.json()["amount"]["amount"].replace(".", "")))
    assert sum(back) == 190022
    assert await shop.at_rest() == []
    assert (await customer.get(f"/orders/{order['id']}"))["payment_status"] == "refunded"
