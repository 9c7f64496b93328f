"""Whoever asks what the shop keeps about them is given all of it, and nothing of anybody else's."""

from typing import Any

import asyncpg
from cast import ADDRESS_BOOK
from shopping import OpenShop, Person

WHOSE = ("user_id", "customer_id", "owner", "subject_id")
"""The columns that say whose a row is."""

COLUMNS = """
select table_name, column_name from information_schema.columns
where table_schema = current_schema() and column_name = any($1::text[]) order by 1, 2
"""

TOLD = {
    "identity.addresses": "addresses",
    "identity.audit": "security_events",
    "identity.codes": "codes",
    "identity.consents": "consents",
    "identity.outside_identities": "providers",
    "identity.reset_tokens": "password_resets",
    "identity.sessions": "sessions",
    "catalog.purchases": "purchases",
    "catalog.reviews": "reviews",
    "cart.carts": "carts",
    "cart.redemptions": "coupons",
    "order.orders": "orders",
    "order.shipments": "orders",
    "payment.payments": "payments",
    "notification.notifications": "notifications",
    "notification.preferences": "preferences",
}
"""The list that shows each table's rows; an order's parcels stand in the order."""

ELSEWHERE = {"identity.outside_identities", "identity.consents"}
"""What comes of other sites and applications, of which there are none here."""

NOT_TOLD = {
    "identity.recovery_codes": "secrets, as hashes",
    "identity.second_factors": "a secret: the account says since when there is one",
    "order.erasures": "whose account is erased has nobody left to ask",
    "notification.erasures": "the same",
}


async def kept(shop: OpenShop, user_id: str) -> dict[str, int]:
    """Rows of that person, by service and table."""
    found = dict[str, int]()
    for name, url in shop.urls.items():
        connection = await asyncpg.connect(url)
        try:
            for table, column in await connection.fetch(COLUMNS, list(WHOSE)):
                said = f'select count(*) from "{table}" where "{column}" = any($1::text[])'
                count = await connection.fetchval(said, [user_id, f"user:{user_id}"])
                found[f"{name}.{table}"] = max(found.get(f"{name}.{table}", 0), count)
        finally:
            await connection.close()
    return found


async def bought(shop: OpenShop) -> tuple[Person, dict[str, Any]]:
    """A customer who has left something of theirs everywhere, and what all of it says."""
    staff, customer, sku = await shop.staff(), await shop.customer(), await shop.product()
    me = await customer.get("/users/me")
    for change in ({"first_name": "Zuri"}, {"email": f"new.{me['email']}"}):
        assert (await customer.call("PATCH", "/users/me", change)).status_code == 200
    assert (await customer.call("POST", "/auth/password/reset", {"email": me["email"]})).status_code == 202
    address = (await customer.call("POST", "/users/me/addresses", ADDRESS_BOOK)).json()
    await customer.call("PATCH", "/notifications/preferences", {"abandoned_cart": {"email": True}})
    product = (await customer.get(f"/variants?sku={sku}"))["items"][0]["product_id"]
    review = await customer.call("POST", f"/products/{product}/reviews", {"rating": 4, "title": "It boils"})
    code = f"Z-{sku[-8:]}"
    assert (await staff.call("POST", "/coupons", {"code": code, "percent": 10})).status_code == 201
    await customer.add(sku)
    order = (await customer.checkout(shipping_address=None, address_id=address["id"], coupon=code)).json()
    assert order["status"] == "confirmed", order
    refund = await staff.call("POST", f"/orders/{order['id']}/refunds", {}, {"Idempotency-Key": order["id"]})
    assert refund.status_code == 201, refund.text
    await customer.add(sku, 3)
    await shop.quiet()
    return customer, {"me": me, "address": address, "review": review.json(), "order": order, "refund": refund.json()}


async def test_a_customer_takes_along_all_that_is_kept_about_them(shop: OpenShop) -> None:
    customer, said = await bought(shop)
    answer = await customer.call("GET", "/users/me/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    told = answer.json()
    assert (told["account"]["id"], told["account"]["first_name"]) == (said["me"]["id"], "Zuri")
    assert [each["id"] for each in told["addresses"]] == [said["address"]["id"]]
    assert [(each["id"], each["title"]) for each in told["reviews"]] == [(said["review"]["id"], "It boils")]
    (order,), (payment,), (refund,) = told["orders"], told["payments"], told["refunds"]
    assert (order["id"], order["total"]) == (said["order"]["id"], said["order"]["total"])
    assert order["shipping_address"]["line1"] == ADDRESS_BOOK["line1"]
    assert len(order["items"]) == len(order["shipments"]) == 1
    assert (payment["order_id"], payment["method"], payment["amount"]) == (order["id"], "card", order["total"])
    assert [each["status"] for each in payment["refunds"]] == ["succeeded"]
    assert (refund["id"], refund["amount"]) == (said["refund"]["id"], order["total"])
    assert [(each["status"], [line["quantity"] for line in each["lines"]]) for each in told["carts"]] == [
        ("open", [3]),
        ("ordered", [1]),
    ]
    assert [each["status"] for each in told["coupons"]] == ["redeemed"]
    assert [each["sku"] for each in told["purchases"]] == [order["items"][0]["sku"]]
    assert {"order_confirmed", "order_refunded"} <= {each["kind"] for each in told["notifications"]}
    (preference,) = told["preferences"]
    assert (preference["topic"], preference["channel"], preference["wanted"]) == ("abandoned_cart", "email", True)
    assert told["truncated"] == []


async def test_every_row_that_names_somebody_is_told_to_them(shop: OpenShop) -> None:
    """Whoever makes a table that says whose its rows are shows it here, or says why not."""
    customer, said = await bought(shop)
    told, there = (await customer.call("GET", "/users/me/export")).json(), await kept(shop, said["me"]["id"])
    assert there.keys() == TOLD.keys() | NOT_TOLD.keys()
    shown = {table: len(told[name]) for table, name in TOLD.items()}
    there["identity.audit"] -= 1  # the export itself is noted behind what it shows
    assert shown == {table: there[table] for table in TOLD}
    assert [table for table in TOLD if not there[table] and table not in ELSEWHERE] == []


async def test_nobody_is_given_what_is_anothers(shop: OpenShop) -> None:
    _, said = await bought(shop)
    for stranger in (await shop.customer(), await shop.staff()):
        answer = await stranger.call("GET", "/users/me/export")
        assert answer.status_code == 200
        for thing in said.values():
            assert thing["id"] not in answer.text
        assert said["me"]["email"] not in answer.text
    assert (await shop.guest().call("GET", "/users/me/export")).status_code == 401
