import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from soko_contracts import Envelope, inventory
from soko_contracts import catalog as public
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Inventory:
    """Stands where the inventory would: remembers what it received, or does not answer well."""

    def __init__(self) -> None:
        self.received: dict[str, int] = {}
        self.down = False

    async def _receive(self, request: Request) -> JSONResponse:
        if self.down:
            return JSONResponse({}, 503)
        self.received[request.path_params["sku"]] = (await request.json())["initial"]
        return JSONResponse({"sku": request.path_params["sku"]})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/internal/v1/stock/{sku}", self._receive, methods=["POST"])])


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


@pytest.fixture
def stock() -> Inventory:
    return Inventory()


@pytest.fixture
async def shop(running: Callable[..., Any], stock: Inventory) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": stock.app()}) as harness:
        yield harness


def staff(shop: Harness) -> dict[str, str]:
    return shop.bearer("staff-1", "staff", ["catalog:write"])


async def make(shop: Harness, path: str = "/api/v1/products", **body: Any) -> dict[str, Any]:
    answer = await shop.client.post(path, json=body, headers=staff(shop))
    assert answer.status_code in (201, 202), answer.text
    made: dict[str, Any] = answer.json()
    return made


async def kettle(shop: Harness, sku: str = "KET-1", **more: Any) -> dict[str, Any]:
    return await make(shop, **{"name": "Kettle", "price": kes("2499.00"), "sku": sku, **more})


async def names(shop: Harness, query: str = "", **headers: str) -> list[str]:
    answer = await shop.client.get(f"/api/v1/products?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


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
    assert (put["slug"], put["name"], put["description"], put["brand"]) == ("kettle", "Big Kettle", "", None)
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
