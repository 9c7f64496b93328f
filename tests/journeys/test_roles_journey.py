"""A role that was defined, at the gateway: what it allows counts in every service, and a change of it within 5 s."""

import asyncio

from cast import account, defined
from chassis.fixtures import until
from shopping import OpenShop
from soko.seeding import demo_password

WITHIN = 5.0
READS = {
    "/inventory": "inventory:read",
    "/refunds": "payments:read",
    "/discounts": "catalog:write",
    "/audit": "audit:read",
}
"""One of each of some services."""


async def test_what_a_role_allows_no_more_is_refused_everywhere_within_five_seconds(shop: OpenShop) -> None:
    role = await defined(shop, READS.values())
    person, admin = await account(shop, role), await shop.admin()
    for path in READS:
        assert (await person.call("GET", path)).status_code == 200, path
    changed = await admin.call("PATCH", f"/roles/{role}", {"rights": ["payments:read"]})
    assert changed.status_code == 200, changed.text
    begun = asyncio.get_running_loop().time()

    async def refused() -> bool:
        return all([(await person.call("GET", path)).status_code == 401 for path in READS])

    await until(refused, WITHIN)
    assert asyncio.get_running_loop().time() - begun < WITHIN


async def test_the_session_goes_on_with_what_the_role_allows_now(shop: OpenShop) -> None:
    role = await defined(shop, ["inventory:read"])
    email = (await (await account(shop, role)).get("/users/me"))["email"]
    body = {"email": email, "password": demo_password()}
    tokens = (await shop.door.post("/api/v1/auth/login", json=body)).json()
    assert (
        await (await shop.admin()).call("PATCH", f"/roles/{role}", {"rights": ["payments:read"]})
    ).status_code == 200
    again = {"refresh_token": tokens["refresh_token"]}
    fresh = (await shop.door.post("/api/v1/auth/refresh", json=again)).json()
    assert (tokens["scope"], fresh["scope"]) == ("inventory:read", "payments:read")
    person = shop.guest()
    person.headers["Authorization"] = f"Bearer {fresh['access_token']}"
    assert (await person.call("GET", "/inventory")).status_code == 403
    assert (await person.call("GET", "/refunds")).status_code == 200
