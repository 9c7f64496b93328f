"""Who may come to the door, and what one of them owns: a pytest plugin for tests of what is refused."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from chassis.fixtures import INTERNAL_KEY, until
from chassis.http import ServiceTokens
from chassis.servers.postgres import EmbeddedPostgres
from chassis.web import listen, web_server
from chassis.world import new_id, utc_now
from notification.settings import Settings as NotificationSettings
from notification.unsubscribing import Unsubscribing
from PIL import Image
from shopping import OpenShop, Person, open_shop
from soko.seeding import demo_password
from soko_contracts.rights import PRESETS
from surface import Endpoint


@dataclass
class Cast:
    """``owner`` has ordered, paid, is owed a refund, has an address, two sessions and a cart; ``things`` names it all.

    ``customer`` and ``guest`` are strangers to it. ``clerk`` has a role that was defined, with the rights of staff.
    Nobody here is known to other tests.
    """

    shop: OpenShop
    nobody: Person
    guest: Person
    customer: Person
    owner: Person
    staff: Person
    clerk: Person
    admin: Person
    things: dict[str, str]

    def person(self, role: str) -> Person:
        """One of those above by their name; ``service``: nobody, with a service's token."""
        if role == "service":
            return Person(self.shop.door, service_headers())
        found: Person = getattr(self, role)
        return found

    def path(self, endpoint: Endpoint, **others: str) -> str:
        """Where the endpoint answers for what the owner has."""
        things = {**self.things, "key": self._key(endpoint)}
        if "refund_id" in endpoint.names:
            things["order_id"] = things["refunded_order_id"]
        return endpoint.at(**{**things, **others})

    def _key(self, endpoint: Endpoint) -> str:
        return self.things["category_id" if endpoint.path.startswith("/api/v1/categories") else "product_id"]

    def query(self, endpoint: Endpoint) -> dict[str, str]:
        """Parameters that the endpoint does not do without."""
        match endpoint.operation_id:
            case "find_variants":
                return {"sku": self.things["sku"]}
            case "suggest_products":
                return {"search": self.things["sku"]}
            case "show_unsubscribe_page" | "unsubscribe":
                return {"token": self.things["token"]}
        return {}

    def body(self, endpoint: Endpoint) -> Any:
        """What the document shows, about things that there are."""
        return {**endpoint.example, **self._about(endpoint.operation_id)}

    def _about(self, operation_id: str) -> Mapping[str, Any]:
        things = self.things
        match operation_id:
            case "create_product":
                return {"sku": f"NEW-{new_id()[-12:]}", "category_id": things["category_id"]}
            case "replace_product":
                return {"category_id": things["category_id"]}
            case "create_discount":
                return {"category_ids": [], "product_ids": [things["product_id"]], **IN_2100}
            case "create_coupon":
                return {"code": f"C-{new_id()[-12:]}"}
            case "create_variant":
                return {"sku": f"NEW-{new_id()[-12:]}"}
            case "create_category" | "replace_category" | "change_category":
                return {"parent_id": None}
            case "define_role":
                return {"name": f"r-{new_id()[-12:]}"}
            case "create_user":
                return {"email": f"u-{new_id()}@soko.example"}
            case "add_cart_item":
                return {"sku": things["sku"]}
            case "create_shipment":
                return {"lines": [{"sku": things["sku"], "quantity": 1}]}
            case "send_transfer":
                return {"sku": things["sku"], "destination": things["location_id"]}
            case "create_payment":
                return {"order_id": things["order_id"]}
        return {}


@asynccontextmanager
async def listening(shop: OpenShop) -> AsyncIterator[str]:
    """The shop's door on a port of this machine: its URL."""
    socket = listen("127.0.0.1", 0)
    server = web_server(shop.shop.app)
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        await server.ready.wait()
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def service_headers() -> dict[str, str]:
    """A token that any service of the shop would take from another."""
    return {"X-Service-Token": ServiceTokens("order", INTERNAL_KEY, utc_now).own()}


async def account(shop: OpenShop, role: str) -> Person:
    """Somebody new with this role."""
    admin, email = await shop.admin(), f"{role}-{new_id()}@soko.example"
    body = {"email": email, "password": demo_password(), "role": role}
    made = await admin.call("POST", "/users", body)
    assert made.status_code == 201, made.text
    return await shop.login(email)


async def defined(shop: OpenShop, rights: Collection[str]) -> str:
    """A new role that allows this: its name."""
    name = f"r-{new_id()[-12:]}"
    made = await (await shop.admin()).call("POST", "/roles", {"name": name, "rights": sorted(rights)})
    assert made.status_code == 201, made.text
    return name


async def gathered(shop: OpenShop) -> Cast:
    """A new cast."""
    sku = await shop.product(stock=100)
    owner = await shop.customer()
    guest, customer = shop.guest(), await shop.customer()
    await guest.add(sku)
    await customer.add(sku)
    things = {"sku": sku, "provider": "cardsim", "job": "order.sweep", "letter_id": "order-message-0"}
    things |= {**await _bought(owner, sku), **await _owed(shop, owner, sku), **await _kept(shop, owner, sku)}
    things |= await _shown(shop, owner, things["product_id"])
    coupon = await (await shop.staff()).call("POST", "/coupons", {"code": f"C-{new_id()[-12:]}", "percent": 10})
    things["coupon_id"] = coupon.json()["id"]
    things["subject"] = things["order_id"]
    things |= await _told(shop, owner)
    things["role"] = await defined(shop, PRESETS["staff"])
    staff, clerk, admin = [await account(shop, role) for role in ("staff", things["role"], "admin")]
    return Cast(shop, shop.guest(), guest, customer, owner, staff, clerk, admin, things)


