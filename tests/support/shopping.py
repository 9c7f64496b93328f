"""A whole shop in one process, for journeys: a pytest plugin, with people to shop in it."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from chassis.fixtures import INTERNAL_KEY, fresh_database, until
from chassis.rebuild import Rebuild
from chassis.servers.postgres import EmbeddedPostgres
from chassis.world import new_id
from soko.oracle import Breach, breaches
from soko.seeding import demo_password, seed_users
from soko.services import CARDSIM, SERVICES, variable
from soko.settings import ShopSettings
from soko.shop import Shop

ADDRESS = {"name": "A. Customer", "line1": "1 Market St", "city": "Nairobi", "country": "KE", "phone": "+254700000001"}
SETTLED = ("confirmed", "cancelled", "awaiting_payment")


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """These variables, for as long as it lasts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


@dataclass
class Person:
    """Somebody at the gateway: a customer, a guest or staff."""

    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request; a cart token that comes back is kept."""
        answer = await self.client.request(
            method, f"/api/v1{path}", json=json, headers={**self.headers, **(headers or {})}
        )
        assert answer.status_code < 500, answer.text
        if token := answer.headers.get("x-cart-token"):
            self.headers["X-Cart-Token"] = token
        return answer

    async def get(self, path: str) -> Any:
        """What a GET answers; it has to be 200."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def add(self, sku: str, quantity: int = 1) -> Any:
        """Put units in the cart."""
        answer = await self.call("POST", "/cart/items", {"sku": sku, "quantity": quantity})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def checkout(
        self, token: str = "tok_success", *, key: str | None = None, wait: int = 10, **more: Any
    ) -> httpx.Response:
        """Order what is in the cart, paid by card."""
        body = {
            "shipping_address": ADDRESS,
            "shipping_method": "standard",
            "payment": {"method": "card", "token": token},
            **more,
        }
        headers = {"Idempotency-Key": key or new_id(), "Prefer": f"wait={wait}"}
        return await self.call("POST", "/orders", body, headers)

    async def pay(self, order_id: str, token: str = "tok_success", *, wait: int = 10) -> httpx.Response:
        """Pay, or try again."""
        headers = {"Idempotency-Key": new_id(), "Prefer": f"wait={wait}"}
        return await self.call("POST", f"/orders/{order_id}/pay", {"method": "card", "token": token}, headers)


