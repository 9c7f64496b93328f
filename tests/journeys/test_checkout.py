"""What a shop is for, and the races where shops break: through the gateway, on real databases."""

import asyncio
from collections import Counter
from typing import Any

from chassis.fixtures import until
from shopping import OpenShop, Person


async def status(person: Person, order_id: str, *wanted: str) -> Any:
    """The order, once its status is one of these."""

    async def reached() -> Any:
        order = await person.get(f"/orders/{order_id}")
        return order if order["status"] in wanted else None

    return await until(reached)


async def test_a_purchase_word_for_word(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product(stock=20)
    cart = await customer.add(sku, 2)
    assert cart["total"] == {"amount": "4998.00", "currency": "KES"}
    answer = await customer.checkout()
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert (order["status"], order["payment_status"]) == ("confirmed", "captured")
    assert order["number"].startswith("SO-")
    assert answer.headers["location"].endswith(order["id"])
    timeline = await customer.get(f"/orders/{order['id']}/timeline")
    assert timeline["items"]
    assert await shop.at_rest() == []
    assert await shop.stock(sku) == (18, 0)


async def test_two_hundred_purchases_in_a_row(shop: OpenShop) -> None:
    customer = await shop.customer()
    statuses = Counter[tuple[int, str]]()
    for _ in range(200):
        sku = await shop.product(stock=20)
        await customer.add(sku)
        answer = await customer.checkout()
        statuses[answer.status_code, answer.json().get("status")] += 1
    assert statuses == {(201, "confirmed"): 200}
    assert await shop.at_rest() == []


async def test_a_hundred_customers_at_once_for_twenty_units(shop: OpenShop) -> None:
    sku = await shop.product(stock=20)
    guests = [shop.guest() for _ in range(100)]

    async def buy(guest: Person) -> int:
        await guest.add(sku)
        answer = await guest.checkout(email="guest@soko.example", wait=20)
        if answer.status_code == 409:
            assert answer.json()["type"] == "/problems/out-of-stock"
            assert answer.json()["shortages"] == [{"sku": sku, "requested": 1, "available": 0}]
        return answer.status_code

    assert Counter(await asyncio.gather(*map(buy, guests))) == {201: 20, 409: 80}
    assert await shop.at_rest() == []
    assert await shop.stock(sku) == (0, 0)


async def test_one_cart_checked_out_ten_times_at_once_is_one_order(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    answers = await asyncio.gather(*(customer.checkout(key=f"key-{n}") for n in range(10)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await customer.get("/orders"))["total"] == 1
    assert await shop.at_rest() == []
    assert await shop.stock(sku) == (19, 0)


async def test_one_key_sent_ten_times_at_once_is_one_order(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    answers = await asyncio.gather(*(customer.checkout(key="the-key") for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = await customer.checkout(key="the-key")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert (await customer.get("/orders"))["total"] == 1
    other = await customer.checkout(key="the-key", token="tok_declined")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_a_declined_card_leaves_the_order_open_for_a_second_card(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    declined = await customer.checkout("tok_declined")
    assert declined.status_code == 402, declined.text
    assert declined.json()["type"] == "/problems/payment-failed"
    order = declined.json()["order"]
    assert (order["status"], order["payment_status"]) == ("awaiting_payment", "failed")
    assert await shop.stock(sku) == (20, 1)
    paid = await customer.pay(order["id"])
    assert (paid.status_code, paid.json()["status"]) == (200, "confirmed")
    assert await shop.at_rest() == []


async def test_the_fifth_failure_cancels_and_gives_everything_back(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku, 3)
    order = (await customer.checkout("tok_declined")).json()["order"]
    for _ in range(4):
        answer = await customer.pay(order["id"], "tok_insufficient_funds")
        assert answer.status_code == 402, answer.text
    cancelled = await status(customer, order["id"], "cancelled")
    assert cancelled["reason"] == "payment_failed"
    assert await shop.at_rest() == []
    assert await shop.stock(sku) == (20, 0)
    (line,) = (await customer.get("/cart"))["items"]
    assert (line["sku"], line["quantity"]) == (sku, 3)


async def test_an_order_left_unpaid_is_cancelled_at_its_deadline(impatient_shop: OpenShop) -> None:
    shop = impatient_shop
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku, 2)
    order = (await customer.checkout("tok_declined")).json()["order"]
    cancelled = await status(customer, order["id"], "cancelled")
    assert cancelled["reason"] == "payment_timeout"
    assert await shop.at_rest() == []
    assert await shop.stock(sku) == (20, 0)
    assert [line["quantity"] for line in (await customer.get("/cart"))["items"]] == [2]
    late = await customer.pay(order["id"])
    assert late.status_code == 409


async def test_money_that_comes_after_the_cancel_is_given_back(impatient_shop: OpenShop) -> None:
    shop = impatient_shop
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    answer = await customer.checkout("tok_late", wait=0)
    assert answer.status_code == 202
    order = await status(customer, answer.json()["id"], "cancelled")
    assert order["reason"] == "payment_timeout"

    async def answered() -> bool:
        return not await shop.charges("select 1 from charges where answers_at is not null")

    await until(answered)
    assert await shop.at_rest() == []
    assert await shop.stock(sku) == (20, 0)


async def test_a_payment_answered_twice_and_out_of_order_counts_once(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    answer = await customer.checkout("tok_duplicate")
    assert (answer.status_code, answer.json()["payment_status"]) == (201, "captured")
    assert await shop.at_rest() == []


async def test_a_slow_payment_answers_202_and_then_confirms(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    answer = await customer.checkout("tok_slow", wait=1)
    assert answer.status_code == 202
    await status(customer, answer.json()["id"], "confirmed")
    assert await shop.at_rest() == []


async def test_cash_on_delivery_is_confirmed_by_the_promise(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    answer = await customer.checkout(payment={"method": "cash_on_delivery"})
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert (order["status"], order["payment_status"]) == ("confirmed", "authorised")
    assert await shop.at_rest() == []


async def test_a_cancelled_order_gives_money_units_and_nothing_else_back(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    order = (await customer.checkout()).json()
    answer = await customer.call("POST", f"/orders/{order['id']}/cancel", {"reason": "changed my mind"})
    assert answer.status_code in (200, 202), answer.text
    await status(customer, order["id"], "cancelled")

    async def refunded() -> bool:
        return bool((await customer.get(f"/orders/{order['id']}"))["payment_status"] == "refunded")

    await until(refunded)
    assert await shop.at_rest() == []
    assert await shop.stock(sku) == (20, 0)


async def test_a_cancel_racing_the_payment_two_hundred_times(shop: OpenShop) -> None:
    sku = await shop.product(stock=1000)
    ends = Counter[str]()

    async def race(n: int) -> None:
        guest = shop.guest()
        await guest.add(sku)
        placed = await guest.checkout(email="guest@soko.example", wait=0)
        assert placed.status_code in (201, 202), placed.text
        order_id = placed.json()["id"]
        await asyncio.sleep((n % 40) / 1000)  # the race itself: every moment of the payment is hit
        await guest.call("POST", f"/orders/{order_id}/cancel", {})
        order = await status(guest, order_id, "cancelled", "confirmed")
        ends[order["status"]] += 1

    for start in range(0, 200, 10):
        await asyncio.gather(*(race(n) for n in range(start, start + 10)))
    assert set(ends) <= {"cancelled", "confirmed"}
    assert ends.total() == 200
    assert await shop.at_rest() == []


async def test_a_changed_price_is_refused_by_the_expected_total(shop: OpenShop) -> None:
    customer, sku = await shop.customer(), await shop.product()
    await customer.add(sku)
    answer = await customer.checkout(expected_total={"amount": "1.00", "currency": "KES"})
    assert answer.status_code == 409, answer.text
    assert (await customer.get("/orders"))["total"] == 0
    assert (await customer.checkout()).status_code == 201


async def test_a_guest_sees_their_order_by_the_cart_token_and_nobody_else_does(shop: OpenShop) -> None:
    guest, sku = shop.guest(), await shop.product()
    await guest.add(sku)
    order = (await guest.checkout(email="guest@soko.example")).json()
    assert (await guest.get(f"/orders/{order['id']}"))["id"] == order["id"]
    for other in (shop.guest(), await shop.customer()):
        assert (await other.call("GET", f"/orders/{order['id']}")).status_code in (401, 404)
