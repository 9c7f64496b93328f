"""Operators look into the whole shop at once: why an order is where it is, what was given up, what runs by itself."""

from typing import Any

import pytest
from chassis.fixtures import until
from shopping import OpenShop

BREAK = """
create or replace function broken() returns trigger language plpgsql as $$
begin if new.stream = 'order-{order}' then raise 'the table is broken' using errcode = 'data_exception'; end if;
return new; end $$;
create or replace trigger broken before insert on events for each row execute function broken()
"""
MEND = "drop trigger broken on events"


async def hurry(shop: OpenShop) -> None:
    """What waits for its next try is tried now."""
    await shop.shop.services["order"].database.pool.execute("update inbox set due_at = now() where parked_at is null")


async def test_a_confirmed_order_is_explained_by_its_number_through_all_services(shop: OpenShop) -> None:
    customer, staff, sku = await shop.customer(), await shop.staff(), await shop.product()
    await customer.add(sku, 2)
    order = (await customer.checkout()).json()
    await shop.quiet()
    told = await staff.get(f"/ops/orders/{order['number']}/explain")
    assert (told["id"], told["status"], told["payment_status"]) == (order["id"], "confirmed", "captured")
    assert told["says"][0] == f"Order {order['number']} is confirmed, its payment captured."
    assert [each["whom"] for each in told["awaited"]] == ["the staff"]
    assert (told["held_by"], told["missing"]) == ([], [])
    story = [(each["service"], each["kind"], each["name"]) for each in told["story"]]
    assert {service for service, _, _ in story} >= {"cart", "order", "inventory", "payment", "notification"}
    assert story.index(("order", "event", "placed.v1")) < story.index(("order", "event", "confirmed.v1"))
    past = [each["at"] for each in told["story"] if each["kind"] != "timer"]
    assert past == sorted(past)
    assert (await staff.get(f"/ops/orders/{order['id']}/explain"))["story"] == told["story"]
    for secret in ("tok_success", "Market St", "+254700000001"):
        assert secret not in str(told)


async def test_an_order_that_a_parked_message_holds_says_so_until_it_is_replayed(shop: OpenShop) -> None:
    customer, staff, admin, sku = await shop.customer(), await shop.staff(), await shop.admin(), await shop.product()
    await customer.add(sku)
    pool = shop.shop.services["order"].database.pool
    order = (await customer.checkout("tok_slow", wait=0)).json()
    await pool.execute(BREAK.format(order=order["id"]))

    async def held() -> Any:
        await hurry(shop)
        told = await staff.get(f"/ops/orders/{order['id']}/explain")
        return told if told["held_by"] else None

    try:
        told = await until(held)
    finally:
        await pool.execute(MEND)
    letter = told["held_by"][0]
    assert letter["tries"] == 8
    assert any(f"replay or drop {letter['letter']}" in each for each in told["says"])
    listed = await admin.get("/ops/dead-letters?service=order")
    assert [each["id"] for each in listed["items"]] == [letter["letter"]]
    assert (listed["total"], listed["missing"]) == (1, [])
    assert (await admin.get("/ops/dead-letters?service=cart"))["total"] == 0
    assert (await admin.call("POST", f"/ops/dead-letters/{letter['letter']}/replay")).status_code == 204

    async def goes_on() -> bool:
        told = await staff.get(f"/ops/orders/{order['id']}/explain")
        return (told["status"], told["held_by"]) == ("confirmed", [])

    await until(goes_on)


async def test_the_jobs_of_all_services_are_listed_switched_and_run(shop: OpenShop) -> None:
    admin = await shop.admin()
    jobs = await admin.get("/ops/jobs?page_size=100")
    assert {each["name"] for each in jobs["items"]} >= {"order.sweep", "cart.sweep", "identity.sweep"}
    assert jobs["total"] == len(jobs["items"])
    assert (await admin.get("/ops/jobs?page_size=1"))["next"] == "/api/v1/ops/jobs?page=2&page_size=1"
    off = await admin.call("PATCH", "/ops/jobs", {"name": "cart.sweep", "enabled": False})
    assert (off.status_code, off.json()["next_at"]) == (200, None)
    assert [each["name"] for each in (await admin.get("/ops/jobs?enabled=false"))["items"]] == ["cart.sweep"]
    assert (await admin.call("POST", "/ops/jobs/cart.sweep/run")).status_code == 202

    async def ran() -> Any:
        (job,) = [each for each in (await admin.get("/ops/jobs?service=cart"))["items"] if each["name"] == "cart.sweep"]
        return job if job["last_finished_at"] != off.json()["last_finished_at"] else None

    job = await until(ran)
    assert job["last_result"].startswith("deleted ")
    assert (job["enabled"], job["next_at"]) == (False, None)
    await admin.call("PATCH", "/ops/jobs", {"name": "cart.sweep", "enabled": True})


@pytest.mark.parametrize(
    ("method", "path", "json", "status"),
    [
        ("GET", "/ops/orders/SO-1/explain", None, 404),
        ("GET", "/ops/orders/0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6/explain", None, 404),
        ("POST", "/ops/dead-letters/order-message-0/replay", None, 404),
        ("DELETE", "/ops/dead-letters/warehouse-message-1", None, 404),
        ("POST", "/ops/jobs/order.dance/run", None, 404),
        ("PATCH", "/ops/jobs", {"name": "sweep", "enabled": True}, 422),
        ("GET", "/ops/dead-letters?service=warehouse", None, 422),
    ],
)
async def test_what_is_not_there_is_not_found(shop: OpenShop, method: str, path: str, json: Any, status: int) -> None:
    answer = await (await shop.admin()).call(method, path, json)
    assert answer.status_code == status, answer.text
