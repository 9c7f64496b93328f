"""A single connection a pool is enough: nobody holds one while waiting for another."""

import asyncio
from collections import Counter

from annotated_types import Ge
from chassis.servers.postgres import EmbeddedPostgres
from chassis.settings import Settings
from shopping import OpenShop, Person, open_shop

SMALLEST = next(rule.ge for rule in Settings.model_fields["database_pool"].metadata if isinstance(rule, Ge))


async def bought(shop: OpenShop, sku: str) -> int:
    """Log in, order, and look at it."""
    customer = await shop.customer()
    await customer.add(sku)
    answer = await customer.checkout(wait=20)
    for path in ("/orders", "/users/me", "/users/me/sessions", "/cart"):
        await customer.get(path)
    if answer.status_code == 201:
        await customer.get(f"/orders/{answer.json()['id']}/timeline")
    return answer.status_code


async def looked(staff: Person) -> None:
    for path in ("/products?search=kettle", "/categories", "/users", "/orders", "/payments", "/inventory", "/carts"):
        await staff.get(path)


async def test_a_crowd_is_served_by_the_smallest_pools_there_may_be(postgres: EmbeddedPostgres) -> None:
    async with open_shop(postgres, DATABASE_POOL=str(SMALLEST)) as shop, asyncio.timeout(120):
        sku, admin = await shop.product(stock=20), await shop.admin()
        buying = [bought(shop, sku) for _ in range(30)]
        looking = [looked(admin) for _ in range(10)]
        found, *_ = await asyncio.gather(asyncio.gather(*buying), *looking)
        assert Counter(found) == {201: 20, 409: 10}
        assert await shop.at_rest() == []
        assert await shop.stock(sku) == (0, 0)
