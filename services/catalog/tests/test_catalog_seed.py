from collections.abc import AsyncIterator, Callable
from time import perf_counter
from typing import Any

import pytest
from catalog.demo_products import demo_products
from catalog.seed import seed
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from soko_contracts import catalog as public


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings) as harness:
        yield harness


async def test_the_demo_shop_is_filled_once_in_batches_and_told(shop: Harness) -> None:
    steps: list[tuple[int, int]] = []
    began = perf_counter()

    made = await seed(shop.service, products=1000, progress=lambda done, total: steps.append((done, total)))

    assert perf_counter() - began < 10
    assert (made, steps) == (1000, [(1000, 1000)])
    assert await seed(shop.service, products=1000) == 0
    assert await seed(shop.service, products=1010) == 10
    await shop.settle()
    created = [each for each in shop.sent if isinstance(each, public.ProductCreated)]
    assert len(created) == 1010
    assert all(set(each.initial_stock) == {variant.sku for variant in each.variants} for each in created)


async def test_the_demo_shop_can_be_browsed(shop: Harness) -> None:
    await seed(shop.service, products=200)

    tree = (await shop.client.get("/api/v1/categories/tree")).json()["items"]
    home = next(each for each in tree if each["name"] == "Home")
    listed = (await shop.client.get("/api/v1/products?category=home&page_size=100")).json()
    kettles = (await shop.client.get("/api/v1/products?search=kett&category=kettles")).json()

    assert home["children"][0]["children"][0]["children"] == []
    assert 0 < listed["total"] < 200
    assert kettles["total"] > 0
    assert (await shop.client.get("/api/v1/categories/groceries/average-price")).json()["product_count"] > 0


async def test_the_demo_shop_looks_used(shop: Harness) -> None:
    await seed(shop.service, products=200)
    await seed(shop.service, products=210)

    sold = (await shop.client.get("/api/v1/products?on_sale=true&category=bedroom&page_size=100")).json()
    rated = (await shop.client.get("/api/v1/products?min_rating=1&ordering=-rating&page_size=100")).json()

    assert sold["total"] > 10
    assert {each["discount_percent"] for each in sold["items"]} == {15}
    assert 20 < rated["total"] < 200
    best = rated["items"][0]
    said = (await shop.client.get(f"/api/v1/products/{best['id']}/reviews")).json()["items"]
    assert len(said) == best["review_count"]
    assert sum(each["rating"] for each in said) / len(said) == pytest.approx(best["rating"], abs=0.01)
    assert sum(isinstance(each, public.DiscountStarted) for each in shop.sent) <= 3


def test_the_same_number_always_makes_the_same_product() -> None:
    assert list(demo_products(50)) == list(demo_products(2000))[:50]


def test_demo_products_differ_in_name_and_sku() -> None:
    samples = list(demo_products(5000))

    assert len({each.name for each in samples}) == 5000
    skus = [variant.sku for each in samples for variant in each.variants]
    assert len(set(skus)) == len(skus)


async def test_a_shop_with_real_customers_gets_no_demo_products(running: Callable[..., Any]) -> None:
    settings = {"soko_env": "production", "public_url": "https://shop.example"}
    async with running(build, Settings, **settings) as strict:
        with pytest.raises(RuntimeError, match="production"):
            await seed(strict.service)
