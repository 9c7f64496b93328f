"""Ways to pay that need somebody to act, through the one door of a whole shop."""

from typing import Any
from urllib.parse import urlsplit

from chassis.fixtures import until
from chassis.world import new_id
from shopping import OpenShop, Person


async def bought(shop: OpenShop, person: Person, **how: Any) -> Any:
    """An order of one unit; it has to be taken."""
    await person.add(await shop.product())
    answer = await person.checkout(**how)
    assert answer.status_code in (201, 202), answer.text
    return answer.json()


async def status(person: Person, order_id: str, wanted: str) -> Any:
    async def reached() -> Any:
        order = await person.get(f"/orders/{order_id}")
        return order if order["status"] == wanted else None

    return await until(reached)


async def test_a_payer_approves_on_the_banks_page_and_the_order_is_confirmed(shop: OpenShop) -> None:
    customer = await shop.customer()
    order = await bought(shop, customer, token="tok_3ds")
    assert (order["status"], order["payment_status"]) == ("awaiting_payment", "requires_action")
    action = order["next_action"]
    assert action["type"] == "redirect"

    staff = await shop.staff()
    assert (await staff.get(f"/orders/{order['id']}"))["next_action"] is None, "it is for the payer alone"
    (payment,) = (await customer.get(f"/payments?order_id={order['id']}"))["items"]
    assert (await customer.get(f"/payments/{payment['id']}"))["next_action"] == action

    page = urlsplit(action["url"]).path
    shown = await shop.door.get(page)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    pressed = await shop.door.post(page, data={"decision": "approve"})
    assert pressed.status_code == 303
    assert order["id"] in pressed.headers["location"]

    paid = await status(customer, order["id"], "confirmed")
    assert (paid["payment_status"], paid["next_action"]) == ("captured", None)
    assert await shop.at_rest() == []


async def test_a_payer_who_declines_may_pay_by_another_card(shop: OpenShop) -> None:
    customer = await shop.customer()
    order = await bought(shop, customer, token="tok_3ds")
    await shop.door.post(urlsplit(order["next_action"]["url"]).path, data={"decision": "decline"})

    async def failed() -> Any:
        return (await customer.get(f"/orders/{order['id']}"))["payment_status"] == "failed"

    await until(failed)
    body = {"order_id": order["id"], "method": "card", "token": "tok_success"}
    headers = {"Idempotency-Key": new_id(), "Prefer": "wait=10"}
    paid = await customer.call("POST", "/payments", body, headers)
    assert (paid.status_code, paid.json()["status"]) == (200, "captured"), paid.text
    again = await customer.call("POST", "/payments", body, headers)
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (paid.json()["id"], "true")
    assert (await customer.get(f"/orders/{order['id']}"))["status"] == "confirmed"
    assert await shop.at_rest() == []


async def test_cash_is_marked_paid_by_staff_through_the_order(shop: OpenShop) -> None:
    customer, staff = await shop.customer(), await shop.staff()
    order = await bought(shop, customer, payment={"method": "cash_on_delivery"})
    assert (order["status"], order["payment_status"]) == ("confirmed", "authorised")
    path = f"/payments/{order['payment']['id']}"
    marked = await staff.call("POST", f"{path}/mark-paid", {"reference": "R-17"}, {"Prefer": "wait=10"})
    assert (marked.status_code, marked.json()["status"]) == (200, "captured"), marked.text
    assert marked.json()["receipt"] == "R-17"

    async def collected() -> Any:
        return (await customer.get(f"/orders/{order['id']}"))["payment_status"] == "captured"

    await until(collected)
    assert (await customer.call("POST", f"{path}/mark-paid", {"reference": "R"})).status_code == 403
    assert await shop.at_rest() == []


async def test_the_ledgers_of_a_busy_hour_agree(shop: OpenShop) -> None:
    customer, staff = await shop.customer(), await shop.staff()
    for token in ("tok_success", "tok_declined", "tok_duplicate"):
        await bought(shop, customer, token=token) if token != "tok_declined" else await customer.checkout(token)
    assert await shop.at_rest() == []
    (found,) = (await staff.get("/payments/reconciliation"))["providers"]
    assert found["matched"] >= 2
    assert (found["only_here"], found["only_at_provider"], found["different"]) == ([], [], [])
    assert (await customer.call("GET", "/payments/reconciliation")).status_code == 403
