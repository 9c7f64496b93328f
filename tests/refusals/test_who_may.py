"""Who may use which route: the one table. What is not listed is refused, and a route that is not here is a fault."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from cast import Cast, account, defined, service_headers
from chassis.http import Keys, Peers
from chassis.http.problems import MEDIA_TYPE
from chassis.world import new_id, utc_now
from gateway.documents import Documents
from gateway.health import Health
from gateway.pages import Pages
from gateway.settings import Settings
from shopping import Person
from surface import UNGUARDED, Endpoint, endpoints, public

ROLES = ("nobody", "guest", "customer", "owner", "staff", "clerk", "admin")
"""A clerk has a role that was defined here, with the rights of staff: rights count, not what a role is called."""
REFUSED = (401, 403, 404)

EVERYBODY = ROLES
HOLDERS = ("guest", "customer", "owner", "staff", "clerk", "admin")
"""Who says who they are: by logging in, or with a cart token."""
SIGNED_IN = ("customer", "owner", "staff", "clerk", "admin")
STAFF = ("staff", "clerk", "admin")
ADMIN = ("admin",)
OWNER = ("owner",)
OWNER_OR_STAFF = ("owner", "staff", "clerk", "admin")
NOBODY_HERE = ()
"""Providers alone: they sign what they send."""

NARROW = {"catalog:write", "orders:fulfil", "users:read", "payments:write"}

ALLOWED = {
    # identity
    "POST /api/v1/auth/login": EVERYBODY,
    "POST /api/v1/auth/register": EVERYBODY,
    "POST /api/v1/auth/resend-code": EVERYBODY,
    "POST /api/v1/auth/verify": EVERYBODY,
    "POST /api/v1/auth/password/change": SIGNED_IN,
    "POST /api/v1/auth/password/reset": EVERYBODY,
    "POST /api/v1/auth/password/reset/confirm": EVERYBODY,
    "POST /api/v1/auth/refresh": EVERYBODY,
    "POST /api/v1/auth/logout": EVERYBODY,
    "POST /api/v1/auth/token/verify": EVERYBODY,
    # Where no provider is configured nobody can log in with one.
    "GET /api/v1/auth/providers": EVERYBODY,
    "GET /api/v1/auth/providers/{provider}/login": NOBODY_HERE,
    "GET /api/v1/auth/providers/{provider}/callback": NOBODY_HERE,
    "GET /api/v1/users/me/providers": SIGNED_IN,
    "DELETE /api/v1/users/me/providers/{provider}": NOBODY_HERE,
    "GET /api/v1/users/me": SIGNED_IN,
    "PATCH /api/v1/users/me": SIGNED_IN,
    "PUT /api/v1/users/me": SIGNED_IN,
    "DELETE /api/v1/users/me": SIGNED_IN,
    "GET /api/v1/users/me/mfa": SIGNED_IN,
    "POST /api/v1/users/me/mfa": SIGNED_IN,
    "POST /api/v1/users/me/mfa/confirm": SIGNED_IN,
    "POST /api/v1/users/me/mfa/recovery-codes": SIGNED_IN,
    "DELETE /api/v1/users/me/mfa": SIGNED_IN,
    "GET /api/v1/users/me/export": SIGNED_IN,
    "GET /api/v1/users/me/sessions": SIGNED_IN,
    "DELETE /api/v1/users/me/sessions": SIGNED_IN,
    "DELETE /api/v1/users/me/sessions/{session_id}": OWNER,
    "GET /api/v1/users/me/addresses": SIGNED_IN,
    "POST /api/v1/users/me/addresses": SIGNED_IN,
    "GET /api/v1/users/me/addresses/{address_id}": OWNER,
    "PATCH /api/v1/users/me/addresses/{address_id}": OWNER,
    "DELETE /api/v1/users/me/addresses/{address_id}": OWNER,
    "GET /api/v1/users": STAFF,
    "POST /api/v1/users": ADMIN,
    "GET /api/v1/users/{user_id}": STAFF,
    "PATCH /api/v1/users/{user_id}": ADMIN,
    "DELETE /api/v1/users/{user_id}/mfa": ADMIN,
    "GET /api/v1/rights": STAFF,
    "GET /api/v1/roles": STAFF,
    "POST /api/v1/roles": ADMIN,
    "GET /api/v1/roles/{role}": STAFF,
    "PATCH /api/v1/roles/{role}": ADMIN,
    "DELETE /api/v1/roles/{role}": ADMIN,
    "GET /api/v1/audit": ADMIN,
    "GET /.well-known/jwks.json": EVERYBODY,
    "GET /.well-known/openid-configuration": EVERYBODY,
    "GET /api/v1/clients": ADMIN,
    "POST /api/v1/clients": ADMIN,
    "GET /api/v1/clients/{client_id}": ADMIN,
    "DELETE /api/v1/clients/{client_id}": ADMIN,
    "GET /api/v1/users/me/consents": SIGNED_IN,
    "DELETE /api/v1/users/me/consents/{client_id}": OWNER,
    # catalog
    "GET /api/v1/products": EVERYBODY,
    "GET /api/v1/products/featured": EVERYBODY,
    "GET /api/v1/products/suggest": EVERYBODY,
    "GET /api/v1/products/{key}": EVERYBODY,
    "POST /api/v1/products": STAFF,
    "PUT /api/v1/products/{key}": STAFF,
    "PATCH /api/v1/products/{key}": STAFF,
    "DELETE /api/v1/products/{key}": STAFF,
    "GET /api/v1/products/{key}/variants": EVERYBODY,
    "POST /api/v1/products/{key}/variants": STAFF,
    "GET /api/v1/variants": EVERYBODY,
    "GET /api/v1/variants/{variant_id}": EVERYBODY,
    "PATCH /api/v1/variants/{variant_id}": STAFF,
    "DELETE /api/v1/variants/{variant_id}": STAFF,
    "POST /api/v1/products/bulk": STAFF,
    "GET /api/v1/imports/{import_id}": STAFF,
    "GET /api/v1/products.csv": STAFF,
    "GET /api/v1/discounts": STAFF,
    "POST /api/v1/discounts": STAFF,
    "GET /api/v1/discounts/{discount_id}": STAFF,
    "PATCH /api/v1/discounts/{discount_id}": STAFF,
    "DELETE /api/v1/discounts/{discount_id}": STAFF,
    "GET /api/v1/products/{key}/reviews": EVERYBODY,
    "POST /api/v1/products/{key}/reviews": SIGNED_IN,
    "GET /api/v1/reviews": EVERYBODY,
    "GET /api/v1/reviews/{review_id}": EVERYBODY,
    "PATCH /api/v1/reviews/{review_id}": OWNER_OR_STAFF,
    "DELETE /api/v1/reviews/{review_id}": OWNER_OR_STAFF,
    "GET /api/v1/products/{key}/images": EVERYBODY,
    "POST /api/v1/products/{key}/images": STAFF,
    "GET /api/v1/images/{image_id}": EVERYBODY,
    "GET /api/v1/images/{picture}/{size}.webp": EVERYBODY,
    "PATCH /api/v1/images/{image_id}": STAFF,
    "DELETE /api/v1/images/{image_id}": STAFF,
    "GET /api/v1/categories": EVERYBODY,
    "GET /api/v1/categories/tree": EVERYBODY,
    "GET /api/v1/categories/{key}": EVERYBODY,
    "GET /api/v1/categories/{key}/average-price": EVERYBODY,
    "POST /api/v1/categories": STAFF,
    "PUT /api/v1/categories/{key}": STAFF,
    "PATCH /api/v1/categories/{key}": STAFF,
    "DELETE /api/v1/categories/{key}": STAFF,
    # cart: whoever asks has one of their own
    "GET /api/v1/cart": EVERYBODY,
    "DELETE /api/v1/cart": EVERYBODY,
    "POST /api/v1/cart/items": EVERYBODY,
    "PATCH /api/v1/cart/items/{item_id}": OWNER,
    "DELETE /api/v1/cart/items/{item_id}": OWNER,
    "POST /api/v1/cart/merge": SIGNED_IN,
    "POST /api/v1/cart/quote": EVERYBODY,
    "GET /api/v1/carts": HOLDERS,
    "PUT /api/v1/cart/coupon": EVERYBODY,
    "DELETE /api/v1/cart/coupon": EVERYBODY,
    "GET /api/v1/coupons": STAFF,
    "POST /api/v1/coupons": STAFF,
    "GET /api/v1/coupons/{coupon_id}": STAFF,
    "PATCH /api/v1/coupons/{coupon_id}": STAFF,
    "DELETE /api/v1/coupons/{coupon_id}": STAFF,
    # inventory
    "GET /api/v1/inventory": STAFF,
    "GET /api/v1/inventory/low-stock": STAFF,
    "GET /api/v1/inventory/valuation": STAFF,
    "GET /api/v1/inventory/movements.csv": STAFF,
    "GET /api/v1/inventory/locations": STAFF,
    "POST /api/v1/inventory/locations": STAFF,
    "GET /api/v1/inventory/locations/{location_id}": STAFF,
    "PATCH /api/v1/inventory/locations/{location_id}": STAFF,
    "GET /api/v1/inventory/transfers": STAFF,
    "POST /api/v1/inventory/transfers": STAFF,
    "GET /api/v1/inventory/transfers/{transfer_id}": STAFF,
    "POST /api/v1/inventory/transfers/{transfer_id}/receive": STAFF,
    "GET /api/v1/inventory/{sku}": STAFF,
    "PATCH /api/v1/inventory/{sku}": STAFF,
    "POST /api/v1/inventory/{sku}/receipts": STAFF,
    "POST /api/v1/inventory/{sku}/counts": STAFF,
    "POST /api/v1/inventory/{sku}/adjustments": STAFF,
    "GET /api/v1/inventory/{sku}/movements": STAFF,
    # payment
    "GET /api/v1/payments/methods": EVERYBODY,
    "POST /api/v1/payments": OWNER,
    "GET /api/v1/payments": SIGNED_IN,
    "GET /api/v1/payments/{payment_id}": OWNER_OR_STAFF,
    "POST /api/v1/payments/{payment_id}/capture": STAFF,
    "POST /api/v1/payments/{payment_id}/void": STAFF,
    "POST /api/v1/payments/{payment_id}/mark-paid": STAFF,
    "GET /api/v1/payments/reconciliation": STAFF,
    "POST /api/v1/payments/webhooks/{provider}": NOBODY_HERE,
    # order
    "GET /api/v1/shipping-methods": EVERYBODY,
    "POST /api/v1/orders": HOLDERS,
    "GET /api/v1/orders": HOLDERS,
    "GET /api/v1/orders/{order_id}": OWNER_OR_STAFF,
    "PATCH /api/v1/orders/{order_id}": OWNER,
    "POST /api/v1/orders/{order_id}/pay": OWNER,
    "POST /api/v1/orders/{order_id}/cancel": OWNER_OR_STAFF,
    "GET /api/v1/orders/{order_id}/timeline": OWNER_OR_STAFF,
    "GET /api/v1/orders/{order_id}/tracking": OWNER_OR_STAFF,
    "GET /api/v1/orders/{order_id}/shipments": OWNER_OR_STAFF,
    "POST /api/v1/orders/{order_id}/shipments": STAFF,
    "GET /api/v1/shipments": HOLDERS,
    "GET /api/v1/shipments/{shipment_id}": OWNER_OR_STAFF,
    "PATCH /api/v1/shipments/{shipment_id}": STAFF,
    "GET /api/v1/orders/{order_id}/refunds": STAFF,
    "POST /api/v1/orders/{order_id}/refunds": STAFF,
    "POST /api/v1/orders/{order_id}/refunds/{refund_id}/retry": STAFF,
    "GET /api/v1/refunds": STAFF,
    # notification
    "GET /api/v1/notifications/preferences": SIGNED_IN,
    "PATCH /api/v1/notifications/preferences": SIGNED_IN,
    "GET /api/v1/notifications": SIGNED_IN,
    "POST /api/v1/notifications/{notification_id}/resend": STAFF,
    "GET /api/v1/notifications/unsubscribe": EVERYBODY,
    "POST /api/v1/notifications/unsubscribe": EVERYBODY,
    "POST /api/v1/notifications/reports/africastalking/{secret}": EVERYBODY,
    "POST /api/v1/notifications/reports/gateway/{secret}": EVERYBODY,
    "POST /api/v1/notifications/reports/mail/{secret}": EVERYBODY,
    "GET /api/v1/events": STAFF,
    "GET /api/v1/event-types": STAFF,
    # operators
    "GET /api/v1/ops/dead-letters": ADMIN,
    "POST /api/v1/ops/dead-letters/{letter_id}/replay": ADMIN,
    "DELETE /api/v1/ops/dead-letters/{letter_id}": ADMIN,
    "GET /api/v1/ops/jobs": ADMIN,
    "PATCH /api/v1/ops/jobs": ADMIN,
    "POST /api/v1/ops/jobs/{job}/run": ADMIN,
    "GET /api/v1/ops/orders/{order_id}/explain": STAFF,
}
"""A service's token adds nothing: whoever sends one to the gateway is nobody."""

