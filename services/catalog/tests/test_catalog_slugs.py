"""Slugs: one of a kind, and kept as redirects when a thing is renamed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import Inventory, kettle, make, staff


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as harness:
        yield harness


async def rename(shop: Harness, path: str, name: str) -> dict[str, Any]:
    answer = await shop.client.patch(f"/api/v1/{path}", json={"name": name}, headers=staff(shop))
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


async def leads(shop: Harness, path: str) -> tuple[int, str | None]:
    answer = await shop.client.get(f"/api/v1/{path}")
    return answer.status_code, answer.headers.get("location")


async def test_a_renamed_product_takes_a_new_slug_and_the_old_ones_lead_to_it(shop: Harness) -> None:
    await kettle(shop)
    assert (await rename(shop, "products/kettle", "Big Kettle"))["slug"] == "big-kettle"
    assert (await rename(shop, "products/big-kettle", "Huge Kettle"))["slug"] == "huge-kettle"

    assert await leads(shop, "products/kettle") == (301, "/api/v1/products/huge-kettle")
    assert await leads(shop, "products/big-kettle") == (301, "/api/v1/products/huge-kettle")
    assert await leads(shop, "products/huge-kettle") == (200, None)


async def test_nothing_else_ever_takes_a_former_slug_but_its_owner_may_have_it_back(shop: Harness) -> None:
    await kettle(shop)
    await rename(shop, "products/kettle", "Big Kettle")

    other = await kettle(shop, "KET-2")
    back = await rename(shop, "products/big-kettle", "Kettle")

    assert (other["slug"], back["slug"]) == ("kettle-2", "kettle")
    assert await leads(shop, "products/big-kettle") == (301, "/api/v1/products/kettle")


async def test_a_renamed_category_is_found_by_its_old_slug_and_its_query_stays(shop: Harness) -> None:
    await make(shop, "/api/v1/categories", name="Home")
    await rename(shop, "categories/home", "House")

    assert await leads(shop, "categories/home") == (301, "/api/v1/categories/house")
    assert await leads(shop, "categories/home/average-price") == (301, "/api/v1/categories/house/average-price")
    assert (await shop.client.delete("/api/v1/categories/house", headers=staff(shop))).status_code == 204
    assert await leads(shop, "categories/home") == (404, None)


async def test_a_new_name_with_the_same_slug_keeps_it(shop: Harness) -> None:
    await kettle(shop)
    await kettle(shop, "KET-2")

    assert (await rename(shop, "products/kettle-2", "KETTLE"))["slug"] == "kettle-2"


async def test_a_draft_is_not_found_by_a_former_slug_either(shop: Harness) -> None:
    made = await kettle(shop, status="draft")
    await rename(shop, f"products/{made['id']}", "Big Kettle")

    assert await leads(shop, "products/kettle") == (404, None)
    answer = await shop.client.get("/api/v1/products/kettle", headers=staff(shop))
    assert answer.headers["location"] == "/api/v1/products/big-kettle"


async def test_many_that_take_one_name_at_once_get_a_slug_each(shop: Harness) -> None:
    made = await asyncio.gather(*(kettle(shop, f"KET-{n}") for n in range(25)))

    assert {each["slug"] for each in made} == {"kettle", *(f"kettle-{n}" for n in range(2, 26))}
