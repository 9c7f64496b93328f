from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from soko_contracts import catalog as public
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


@pytest.fixture
def received() -> dict[str, int]:
    """What the inventory received, by SKU."""
    return {}


@pytest.fixture
async def shop(running: Callable[..., Any], received: dict[str, int]) -> AsyncIterator[Harness]:
    async def receive(request: Request) -> JSONResponse:
        received[request.path_params["sku"]] = (await request.json())["initial"]
        return JSONResponse({})

    app = Starlette(routes=[Route("/internal/v1/stock/{sku}", receive, methods=["POST"])])
    async with running(build, Settings, peers={"inventory": app}) as harness:
        yield harness


def staff(shop: Harness) -> dict[str, str]:
    return shop.bearer("staff-1", "staff", ["catalog:write"])


async def tee(shop: Harness) -> dict[str, Any]:
    variants = [{"sku": f"TEE-{size}", "options": {"size": size}} for size in ("S", "M")]
    answer = await shop.client.post(
        "/api/v1/products", json={"name": "Tee", "price": kes("1000.00"), "variants": variants}, headers=staff(shop)
    )
    made: dict[str, Any] = answer.json()
    return made


async def add(shop: Harness, **body: Any) -> httpx.Response:
    return await shop.client.post("/api/v1/products/tee/variants", json=body, headers=staff(shop))


async def test_a_variant_is_added_with_its_stock(shop: Harness, received: dict[str, int]) -> None:
    made = await tee(shop)

    answer = await add(shop, sku="TEE-L", options={"size": "L"}, price=kes("1200.00"), initial_stock=7)

    variant = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/variants/{variant['id']}"
    assert (variant["product_id"], variant["price"], variant["in_stock"]) == (made["id"], kes("1200.00"), True)
    assert received == {"TEE-L": 7}
    await shop.settle()
    assert isinstance(shop.sent[-1], public.VariantCreated)
    assert (shop.sent[-1].initial_stock, shop.recorder.envelopes[-1].sequence) == (7, 2)
    assert shop.recorder.envelopes[-1].subject == made["id"]


async def test_a_variant_that_does_not_fit_is_refused(shop: Harness) -> None:
    await tee(shop)

    same = await add(shop, sku="TEE-L", options={"size": "S"})
    other = await add(shop, sku="TEE-L", options={"colour": "red"})
    taken = await add(shop, sku="TEE-S", options={"size": "L"})
    nowhere = await shop.client.post("/api/v1/products/no/variants", json={"sku": "X"}, headers=staff(shop))

    assert [answer.status_code for answer in (same, other, taken, nowhere)] == [422, 422, 409, 404]
    assert same.json()["errors"][0]["pointer"] == "/options"
    assert taken.json()["skus"] == ["TEE-S"]


async def test_a_variants_price_changes_and_goes_back_to_the_products(shop: Harness) -> None:
    made = await tee(shop)
    url = f"/api/v1/variants/{made['variants'][0]['id']}"

    own = await shop.client.patch(url, json={"price": kes("1.00")}, headers=staff(shop))
    back = await shop.client.patch(url, json={"price": None}, headers=staff(shop))
    await shop.settle()

    assert (own.json()["price"], back.json()["price"]) == (kes("1.00"), kes("1000.00"))
    changes = [each for each in shop.sent if isinstance(each, public.PriceChanged)]
    assert [(each.old_price, each.price) for each in changes] == [(100000, 100), (100, 100000)]


async def test_the_products_price_changes_what_its_variants_cost(shop: Harness) -> None:
    await tee(shop)
    await shop.client.get("/api/v1/variants?sku=TEE-S")

    await shop.client.patch("/api/v1/products/tee", json={"price": kes("5.00")}, headers=staff(shop))

    found = (await shop.client.get("/api/v1/variants?sku=TEE-S")).json()
    assert [each["price"] for each in found["items"]] == [kes("5.00")]


async def test_a_variant_off_sale_is_for_staff(shop: Harness) -> None:
    made = await tee(shop)
    url = f"/api/v1/variants/{made['variants'][0]['id']}"
    await shop.client.patch(url, json={"active": False}, headers=staff(shop))

    assert (await shop.client.get(url)).status_code == 404
    assert (await shop.client.get(url, headers=staff(shop))).json()["active"] is False
    assert (await shop.client.get("/api/v1/variants?sku=TEE-S")).json()["items"] == []
    assert (await shop.client.get("/api/v1/products/tee/variants")).json()["total"] == 1
    assert (await shop.client.get("/api/v1/products/tee/variants", headers=staff(shop))).json()["total"] == 2


async def test_a_variant_goes_but_not_the_last(shop: Harness) -> None:
    made = await tee(shop)
    first, second = (f"/api/v1/variants/{each['id']}" for each in made["variants"])

    gone = await shop.client.delete(first, headers=staff(shop))
    last = await shop.client.delete(second, headers=staff(shop))

    assert (gone.status_code, last.status_code) == (204, 409)
    assert last.json()["type"] == "/problems/last-variant"
    assert (await shop.client.get(first)).status_code == 404
    await shop.settle()
    assert isinstance(shop.sent[-1], public.VariantRemoved)


async def test_a_variant_is_guarded_by_if_match(shop: Harness) -> None:
    made = await tee(shop)
    url = f"/api/v1/variants/{made['variants'][0]['id']}"
    tag = (await shop.client.get(url)).headers["etag"]
    await shop.client.patch("/api/v1/products/tee", json={"brand": "X"}, headers=staff(shop))

    for method in ("PATCH", "DELETE"):
        body: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
        answer = await shop.client.request(method, url, headers={**staff(shop), "If-Match": tag}, **body)
        assert answer.status_code == 412


async def test_the_same_key_adds_one_variant(shop: Harness) -> None:
    await tee(shop)
    headers = {**staff(shop), "Idempotency-Key": "k"}
    body = {"sku": "TEE-L", "options": {"size": "L"}}

    answers = [await shop.client.post("/api/v1/products/tee/variants", json=body, headers=headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert "idempotency-replayed" in answers[1].headers


@pytest.mark.parametrize("query", ["", "?sku=", "?sku=a%20b", "?sku=%00", "?name=x"])
async def test_finding_variants_needs_skus(shop: Harness, query: str) -> None:
    assert (await shop.client.get(f"/api/v1/variants{query}")).status_code == 422


async def test_services_ask_for_skus_as_they_are_sold(shop: Harness) -> None:
    made = await tee(shop)
    await shop.client.patch(
        f"/api/v1/variants/{made['variants'][1]['id']}", json={"price": kes("9.00")}, headers=staff(shop)
    )
    url = "/internal/v1/variants?sku=TEE-M&sku=NO&sku=TEE-S&sku=TEE-M"

    answer = await shop.client.get(url, headers=shop.service_token("cart"))

    found = answer.json()
    assert [(each["sku"], each["price"], each["currency"], each["active"]) for each in found["items"]] == [
        ("TEE-M", 900, "KES", True),
        ("TEE-S", 100000, "KES", True),
    ]
    assert found["items"][0]["options"] == {"size": "M"}
    assert found["missing"] == ["NO"]
    assert (await shop.client.get(url)).status_code == 401
    assert (await shop.client.get(url, headers=staff(shop))).status_code == 401


async def test_an_archived_products_variants_are_known_and_not_for_sale(shop: Harness) -> None:
    await tee(shop)
    await shop.client.delete("/api/v1/products/tee", headers=staff(shop))

    answer = await shop.client.get("/internal/v1/variants?sku=TEE-S", headers=shop.service_token("cart"))

    assert [each["active"] for each in answer.json()["items"]] == [False]