PAGES = {
    "/",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/openapi.yaml",
    "/asyncapi",
    "/problems",
    "/health/live",
    "/health/ready",
    "/dev/mails",
}
"""What the gateway answers itself, to everybody; /dev/mails in development alone."""


def test_every_route_is_in_the_table_and_the_table_holds_no_others() -> None:
    assert {str(each) for each in public()} == set(ALLOWED)


def test_every_page_of_the_gateway_is_known() -> None:
    settings, documents = Settings(), Documents()
    assert Pages(settings, documents, Health(Keys(no_keys, utc_now), Peers({}), {})).paths == PAGES


async def no_keys() -> dict[str, str]:
    return {}


async def ask(cast: Cast, endpoint: Endpoint, person: Person, *, whole: bool) -> httpx.Response:
    """The request that the document shows, about what the owner has.

    Not ``whole`` it has a field too many, or names a version that never was: nothing changes, and all the same it shows
    that this caller was let in.
    """
    headers = {**person.headers}
    body = None
    if endpoint.body is not None:
        body = cast.body(endpoint) | ({} if whole else {"surprise": 1})
    if endpoint.method != "GET" and not whole and 412 in endpoint.statuses:
        headers["If-Match"] = '"stale"'
    if endpoint.method == "POST":
        headers["Idempotency-Key"] = new_id()
    query = cast.query(endpoint) or None
    return await cast.shop.door.request(endpoint.method, cast.path(endpoint), json=body, headers=headers, params=query)