async def _shown(shop: OpenShop, owner: Person, product_id: str) -> dict[str, str]:
    """What the catalog shows of a product besides itself: a discount, a picture, the owner's review, an import."""
    staff, url = await shop.staff(), f"/products/{product_id}"
    sale = {"name": "Later", "percent": 5, **IN_2100}
    made = {
        "discount_id": await staff.call("POST", "/discounts", {**sale, "product_ids": [product_id]}),
        "review_id": await owner.call("POST", f"{url}/reviews", {"rating": 5}),
        "import_id": await staff.call("POST", "/products/bulk", {"items": [{"sku": "nothing"}]}),
        "image_id": await shop.door.post(
            f"/api/v1{url}/images", content=picture("black"), headers={**staff.headers, "Content-Type": "image/png"}
        ),
    }
    assert all(answer.is_success for answer in made.values()), [answer.text for answer in made.values()]
    file = {"picture": made["image_id"].json()["thumbnail"].split("/")[-2], "size": "thumbnail"}
    return {**file, **{name: answer.json()["id"] for name, answer in made.items()}}


async def _told(shop: OpenShop, owner: Person) -> dict[str, str]:
    """A mail about an order, the token of the link at its end, and where its provider reports to."""

    async def sent() -> Any:
        return (await owner.get("/notifications?kind=order_confirmed&status=sent"))["items"]

    settings = shop.shop.services["notification"].settings
    assert isinstance(settings, NotificationSettings)
    (mail, *_) = await until(sent)
    link = Unsubscribing(mail["customer_id"], "abandoned_cart", "email", "en").link(settings)
    secret = settings.delivery_reports_secret.get_secret_value()
    return {"notification_id": mail["id"], "token": link.partition("token=")[2], "secret": secret}


def picture(colour: str) -> bytes:
    """A small PNG."""
    file = BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


async def _bought(owner: Person, sku: str) -> dict[str, str]:
    """One order that is paid, and one that awaits its payment."""
    await owner.add(sku, 2)
    answer = await owner.checkout()
    assert answer.status_code == 201, answer.text
    paid = answer.json()
    shipments = (await owner.get(f"/orders/{paid['id']}/shipments"))["items"]
    await owner.add(sku)
    answer = await owner.checkout("tok_declined")
    assert answer.status_code == 402, answer.text
    order = answer.json()["order"]
    return {
        "order_id": order["id"],
        "number": order["number"],
        "paid_order_id": paid["id"],
        "payment_id": paid["payment"]["id"],
        "failed_payment_id": order["payment"]["id"],
        "shipment_id": shipments[0]["id"],
    }


async def _owed(shop: OpenShop, owner: Person, sku: str) -> dict[str, str]:
    """A refund that the bank refuses, in the first minute."""
    await owner.add(sku)
    order, staff = (await owner.checkout("tok_unsettled")).json(), await shop.staff()
    made = await staff.call("POST", f"/orders/{order['id']}/refunds", {}, {"Idempotency-Key": new_id()})
    assert made.status_code == 201, made.text

    async def refused() -> bool:
        return bool((await owner.get(f"/orders/{order['id']}"))["payment_status"] == "refund_failed")

    await until(refused)
    return {"refund_id": made.json()["id"], "refunded_order_id": order["id"]}


async def _kept(shop: OpenShop, owner: Person, sku: str) -> dict[str, str]:
    """An address, another session, a line in the cart; and where the product is found."""
    me = await owner.get("/users/me")
    other = await shop.login(me["email"])
    session = next(each for each in (await other.get("/users/me/sessions"))["items"] if each["current"])
    address = await owner.call("POST", "/users/me/addresses", ADDRESS_BOOK)
    assert address.status_code == 201, address.text
    cart = await owner.add(sku)
    staff = await shop.staff()
    location = await staff.call("POST", "/inventory/locations", {"name": "Mombasa"})
    journey = {"sku": sku, "quantity": 1, "origin": "main", "destination": location.json()["id"]}
    transfer = await staff.call("POST", "/inventory/transfers", journey)
    assert transfer.status_code == 201, transfer.text
    client = await (await shop.admin()).call("POST", "/clients", APPLICATION)
    assert client.status_code == 201, client.text
    identity = shop.shop.services["identity"].database.pool
    await identity.execute("insert into consents values ($1, $2, 'openid', now())", me["id"], client.json()["id"])
    variant = (await owner.get(f"/variants?sku={sku}"))["items"][0]
    product = await owner.get(f"/products/{variant['product_id']}")
    return {
        "user_id": me["id"],
        "email": me["email"],
        "session_id": session["id"],
        "address_id": address.json()["id"],
        "client_id": client.json()["id"],
        "item_id": cart["items"][0]["id"],
        "location_id": location.json()["id"],
        "transfer_id": transfer.json()["id"],
        "variant_id": variant["id"],
        "product_id": product["id"],
        "category_id": product["categories"][0]["id"],
    }


APPLICATION = {"name": "Kettle Club", "redirect_uris": ["https://club.example/callback"], "scopes": ["openid"]}
IN_2100 = {"starts_at": "2100-01-01T00:00:00Z", "ends_at": "2100-01-02T00:00:00Z"}
ADDRESS_BOOK = {"name": "A. Owner", "phone": "+254700000009", "line1": "9 Own St", "city": "Mombasa", "country": "KE"}


@pytest.fixture(scope="session")
async def cast(postgres: EmbeddedPostgres) -> AsyncIterator[Cast]:
    """The cast that tests of refusals share, in a shop of its own: nothing moves there but by what they do."""
    async with open_shop(postgres) as shop:
        found = await gathered(shop)
        assert await shop.at_rest() == []
        yield found
