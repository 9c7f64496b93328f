"""Products over HTTP: made, and found."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import Inventory, kes, kettle, make, names, staff
from soko_contracts import catalog as public


@pytest.fixture
def stock() -> Inventory:
    return Inventory()


@pytest.fixture
async def shop(running: Callable[..., Any], stock: Inventory) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": stock.app()}) as harness:
        yield harness


async def test_a_product_is_made_once_inventory_holds_its_stock(shop: Harness, stock: Inventory) -> None:
    home = await make(shop, "/api/v1/categories", name="Home")

    answer = await shop.client.post(
        "/api/v1/products",
        json={
            "name": "Kettle",
            "category_id": home["id"],
            "price": kes("2499.00"),
            "sku": "KET-1",
            "initial_stock": 20,
        },
        headers=staff(shop),
    )

    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/products/{made['id']}"
    assert (made["slug"], made["status"], made["in_stock"]) == ("kettle", "active", True)
    assert [(each["sku"], each["options"], each["price"]) for each in made["variants"]] == [
        ("KET-1", {}, kes("2499.00"))
    ]
    assert [each["name"] for each in made["categories"]] == ["Home"]
    assert {name: made[name] for name in ("sale_price", "discount_percent", "rating", "review_count", "images")} == {
        "sale_price": None,
        "discount_percent": None,
        "rating": None,
        "review_count": 0,
        "images": [],
    }
    assert stock.received == {"KET-1": 20}
    await shop.settle()
    assert isinstance(shop.sent[-1], public.ProductCreated)
    assert shop.sent[-1].initial_stock == {"KET-1": 20}


async def test_while_inventory_is_down_a_product_is_made_with_202_and_the_event_brings_its_stock(
    shop: Harness, stock: Inventory
) -> None:
    stock.down = True

    answer = await shop.client.post(
        "/api/v1/products",
        json={"name": "Kettle", "price": kes("1.00"), "sku": "KET-1", "initial_stock": 20},
        headers=staff(shop),
    )

    assert answer.status_code == 202
    assert answer.json()["in_stock"] is False
    await shop.settle()
    assert shop.sent[-1].initial_stock == {"KET-1": 20}


async def test_a_product_with_options_has_a_variant_for_each(shop: Harness) -> None:
    tee = await make(
        shop,
        name="Tee",
        price=kes("1000.00"),
        variants=[
            {"sku": "TEE-S", "options": {"size": "S", "colour": "red"}},
            {"sku": "TEE-M", "options": {"size": "M", "colour": "red"}, "price": kes("1200.00")},
        ],
    )

    assert tee["options"] == {"size": ["S", "M"], "colour": ["red"]}
    assert list(tee["variants"][0]["options"]) == ["size", "colour"]
    assert [each["price"]["amount"] for each in tee["variants"]] == ["1000.00", "1200.00"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"price": kes("1")}, "/name"),
        ({"name": " ", "price": kes("1"), "sku": "A"}, "/name"),
        ({"name": "A\x00", "price": kes("1"), "sku": "A"}, "/name"),
        ({"name": "A", "price": kes("1")}, "/sku"),
        ({"name": "A", "price": kes("1"), "sku": "a b"}, "/sku"),
        ({"name": "A", "price": kes("1.234"), "sku": "A"}, "/price/amount"),
        ({"name": "A", "price": kes("-1"), "sku": "A"}, "/price/amount"),
        ({"name": "A", "price": {"amount": "1", "currency": "USD"}, "sku": "A"}, "/price/currency"),
        ({"name": "A", "price": kes("1"), "sku": "A", "colour": "red"}, "/colour"),
        ({"name": "A", "price": kes("1"), "sku": "A", "status": "archived"}, "/status"),
        ({"name": "A", "price": kes("1"), "sku": "A", "initial_stock": -1}, "/initial_stock"),
        ({"name": "A", "price": kes("1"), "sku": "A", "category_id": "nowhere"}, "/category_id"),
        ({"name": "A", "price": kes("1"), "sku": "A", "category_ids": ["nowhere"]}, "/category_ids/0"),
        ({"name": "A", "price": kes("1"), "sku": "A", "category_id": "x", "category_ids": []}, "/category_id"),
        ({"name": "A", "price": kes("1"), "sku": "A", "variants": [{"sku": "B"}]}, "/sku"),
        ({"name": "A", "price": kes("1"), "variants": [{"sku": "A"}, {"sku": "B"}]}, "/variants/1/options"),
        ({"name": "A", "price": kes("1"), "variants": []}, "/variants"),
    ],
)
async def test_what_cannot_be_a_product_is_refused_with_a_pointer(
    shop: Harness, body: dict[str, Any], pointer: str
) -> None:
    answer = await shop.client.post("/api/v1/products", json=body, headers=staff(shop))

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer] or pointer in str(answer.json())
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


async def test_a_sku_is_taken_once(shop: Harness) -> None:
    await kettle(shop)

    other = await shop.client.post(
        "/api/v1/products", json={"name": "Other", "price": kes("1"), "sku": "KET-1"}, headers=staff(shop)
    )
    twice = await shop.client.post(
        "/api/v1/products",
        json={
            "name": "Twice",
            "price": kes("1"),
            "variants": [{"sku": "X", "options": {"a": "1"}}, {"sku": "X", "options": {"a": "2"}}],
        },
        headers=staff(shop),
    )

    for answer in (other, twice):
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/sku-taken"
    assert await names(shop) == ["Kettle"]


async def test_ten_products_of_one_name_made_at_once_have_ten_slugs(shop: Harness) -> None:
    made = await asyncio.gather(*(kettle(shop, f"KET-{n}") for n in range(10)))

    assert sorted(each["slug"] for each in made) == sorted(["kettle", *(f"kettle-{n}" for n in range(2, 11))])


async def test_a_slug_never_hides_a_path_and_is_never_empty(shop: Harness) -> None:
    assert (await kettle(shop, "A", name="Featured"))["slug"] == "featured-2"
    assert (await kettle(shop, "B", name="!!!"))["slug"] == "product"


async def test_the_same_idempotency_key_makes_one_product(shop: Harness) -> None:
    body = {"name": "Kettle", "price": kes("1.00"), "sku": "KET-1", "initial_stock": 3}
    headers = {**staff(shop), "Idempotency-Key": "k-1"}

    first = await shop.client.post("/api/v1/products", json=body, headers=headers)
    second = await shop.client.post("/api/v1/products", json=body, headers=headers)
    other = await shop.client.post("/api/v1/products", json={**body, "name": "Pan"}, headers=headers)

    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 422)
    assert second.headers["idempotency-replayed"] == "true"
    assert second.json() == first.json()


async def test_a_product_is_found_by_id_and_by_slug(shop: Harness) -> None:
    made = await kettle(shop)

    by_id = await shop.client.get(f"/api/v1/products/{made['id']}")
    by_slug = await shop.client.get("/api/v1/products/kettle/")

    assert by_id.json() == by_slug.json()
    assert by_id.headers["cache-control"] == "no-cache"
    assert by_id.headers["etag"] == by_slug.headers["etag"]


@pytest.mark.parametrize("key", ["nothing", "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6", "%F0%9F%92%A9"])
async def test_what_is_not_there_is_404(shop: Harness, key: str) -> None:
    for path in (f"/api/v1/products/{key}", f"/api/v1/categories/{key}", f"/api/v1/variants/{key}"):
        answer = await shop.client.get(path)
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("key", ["%00", "a" * 101])
async def test_what_cannot_be_an_id_is_a_plain_no(shop: Harness, key: str) -> None:
    for path in (f"/api/v1/products/{key}", f"/api/v1/categories/{key}", f"/api/v1/variants/{key}"):
        assert (await shop.client.get(path)).status_code in (404, 422)