PARKED = """
insert into inbox (subscription, key, message_id, type, source, subject, partitionkey, sequence, time, correlationid,
                   causationid, data, received_at, due_at, tries, error, parked_at)
values ('stock_reserved', 'order-' || $2, $1, 'inventory.stock_reserved.v1', 'inventory', $2, $2, 1, $3, $1, $1,
        jsonb_build_object('order_id', $2::text, 'lines', '[]'::jsonb, 'expires_at', $3::timestamptz), $3, $3, 8,
        'ConnectionError: nobody there', $3)
returning id
"""


@pytest.fixture
async def parked_letter(cast: Cast) -> AsyncIterator[None]:
    """A message for an order that nobody placed, given up by the order service."""
    pool = cast.shop.shop.services["order"].database.pool
    number = await pool.fetchval(PARKED, new_id(), new_id(), utc_now())
    before, cast.things["letter_id"] = cast.things["letter_id"], f"order-message-{number}"
    yield
    cast.things["letter_id"] = before
    await pool.execute("delete from inbox where id = $1 and parked_at is not null", number)


# Backwards: a session that is ended by its id is looked for before all others are ended.
@pytest.mark.parametrize("endpoint", sorted(public(), key=str, reverse=True), ids=str)
async def test_who_is_not_listed_is_refused_and_who_is_listed_is_let_in(
    endpoint: Endpoint, cast: Cast, parked_letter: None
) -> None:
    allowed, wrong = ALLOWED[str(endpoint)], []
    for role in (*ROLES, "service"):
        may = ("nobody" if role == "service" else role) in allowed
        answer = await ask(cast, endpoint, cast.person(role), whole=not may)
        said = f"{role}: {answer.status_code} {answer.text[:300]}"
        if may and answer.status_code in REFUSED:
            wrong.append(f"{said} (and may)")
        elif may and endpoint.method == "GET" and answer.status_code != 200:
            wrong.append(f"{said} (and may read)")
        elif not may and answer.status_code not in REFUSED:
            wrong.append(f"{said} (and may not)")
        elif not may and (answer.headers["content-type"] != MEDIA_TYPE or not answer.json().get("request_id")):
            wrong.append(f"{said} (and says so without a problem document)")
        elif answer.status_code == 401 and "www-authenticate" not in answer.headers:
            wrong.append(f"{said} (without WWW-Authenticate)")
    assert wrong == []


