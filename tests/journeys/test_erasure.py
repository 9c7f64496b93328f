"""Whoever closes their account is found nowhere any more: in no table of any service, in no mail."""

import asyncpg
from notification import erasure
from notification.settings import Settings
from order.erasing import forget_erased
from shopping import OpenShop, Person, files
from soko.services import CARDSIM

NAME, STREET, PHONE, EMAIL = "Zawadi Erasable", "77 Vanishing Lane", "+254711223344", "zawadi.erasable@soko.example"
TRACES = ("Zawadi", "Erasable", "Vanishing", "711223344", "711 223 344")
ADDRESS = {"name": NAME, "phone": PHONE, "line1": STREET, "city": "Nairobi", "country": "KE"}
PASSWORD = "a long sentence of hers"

COLUMNS = """
select table_name, column_name from information_schema.columns
where table_schema = current_schema() and data_type in ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY')
"""


async def traces(shop: OpenShop) -> list[str]:
    """Where any of it can still be read: columns of all databases, and mails."""
    found = []
    for name, url in shop.urls.items():
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("set bytea_output = 'escape'")  # letters and digits stand there as they are
            for table, column in await connection.fetch(COLUMNS):
                said = f'select count(*) from "{table}" where "{column}"::text ilike any($1::text[])'
                if count := await connection.fetchval(said, [f"%{trace}%" for trace in TRACES]):
                    found.append(f"{name}.{table}.{column}: {count}")
        finally:
            await connection.close()
    home = shop.shop.services["notification"].settings.soko_home
    found += [
        file.name for file in files(str(home)) if any(trace.lower() in file.read_text().lower() for trace in TRACES)
    ]
    return found


async def test_an_erased_customer_is_found_in_no_column_and_in_no_mail(shop: OpenShop) -> None:
    assert CARDSIM in shop.urls
    sku, admin = await shop.product(), await shop.admin()
    account = {"email": EMAIL, "phone": PHONE, "first_name": "Zawadi", "last_name": "Erasable", "password": PASSWORD}
    made = (await admin.call("POST", "/users", account)).json()
    zawadi = await shop.login(EMAIL, PASSWORD)
    address = (await zawadi.call("POST", "/users/me/addresses", ADDRESS)).json()
    product = (await zawadi.get(f"/variants?sku={sku}"))["items"][0]["product_id"]
    review = {"rating": 5, "title": f"{NAME} likes it", "body": f"It stands at {STREET}."}
    assert (await zawadi.call("POST", f"/products/{product}/reviews", review)).status_code == 201
    await zawadi.add(sku)
    placed = await zawadi.checkout(shipping_address=None, address_id=address["id"])
    order = placed.json()
    assert order["status"] == "confirmed", placed.text
    await zawadi.add(sku)
    await zawadi.checkout("tok_declined", shipping_address=ADDRESS)
    unpaid = (await zawadi.get("/orders?status=awaiting_payment"))["items"][0]
    cancelled = await zawadi.call("POST", f"/orders/{unpaid['id']}/cancel", {"reason": f"{NAME} moved"})
    assert cancelled.status_code == 200, cancelled.text
    wanted = await zawadi.call("PATCH", "/users/me", {"email": f"new.{EMAIL}"})
    assert wanted.json()["pending_email"] == f"new.{EMAIL}", wanted.text
    assert (await zawadi.call("POST", "/auth/password/reset", {"email": EMAIL})).status_code == 202
    await shop.quiet()
    await _bounced(shop, zawadi)
    there = await traces(shop)
    assert len(there) > 5
    planted = {
        "identity.users.pending_email: 1",
        "identity.reset_tokens.address: 1",
        "notification.notifications.delivery_reason: 1",
    }
    assert planted <= set(there)

    gone = await zawadi.call("DELETE", "/users/me", {"password": PASSWORD})
    assert gone.status_code == 204, gone.text
    staff = await shop.staff()
    (shipment,) = (await staff.get(f"/orders/{order['id']}"))["shipments"]
    for status in ("packed", "in_transit", "delivered"):
        step = {"status": status} | ({"carrier": "Own", "tracking_number": "T-1"} if status == "in_transit" else {})
        moved = await staff.call("PATCH", f"/shipments/{shipment['id']}", step)
        assert moved.status_code == 200, moved.text
    await shop.quiet()
    await forget_erased(shop.shop.services["order"])
    await erasure.forget_erased(shop.shop.services["notification"])
    assert await shop.at_rest() == []

    assert await traces(shop) == []
    shown = await staff.get(f"/orders/{order['id']}")
    assert (shown["status"], shown["total"]) == ("delivered", order["total"])
    assert "erased" in str(shown)
    assert (await admin.get(f"/users/{made['id']}"))["first_name"] == "erased"


async def _bounced(shop: OpenShop, owner: Person) -> None:
    """A mail provider reports that the mail of the confirmed order came back, and names its reader."""
    settings = shop.shop.services["notification"].settings
    assert isinstance(settings, Settings)
    (mail,) = (await owner.get("/notifications?kind=order_confirmed"))["items"]
    report = {"message_id": f"<{mail['id']}@soko.example>", "status": "bounced", "reason": f"{NAME} is not here"}
    path = f"/api/v1/notifications/reports/mail/{settings.delivery_reports_secret.get_secret_value()}"
    answer = await shop.door.post(path, json=report)
    assert answer.status_code == 200, answer.text
