"""A shop that has closed, with its databases as they were left: a pytest plugin, for tests that change them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from cart.domain import coupon_id_of
from chassis.fixtures import copied_database, drop_database
from chassis.servers.postgres import EmbeddedPostgres
from chassis.world import new_id
from planted import Planted
from shopping import OpenShop, Person, open_shop


@dataclass(frozen=True)
class Past:
    """The databases of a shop that has closed, and what was done in it."""

    server: EmbeddedPostgres
    urls: dict[str, str]
    things: dict[str, str]

    @asynccontextmanager
    async def with_(self, planted: Planted) -> AsyncIterator[dict[str, str]]:
        """The same databases, but for one that something was done to."""
        url = await copied_database(self.server, urlsplit(self.urls[planted.service]).path[1:])
        connection = await asyncpg.connect(url)
        try:
            done = await connection.execute(planted.sql.format_map(self.things))
            assert done.rpartition(" ")[2] != "0", f"nothing was planted: {planted.sql.format_map(self.things)}"
        finally:
            await connection.close()
        yield {**self.urls, planted.service: url}
        await drop_database(self.server, url)


@pytest.fixture(scope="session")
async def past(postgres: EmbeddedPostgres) -> Past:
    """One order paid; one paid, cancelled and refunded; one declined and given up; one declined and left open.

    A coupon's one use went to an order that was cancelled, and then to one that was paid.
    """
    async with open_shop(postgres) as shop:
        customer, sku = await shop.customer(), await shop.product(stock=50)
        paid, refunded = await _order(customer, sku), await _order(customer, sku)
        dropped, left = await _order(customer, sku, "tok_declined"), await _order(customer, sku, "tok_declined")
        await _coupon(shop)
        returned = await _order(customer, sku, coupon="ONE")
        for order in (refunded, dropped, returned):
            await customer.call("POST", f"/orders/{order['id']}/cancel", {})
        await shop.quiet()
        reduced = await _order(customer, sku, coupon="ONE")
        await shop.quiet()
        placed = await _cart_of(shop, paid["id"])
        urls = shop.urls
    things = {"sku": sku, "other": new_id(), "cart": placed}
    things |= {"coupon": coupon_id_of("ONE"), "reduced": reduced["id"], "returned": returned["id"]}
    for name, order in {"paid": paid, "refunded": refunded, "dropped": dropped, "open": left}.items():
        things |= {name: order["id"], f"{name}_payment": order["payment"]["id"]}
    return Past(postgres, urls, things)


async def _coupon(shop: OpenShop) -> None:
    body = {"code": "ONE", "percent": 10, "max_uses": 1, "max_uses_per_customer": 1}
    made = await (await shop.staff()).call("POST", "/coupons", body)
    assert made.status_code == 201, made.text


async def _order(customer: Person, sku: str, token: str = "tok_success", **more: Any) -> Any:
    await customer.add(sku)
    answer = (await customer.checkout(token, **more)).json()
    return answer.get("order", answer)


async def _cart_of(shop: OpenShop, order_id: str) -> str:
    sql = "select data ->> 'cart_id' from events where stream = $1 and type = 'placed.v1'"
    return str(await shop.shop.services["order"].database.pool.fetchval(sql, f"order-{order_id}"))