@pytest.fixture(scope="module")
async def narrow(cast: Cast) -> Person:
    """Somebody whose role was defined with a few rights."""
    return await account(cast.shop, await defined(cast.shop, NARROW))


@pytest.mark.parametrize("endpoint", [each for each in public() if ":" in each.access], ids=str)
async def test_a_defined_role_opens_what_its_rights_open_and_nothing_else(
    endpoint: Endpoint, cast: Cast, narrow: Person, parked_letter: None
) -> None:
    may = endpoint.access in NARROW
    answer = await ask(cast, endpoint, narrow, whole=not may)
    if may:
        assert answer.status_code not in REFUSED, answer.text
    else:
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden"), answer.text


async def test_what_was_refused_has_changed_nothing(cast: Cast) -> None:
    """Runs behind the walk: the owner's things are as they were."""
    owner, things = cast.owner, cast.things
    order = await owner.get(f"/orders/{things['order_id']}")
    assert (order["status"], order["payment"]["id"]) == ("awaiting_payment", things["failed_payment_id"])
    assert order["shipping_address"]["line1"] == "1 Market St"
    paid = await owner.get(f"/orders/{things['paid_order_id']}")
    assert (paid["status"], paid["payment_status"], len(paid["shipments"])) == ("confirmed", "captured", 1)
    assert (await owner.get(f"/users/me/addresses/{things['address_id']}"))["line1"] == "9 Own St"
    assert [line["quantity"] for line in (await owner.get("/cart"))["items"]] == [1]
    assert (await owner.get(f"/products/{things['product_id']}"))["status"] == "active"
    assert (await (await cast.shop.admin()).get(f"/users/{things['user_id']}"))["role"] == "customer"


