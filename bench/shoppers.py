"""Shoppers with a connection each, who buy: two lines into the cart, a checkout, and the wait until it is settled."""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.client import Client, Timings
from bench.shop import Shop

PASSWORD = "soko-demo-2026"
ADDRESS = {"name": "A. Customer", "line1": "1 Market St", "city": "Nairobi", "country": "KE", "phone": "+254700000001"}
PRODUCTS = 100
AT_ONCE = 8
WARM_SECONDS = 2.0
STOCK_LOOKS = 600


async def login(shop: Shop, email: str) -> Client:
    """A connection with a token."""
    client = shop.client()
    answer = await client.call("login", "POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status == 200, answer.body
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


async def stocked(shop: Shop, products: int = PRODUCTS, *, units: int = 1_000_000) -> list[str]:
    """SKUs of new products, by default such as do not run out."""
    staff = await login(shop, "staff@soko.example")
    categories = (await staff.call("", "GET", "/api/v1/categories?page_size=1")).json()["items"]
    skus = []
    for _ in range(products):
        sku = f"BENCH-{uuid.uuid4().hex[:12]}"
        product = {
            "name": f"Bench {sku}",
            "category_id": categories[0]["id"],
            "price": {"amount": "2499.00", "currency": "KES"},
            "sku": sku,
            "initial_stock": units,
        }
        answer = await staff.call("", "POST", "/api/v1/products", product)
        assert answer.status in (201, 202), answer.body
        skus.append(sku)
    id_ = answer.json()["id"]
    for _ in range(STOCK_LOOKS):
        if (await staff.call("", "GET", f"/api/v1/products/{id_}")).json()["in_stock"]:
            break
        await asyncio.sleep(0.1)
    staff.close()
    return skus


async def customers(shop: Shop, count: int) -> list[Client]:
    """Logged-in customers. Their passwords are hashed as everybody's, so this takes a while."""
    admins = [await login(shop, "admin@soko.example") for _ in range(min(AT_ONCE, count))]
    names = iter([f"shopper-{uuid.uuid4().hex[:10]}@soko.example" for _ in range(count)])
    made: list[Client] = []

    async def make(admin: Client) -> None:
        for email in names:
            answer = await admin.call("", "POST", "/api/v1/users", {"email": email, "password": PASSWORD})
            assert answer.status == 201, answer.body
            made.append(await login(shop, email))
        admin.close()

    await asyncio.gather(*map(make, admins))
    return made


async def buy(shopper: Client, skus: Sequence[str]) -> int:
    """These SKUs, one of each; the status of the settled checkout."""
    for sku in skus:
        answer = await shopper.call("add to cart", "POST", "/api/v1/cart/items", {"sku": sku, "quantity": 1})
        assert answer.status in (200, 201), answer.body
    body = {
        "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "payment": {"method": "card", "token": "tok_success"},
    }
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Prefer": "wait=15"}
    return (await shopper.call("checkout", "POST", "/api/v1/orders", body, headers)).status


@dataclass
class Bought:
    """What so many shoppers did in so many seconds. ``cpu``: ms of CPU an order, by what used it."""

    shoppers: int
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    flows: list[float] = field(default_factory=list)
    timings: Timings = field(default_factory=Timings)
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Settled orders a second."""
        return self.statuses[201] / self.seconds

    @property
    def others(self) -> str:
        """What else was answered."""
        return ", ".join(f"{count} of {status}" for status, count in sorted(self.statuses.items()) if status != 201)


async def shopping(
    shop: Shop, shoppers: Sequence[Client], skus: Sequence[str], seconds: float, *, lines: int = 2
) -> Bought:
    """Let them buy ``lines`` of ``skus`` again and again. A short while before is not counted."""

    async def shop_until(buyer: Client, bought: Bought, until: float) -> None:
        buyer.timings = bought.timings
        while time.perf_counter() < until:
            started = time.perf_counter()
            bought.statuses[await buy(buyer, random.sample(skus, lines))] += 1
            bought.flows.append(time.perf_counter() - started)

    async def round_of(bought: Bought, length: float) -> None:
        until = time.perf_counter() + length
        await asyncio.gather(*(shop_until(buyer, bought, until) for buyer in shoppers))

    await round_of(Bought(len(shoppers)), min(WARM_SECONDS, seconds))
    bought = Bought(len(shoppers))
    before, started = shop.seconds(), time.perf_counter()
    await round_of(bought, seconds)
    bought.seconds, after = time.perf_counter() - started, shop.seconds()
    orders = bought.statuses.total()
    bought.cpu = {name: (after[name] - before.get(name, 0.0)) / orders * 1000 for name in after}
    return bought


async def asking(clients: Sequence[Client], ask: Any, seconds: float) -> tuple[float, list[float]]:
    """Requests a second and each one's seconds, when every client does ``await ask(client)`` again and again."""
    took: list[float] = []

    async def repeat(client: Client, until: float) -> None:
        while (began := time.perf_counter()) < until:
            answer = await ask(client)
            assert answer.status in (200, 201), answer.body
            took.append(time.perf_counter() - began)

    started = time.perf_counter()
    await asyncio.gather(*(repeat(client, started + seconds) for client in clients))
    return len(took) / (time.perf_counter() - started), took