@dataclass
class OpenShop:
    """A running shop, its databases, and its door."""

    shop: Shop
    urls: dict[str, str]
    door: httpx.AsyncClient

    def guest(self) -> Person:
        """Somebody who has not logged in."""
        return Person(self.door)

    async def login(self, email: str, password: str | None = None) -> Person:
        """Somebody with an account."""
        person = self.guest()
        answer = await person.call("POST", "/auth/login", {"email": email, "password": password or demo_password()})
        assert answer.status_code == 200, answer.text
        person.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return person

    async def staff(self) -> Person:
        return await self.login("staff@soko.example")

    async def admin(self) -> Person:
        return await self.login("admin@soko.example")

    async def customer(self) -> Person:
        """A new customer."""
        admin, email = await self.admin(), f"c-{new_id()}@soko.example"
        body = {"email": email, "password": demo_password(), "role": "customer"}
        made = await admin.call("POST", "/users", body)
        assert made.status_code == 201, made.text
        return await self.login(email)

    async def product(self, stock: int = 20, price: str = "2499.00") -> str:
        """A new product with so many units; its SKU."""
        staff, sku = await self.staff(), f"SKU-{new_id()[-12:]}"
        categories = (await staff.get("/categories"))["items"]
        if not categories:
            made = await staff.call("POST", "/categories", {"name": "Kitchen"})
            assert made.status_code == 201, made.text
            categories = [made.json()]
        body = {
            "name": f"Kettle {sku}",
            "category_id": categories[0]["id"],
            "price": {"amount": price, "currency": "KES"},
            "sku": sku,
            "initial_stock": stock,
        }
        made = await staff.call("POST", "/products", body)
        assert made.status_code == 201, made.text
        return sku

    async def stock(self, sku: str) -> tuple[int, int]:
        """On hand and reserved."""
        level = await (await self.staff()).get(f"/inventory/{sku}")
        return level["on_hand"], level["reserved"]

    async def at_rest(self) -> list[Breach]:
        """Wait until no message is on its way, then let the oracle look; views rebuilt must be the same rows."""
        await self.quiet()
        found = await breaches(self.urls)
        for service in self.shop.services.values():
            for view in await Rebuild(service).run():
                if view.differed:
                    found.append(Breach("replay equals live", f"{service.name}.{view.table}", "rows differ"))
        return found

    async def quiet(self) -> None:
        """Wait until no message, call or webhook is on its way, and the feed has numbered what it heard."""

        async def rests() -> bool:
            # Twice: what is on its way may pass from one that is not looked at yet to one that was.
            return not any([await self.shop.waiting() or await self._busy() for _ in range(2)])

        await until(rests)

    async def _busy(self) -> bool:
        counts = await asyncio.gather(
            *(
                service.database.pool.fetchval("select count(*) from calls where parked_at is null")
                for service in self.shop.services.values()
            )
        )
        webhooks = await self.charges("select count(*) from webhooks where parked_at is null")
        feed = self.shop.services["notification"].database.pool
        unnumbered = await feed.fetchval("select count(*) from unnumbered")
        return bool(sum(counts) + webhooks[0][0] + unnumbered)

    async def charges(self, sql: str) -> list[asyncpg.Record]:
        """Rows of the simulated card gateway's own database."""
        connection = await asyncpg.connect(self.urls[CARDSIM])
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()


@asynccontextmanager
async def open_shop(server: EmbeddedPostgres, **settings: str) -> AsyncIterator[OpenShop]:
    """A new shop on fresh databases, with accounts and nothing on its shelves."""
    urls = {name: await fresh_database(server) for name in (*SERVICES, CARDSIM)}
    values = {variable(name, "DATABASE_URL"): url for name, url in urls.items()}
    values |= {
        "SOKO_ENV": "development",
        "SOKO_HOME": tempfile.mkdtemp(prefix="soko-shop-"),
        "SOKO_INTERNAL_KEY": INTERNAL_KEY,
        "SOKO_RATE_LIMITS": "off",
        "PUBLIC_URL": "http://soko.test",
        "ALLOWED_HOSTS": "*",
        "DELIVERY_REPORTS_SECRET": "q7Xw-0198c0de_5f7e",
        "CARDSIM_URL": "http://soko.test/cardsim",
        **settings,
    }
    with environment(values):  # read when the shop is built, and not left to other tests
        shop = Shop(ShopSettings())
    await shop.migrate(lambda done, total: None)
    await shop.start()
    try:
        await seed_users(shop.services["identity"])
        transport = httpx.ASGITransport(app=shop.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://soko.test", timeout=60) as door:
            yield OpenShop(shop, urls, door)
    finally:
        await shop.stop()


@pytest.fixture(scope="session")
async def shop(postgres: EmbeddedPostgres) -> AsyncIterator[OpenShop]:
    """The shop that most journeys share: each brings its own products and customers."""
    async with open_shop(postgres) as opened:
        yield opened


@pytest.fixture(scope="session")
async def impatient_shop(postgres: EmbeddedPostgres) -> AsyncIterator[OpenShop]:
    """A shop where an order has to be paid within four seconds."""
    async with open_shop(
        postgres, PAYMENT_WINDOW="PT4S", CARDSIM_LATE_AFTER="PT6S", PAYMENT_ASK_AFTER="PT2S"
    ) as opened:
        yield opened


def files(home: str) -> list[Path]:
    """The mails that a shop has written."""
    return sorted(Path(home, "mail").glob("*.eml"))
