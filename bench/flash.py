"""A flash sale: everybody at once for one SKU of which there is too little. How long each waits for an answer."""

import asyncio
import time
import uuid
from collections import Counter

from bench.client import Client
from bench.parts import Measured
from bench.shop import Shop
from bench.shoppers import ADDRESS, stocked
from bench.tables import milliseconds

BUYERS, UNITS = 1_000, 100
FILLING = 32
ASKS = 20


async def measure_flash(measured: Measured, shop: Shop, mode: str) -> None:
    """A thousand guests with a full cart each, who all check out at the same moment."""
    measured.tell(f"{BUYERS:,} guests put the last {UNITS} of a SKU into their carts")
    (sku,) = await stocked(shop, 1, units=UNITS)
    guests = [shop.client() for _ in range(BUYERS)]
    waiting = iter(guests)

    async def fill() -> None:
        for guest in waiting:
            answer = await guest.call("", "POST", "/api/v1/cart/items", {"sku": sku, "quantity": 1})
            assert answer.status == 201, answer.body
            guest.headers["X-Cart-Token"] = answer.headers[b"x-cart-token"].decode()

    await asyncio.gather(*(fill() for _ in range(FILLING)))
    statuses, took = Counter[int](), list[float]()

    async def buy(guest: Client) -> None:
        began = time.perf_counter()
        statuses[await checkout(guest)] += 1
        took.append(time.perf_counter() - began)

    await asyncio.gather(*map(buy, guests))
    for guest in guests:
        guest.close()
    columns = ["confirmed", "out of stock", "other answers", "answer p50", "p95", "p99"]
    table = measured.table("flash", f"{BUYERS:,} buyers at once for {UNITS} units", *columns)
    others = sum(statuses.values()) - statuses[201] - statuses[409]
    table.add("one process", str(statuses[201]), str(statuses[409]), str(others), *milliseconds(took))
    measured.rates["flash confirmed"] = statuses[201]
    measured.tell(f"flash sale: {statuses[201]} confirmed, {statuses[409]} out of stock, {others} else")


async def checkout(guest: Client) -> int:
    """The status of the settled checkout; who is told to wait asks for the same order again."""
    body = {
        "email": "guest@soko.example",
        "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "payment": {"method": "card", "token": "tok_success"},
    }
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Prefer": "wait=15"}
    for _ in range(ASKS):
        status = (await guest.call("", "POST", "/api/v1/orders", body, headers)).status
        if status != 202:
            break
    return status
