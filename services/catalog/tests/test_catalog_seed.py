from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from catalog.demo_products import demo_products
from catalog.picture_files import HELD, delete_free
from catalog.seed import seed
from catalog.seed_pictures import Look, draw, looks
from catalog.seed_shapes import LOOKS
from catalog.seed_words import COLOURS, TREE
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from PIL import Image
from soko_contracts import catalog as public


@pytest.fixture
async def shop(running: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Harness]:
    async with running(build, Settings, soko_home=tmp_path) as harness:
        yield harness


async def test_the_demo_shop_is_filled_once_in_batches_and_told(shop: Harness) -> None:
    steps: list[tuple[int, int]] = []
    began = perf_counter()

    made = await seed(shop.service, products=1000, progress=lambda done, total: steps.append((done, total)))

    assert perf_counter() - began < 20
    assert (made, steps) == (1000, [(done, 1000) for done in range(100, 1001, 100)])
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


async def test_the_demo_shop_has_pictures_and_keeps_each_once(shop: Harness, tmp_path: Path) -> None:
    await seed(shop.service, products=1000)

    shown = list[dict[str, Any]]()
    for page in range(1, 11):
        listed = (await shop.client.get(f"/api/v1/products?page_size=100&page={page}")).json()["items"]
        assert all(each["images"] for each in listed)
        shown += [image for each in listed for image in each["images"]]
    assert len(shown) > 1000
    urls = {image[size] for image in shown for size in ("thumbnail", "medium", "large")}
    files = [path for path in (tmp_path / "media").rglob("*.webp") if path.is_file()]
    assert len(urls) == len(files) < 1000
    assert max(path.stat().st_size for path in files) < 8_000
    for size, longest in (("thumbnail", 240), ("medium", 360), ("large", 360)):
        answer = await shop.client.get(shown[0][size])
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert Image.open(BytesIO(answer.content)).size == (longest, longest)
    shop.clock.advance(HELD)
    assert await delete_free(shop.service) == "deleted the files of 0 pictures"


async def test_what_is_sold_in_colours_is_shown_in_each(shop: Harness) -> None:
    await seed(shop.service, products=200)

    towel = (await shop.client.get("/api/v1/products?search=bath+towel&category=towels")).json()["items"][0]

    assert [each["variant_id"] for each in towel["images"]] == [each["id"] for each in towel["variants"]]
    assert [each["position"] for each in towel["images"]] == [0, 1, 2]
    for image, variant in zip(towel["images"], towel["variants"], strict=True):
        assert image["alt"] == f"{towel['name']}, {variant['options']['colour'].lower()}"


async def test_a_seed_that_was_killed_is_made_whole_by_the_next(shop: Harness) -> None:
    """It died after its first batch, and what nobody needed was swept before the next."""

    class Killed(BaseException):
        pass

    def die(done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        await seed(shop.service, products=150, progress=die)
    shop.clock.advance(HELD)
    await delete_free(shop.service)

    assert await seed(shop.service, products=150) == 50
    listed = (await shop.client.get("/api/v1/products?page_size=100&ordering=created_at")).json()["items"]
    for each in listed:
        assert (await shop.client.get(each["images"][0]["thumbnail"])).status_code == 200


def test_every_good_has_a_picture_of_its_own_in_every_colour_it_comes_in() -> None:
    goods = {
        good.name
        for middles in TREE.values()
        for leaves in middles.values()
        for all_ in leaves.values()
        for good in all_
    }
    assert goods == set(LOOKS)
    kettles = [draw(Look("Kettle", colour)).tobytes() for colour in COLOURS]
    assert len(set(kettles)) == len(COLOURS)
    assert draw(Look("Kettle", "Black")).tobytes() != draw(Look("Laptop", "Black")).tobytes()
    assert draw(Look("Kettle", "Black")).tobytes() == kettles[0]
    assert len({look for each in demo_products(5000) for look in looks(each)}) < 300


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