@pytest.mark.parametrize("endpoint", [e for e in endpoints() if e.path.startswith("/internal")], ids=str)
async def test_what_services_ask_each_other_is_not_behind_the_gateway(endpoint: Endpoint, cast: Cast) -> None:
    path = endpoint.at(**cast.things, cart_id=new_id(), kind="order_confirmed", cause=new_id())
    for start in ("", "/", "/api/v1/..", "/api/v1/orders/../../..", "/api/v1/cart/..%2f..%2f..", "/cardsim/..", "/api"):
        for person in (cast.admin, cast.person("service")):
            headers = {**person.headers, **service_headers()}
            answer = await cast.shop.door.request(endpoint.method, start + path, headers=headers, json={})
            assert answer.status_code == 404, f"{start}{path}: {answer.text}"
            assert answer.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize("name", ["identity", "catalog", "cart", "order", "payment", "inventory", "notification"])
async def test_between_services_only_their_own_token_opens(name: str, cast: Cast) -> None:
    """Straight at the service, as somebody inside the network would: an admin's token is not a service's."""
    transport = httpx.ASGITransport(app=cast.shop.shop.services[name].app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as inside:
        for endpoint in endpoints():
            if endpoint.service != name or not endpoint.path.startswith("/internal"):
                continue
            path = endpoint.at(**cast.things, cart_id=new_id(), kind="order_confirmed", cause=new_id())
            for headers in ({}, cast.admin.headers, {"X-Service-Token": "x" * 200}):
                answer = await inside.request(endpoint.method, path, headers=headers, json={})
                assert answer.status_code in (401, 403), f"{endpoint}: {answer.text}"


@pytest.mark.parametrize("page", sorted(PAGES))
async def test_a_page_is_for_everybody_and_only_to_be_read(page: str, cast: Cast) -> None:
    for role in (*ROLES, "service"):
        answer = await cast.shop.door.get(page, headers=cast.person(role).headers)
        assert answer.status_code == 200, f"{role}: {answer.text[:300]}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await cast.shop.door.request(method, page, headers=cast.admin.headers)
        assert (answer.status_code, answer.headers["content-type"]) == (405, MEDIA_TYPE)
        assert answer.headers["allow"] == "GET, HEAD"


async def test_a_method_that_a_path_does_not_know_is_405_and_says_which_it_knows(cast: Cast) -> None:
    known: dict[str, set[str]] = {}
    for each in public():
        known.setdefault(re.sub(r"{\w+}", "{}", each.path), set()).add(each.method)
    for each in public():
        methods = known[re.sub(r"{\w+}", "{}", each.path)]
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
            answer = await cast.shop.door.request(method, cast.path(each), headers=cast.admin.headers)
            assert answer.status_code == 405, f"{method} {each.path}: {answer.text}"
            assert set(answer.headers["allow"].split(", ")) == methods, f"{method} {each.path}"


async def test_a_services_token_is_no_access_token(cast: Cast) -> None:
    token = service_headers()["X-Service-Token"]
    for endpoint in public():
        answer = await cast.shop.door.request(
            endpoint.method, cast.path(endpoint), headers={"Authorization": f"Bearer {token}"}, json={}
        )
        unguarded = endpoint.path.startswith(UNGUARDED)
        assert answer.status_code == 401 or unguarded, f"{endpoint}: {answer.status_code}"


async def test_the_card_gateway_opens_its_books_only_with_its_key(cast: Cast) -> None:
    for method, path in (
        ("POST", "/cardsim/charges"),
        ("GET", f"/cardsim/charges?reference={cast.things['payment_id']}"),
        ("POST", "/cardsim/charges/ch_1/capture"),
        ("POST", "/cardsim/charges/ch_1/void"),
        ("POST", "/cardsim/charges/ch_1/refund"),
        ("GET", "/cardsim/movements"),
    ):
        for role in (*ROLES, "service"):
            answer = await cast.shop.door.request(method, path, headers=cast.person(role).headers, json={})
            assert answer.status_code in REFUSED, f"{role}: {method} {path}: {answer.text}"


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("customer", "/notifications?scope=all", 403),
        ("customer", "/products?status=draft", 403),
        ("nobody", "/products?status=draft", 401),
        ("nobody", "/orders", 401),
        ("staff", "/orders?mine=true", 200),
    ],
)
async def test_what_a_parameter_asks_for_needs_its_right_too(role: str, path: str, status: int, cast: Cast) -> None:
    answer = await cast.person(role).call("GET", path)
    assert answer.status_code == status, answer.text
