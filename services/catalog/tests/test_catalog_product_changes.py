"""Products over HTTP: changed, by whom, at which version; and what is told of it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import Inventory, kes, kettle, names, staff
from soko_contracts import Envelope, inventory
from soko_contracts import catalog as public


@pytest.fixture
def stock() -> Inventory:
    return Inventory()


@pytest.fixture
async def shop(running: Callable[..., Any], stock: Inventory) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": stock.app()}) as harness:
        yield harness


async def test_an_unchanged_product_is_304_and_a_changed_one_is_not(shop: Harness) -> None:
    await kettle(shop)
    tag = (await shop.client.get("/api/v1/products/kettle")).headers["etag"]

    again = await shop.client.get("/api/v1/products/kettle", headers={"If-None-Match": tag})
    weak = await shop.client.get("/api/v1/products/kettle", headers={"If-None-Match": f'"x", W/{tag}'})
    by_staff = await shop.client.get("/api/v1/products/kettle", headers={**staff(shop), "If-None-Match": tag})
    await shop.client.patch("/api/v1/products/kettle", json={"featured": True}, headers=staff(shop))
    changed = await shop.client.get("/api/v1/products/kettle", headers={"If-None-Match": tag})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (weak.status_code, by_staff.status_code, changed.status_code) == (304, 304, 200)
    assert changed.json()["featured"] is True


async def test_a_write_on_a_stale_version_is_412(shop: Harness) -> None:
    made = await kettle(shop)
    url = f"/api/v1/products/{made['id']}"
    tag = (await shop.client.get(url)).headers["etag"]

    first = await shop.client.patch(url, json={"price": kes("1.00")}, headers={**staff(shop), "If-Match": tag})
    second = await shop.client.patch(url, json={"price": kes("2.00")}, headers={**staff(shop), "If-Match": tag})
    third = await shop.client.delete(url, headers={**staff(shop), "If-Match": tag})

    assert (first.status_code, second.status_code, third.status_code) == (200, 412, 412)
    assert first.headers["etag"] != tag
    assert (await shop.client.get(url)).json()["price"] == kes("1.00")


async def test_selling_out_does_not_stand_in_the_way_of_if_match(shop: Harness) -> None:
    await kettle(shop, initial_stock=1)
    tag = (await shop.client.get("/api/v1/products/kettle")).headers["etag"]
    await sold_out(shop, "KET-1")

    answer = await shop.client.patch(
        "/api/v1/products/kettle", json={"price": kes("1.00")}, headers={**staff(shop), "If-Match": tag}
    )

    assert (await shop.client.get("/api/v1/products/kettle")).headers["etag"] != tag
    assert answer.status_code == 200


async def sold_out(shop: Harness, sku: str, sequence: int = 9) -> None:
    level = inventory.StockLevel(sku=sku, on_hand=0, reserved=0, available=0)
    await shop.deliver(level, subject=f"stock-{sku}", sequence=sequence)


async def test_each_change_is_told_with_the_next_sequence(shop: Harness) -> None:
    made = await kettle(shop)
    url = f"/api/v1/products/{made['id']}"

    await shop.client.patch(url, json={"price": kes("99.00"), "brand": "Jiko"}, headers=staff(shop))
    await shop.client.patch(url, json={"brand": "Jiko"}, headers=staff(shop))
    await shop.client.delete(url, headers=staff(shop))
    await shop.settle()

    told = [(type(parsed), envelope.subject, envelope.sequence) for parsed, envelope in messages(shop)]
    assert told == [
        (public.ProductCreated, made["id"], 1),
        (public.ProductUpdated, made["id"], 2),
        (public.PriceChanged, made["id"], 3),
        (public.ProductArchived, made["id"], 4),
    ]


def messages(shop: Harness) -> list[tuple[Any, Envelope]]:
    return list(zip(shop.sent, shop.recorder.envelopes, strict=True))


async def test_put_replaces_all_fields(shop: Harness) -> None:
    await kettle(shop, description="Boils.", brand="Jiko", attributes={"material": "steel"}, featured=True)

    answer = await shop.client.put(
        "/api/v1/products/kettle", json={"name": "Big Kettle", "price": kes("1.00")}, headers=staff(shop)
    )

    put = answer.json()
    assert (put["slug"], put["name"], put["description"], put["brand"]) == ("big-kettle", "Big Kettle", "", None)
    assert (put["attributes"], put["featured"], len(put["variants"])) == ({}, False, 1)


async def test_a_patch_refuses_null_where_there_must_be_a_value(shop: Harness) -> None:
    await kettle(shop, brand="Jiko")

    nothing = await shop.client.patch("/api/v1/products/kettle", json={"name": None}, headers=staff(shop))
    no_brand = await shop.client.patch("/api/v1/products/kettle", json={"brand": None}, headers=staff(shop))

    assert (nothing.status_code, nothing.json()["errors"][0]["pointer"]) == (422, "/name")
    assert no_brand.json()["brand"] is None


async def test_drafts_and_archived_products_are_for_staff(shop: Harness) -> None:
    await kettle(shop, "A", name="Draft", status="draft")
    await kettle(shop, "B", name="Old")
    await shop.client.delete("/api/v1/products/old", headers=staff(shop))

    for slug in ("draft", "old"):
        assert (await shop.client.get(f"/api/v1/products/{slug}")).status_code == 404
        assert (await shop.client.get(f"/api/v1/products/{slug}", headers=staff(shop))).status_code == 200
    assert await names(shop) == []
    assert sorted(await names(shop, "status=draft&status=archived", **staff(shop))) == ["Draft", "Old"]
    assert (await shop.client.get("/api/v1/products?status=draft")).status_code == 401
    customer = shop.bearer()
    assert (await shop.client.get("/api/v1/products?status=draft", headers=customer)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/products"),
        ("PUT", "/products/x"),
        ("PATCH", "/products/x"),
        ("DELETE", "/products/x"),
        ("POST", "/products/x/variants"),
        ("PATCH", "/variants/x"),
        ("DELETE", "/variants/x"),
        ("POST", "/categories"),
        ("PUT", "/categories/x"),
        ("PATCH", "/categories/x"),
        ("DELETE", "/categories/x"),
    ],
)
async def test_only_staff_write(shop: Harness, method: str, path: str) -> None:
    nobody = await shop.client.request(method, f"/api/v1{path}", json={})
    customer = await shop.client.request(method, f"/api/v1{path}", json={}, headers=shop.bearer())

    assert (nobody.status_code, customer.status_code) == (401, 403)


async def test_the_stock_heard_of_shows_and_old_news_does_not(shop: Harness) -> None:
    await kettle(shop, initial_stock=2)
    await shop.settle()
    assert (await shop.client.get("/api/v1/products/kettle")).json()["in_stock"] is True

    await sold_out(shop, "KET-1", sequence=9)
    late = inventory.StockLevel(sku="KET-1", on_hand=2, reserved=0, available=2)
    await shop.deliver(late, subject="stock-KET-1", sequence=8)

    assert (await shop.client.get("/api/v1/products/kettle")).json()["in_stock"] is False


async def test_every_operation_is_documented_with_an_example_that_fits(shop: Harness) -> None:
    from catalog.api import answers, bodies
    from pydantic import BaseModel

    models = [
        each
        for module in (answers, bodies)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseModel) and each.model_config.get("json_schema_extra")
    ]
    for model in models:
        extra: Any = model.model_config["json_schema_extra"]
        (example,) = extra["examples"]
        model.model_validate(example)
    document = shop.service.app.openapi()
    for path, item in document["paths"].items():
        assert not path.startswith("/internal")
        for operation in item.values():
            assert {"operationId", "summary", "responses", "tags"} <= operation.keys()
