"""What staff see and change of the stock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from chassis.context import Context
from chassis.fixtures import Harness
from inventory.domain.holding import holding
from inventory.domain.listing import ListSkus, listing
from inventory.domain.reservation_events import Line, Reserve
from inventory.domain.stock_commands import ListSku
from inventory.service import build
from inventory.settings import Settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

HERE = Context("test", "test", "test")
RIGHTS = ("inventory:read", "inventory:write")


def catalog() -> Starlette:
    """Sells NEW, and nothing else that the inventory has not heard of."""

    async def variants(request: Request) -> JSONResponse:
        wanted = request.query_params.getlist("sku")
        return JSONResponse({"items": [{"sku": sku, "initial_stock": 3} for sku in wanted if sku == "NEW"]})

    return Starlette(routes=[Route("/internal/v1/variants", variants)])


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    """Twenty kettles, four cups, no mugs; the client is staff."""
    async with running(build, Settings, peers={"catalog": catalog()}) as harness:
        skus = (ListSku("KET-1", 5, 20), ListSku("CUP.2", 5, 4), ListSku("MUG", 5))
        await harness.service.execute_many(listing, ListSkus(skus), HERE)
        harness.client.headers.update(harness.bearer(role="staff", rights=RIGHTS))
        yield harness


async def hold(shop: Harness, order_id: str, sku: str, quantity: int) -> None:
    expires_at = shop.clock() + timedelta(minutes=20)
    await shop.service.execute_many(holding, Reserve(order_id, (Line(sku, quantity),), expires_at, 60), HERE)


async def get(shop: Harness, path: str) -> Any:
    answer = await shop.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(shop: Harness, path: str, body: Any, **headers: str) -> httpx.Response:
    return await shop.client.post(f"/api/v1/inventory/{path}", json=body, headers=headers)


def problem(answer: httpx.Response, status: int, slug: str) -> Any:
    """The problem document, which must be this one."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["type"] == f"/problems/{slug}"
    return answer.json()


async def test_one_sku_is_shown_as_it_stands(shop: Harness) -> None:
    await hold(shop, "o", "KET-1", 16)
    answer = await shop.client.get("/api/v1/inventory/KET-1")
    assert answer.json() == {
        "sku": "KET-1",
        "on_hand": 20,
        "reserved": 16,
        "available": 4,
        "shortage": 0,
        "in_transit": 0,
        "threshold": 5,
        "low": True,
        "backorder_limit": 0,
        "backordered": 0,
        "value": {"at_price": None, "at_cost": {"amount": "0.00", "currency": "KES"}, "units_without_cost": 20},
        "locations": [{"location_id": "main", "on_hand": 20, "reserved": 16, "available": 4, "shortage": 0}],
        "updated_at": answer.json()["updated_at"],
    }
    again = await shop.client.get("/api/v1/inventory/KET-1", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["CUP.2", "KET-1", "MUG"]),
        ("?ordering=-available", ["KET-1", "CUP.2", "MUG"]),
        ("?sku=MUG&sku=KET-1", ["KET-1", "MUG"]),
        ("?search=ket", ["KET-1"]),
        ("?search=%25", []),
        ("?search=p.2", ["CUP.2"]),
        ("?low=true", ["CUP.2", "MUG"]),
        ("?low=false", ["KET-1"]),
        ("?in_stock=false", ["MUG"]),
        ("?in_stock=true&low=true", ["CUP.2"]),
        ("?page=2&page_size=2", ["MUG"]),
        ("?limit=1&offset=1", ["KET-1"]),
    ],
)
async def test_the_list_filters_orders_and_pages(shop: Harness, query: str, found: list[str]) -> None:
    assert [item["sku"] for item in (await get(shop, f"/api/v1/inventory{query}"))["items"]] == found


async def test_the_low_ones_have_a_list_of_their_own(shop: Harness) -> None:
    listed = await get(shop, "/api/v1/inventory/low-stock")
    assert [item["sku"] for item in listed["items"]] == ["MUG", "CUP.2"]
    assert listed["total"] == 2


async def test_the_threshold_is_changed_at_the_version_that_was_read(shop: Harness) -> None:
    read = await shop.client.get("/api/v1/inventory/KET-1")
    changed = await shop.client.patch(
        "/api/v1/inventory/KET-1", json={"threshold": 20}, headers={"If-Match": read.headers["ETag"]}
    )
    assert (changed.status_code, changed.json()["threshold"], changed.json()["low"]) == (200, 20, True)
    assert changed.headers["ETag"] != read.headers["ETag"]
    stale = await shop.client.patch(
        "/api/v1/inventory/KET-1", json={"threshold": 1}, headers={"If-Match": read.headers["ETag"]}
    )
    problem(stale, 412, "precondition-failed")


async def test_of_settings_made_at_once_by_who_knows_one_version_exactly_one_counts(shop: Harness) -> None:
    tag = {"If-Match": (await shop.client.get("/api/v1/inventory/KET-1")).headers["ETag"]}
    changes = [{"threshold": 30}, {"backorder_limit": 7}, {"threshold": 31}, {"backorder_limit": 8}]
    answers = await asyncio.gather(
        *(shop.client.patch("/api/v1/inventory/KET-1", json=change, headers=tag) for change in changes),
        *(post(shop, "KET-1/receipts", {"quantity": 1}) for _ in range(4)),
    )
    assert sorted(answer.status_code for answer in answers[:4]) == [200, 412, 412, 412]
    assert [answer.status_code for answer in answers[4:]] == [201] * 4
    shown = await get(shop, "/api/v1/inventory/KET-1")
    (counted,) = [change for change, answer in zip(changes, answers[:4], strict=True) if answer.status_code == 200]
    assert shown.items() >= {"on_hand": 24, "threshold": 5, "backorder_limit": 0, **counted}.items()


async def test_units_that_come_and_go_do_not_stand_in_the_way_of_a_new_threshold(shop: Harness) -> None:
    read = await shop.client.get("/api/v1/inventory/KET-1")
    assert (await post(shop, "KET-1/receipts", {"quantity": 5})).status_code == 201
    again = await shop.client.get("/api/v1/inventory/KET-1", headers={"If-None-Match": read.headers["ETag"]})
    assert (again.status_code, again.json()["on_hand"]) == (200, 25)
    changed = await shop.client.patch(
        "/api/v1/inventory/KET-1", json={"threshold": 20}, headers={"If-Match": read.headers["ETag"]}
    )
    assert (changed.status_code, changed.json()["threshold"]) == (200, 20)


async def test_the_ledger_tells_every_movement(shop: Harness) -> None:
    assert (await post(shop, "KET-1/receipts", {"quantity": 5, "reference": "DN-77"})).status_code == 201
    assert (await post(shop, "KET-1/adjustments", {"delta": -2, "reason": "damaged"})).json()["on_hand"] == 23
    assert (await post(shop, "KET-1/adjustments", {"delta": 1, "reason": "found behind a shelf"})).status_code == 201
    assert (await post(shop, "KET-1/counts", {"quantity": 19, "reference": "stocktake"})).json()["on_hand"] == 19
    listed = await get(shop, "/api/v1/inventory/KET-1/movements")
    told = [
        (each["delta"], each["reason"], each["reference"], each["note"], each["on_hand"]) for each in listed["items"]
    ]
    assert told == [
        (-5, "counted", "stocktake", None, 19),
        (1, "adjusted", None, "found behind a shelf", 24),
        (-2, "damaged", None, None, 23),
        (5, "received", "DN-77", None, 25),
        (20, "received", "initial stock", None, 20),
    ]
    assert listed["total"] == 5


async def test_the_ledger_is_filtered_by_reason_and_time(shop: Harness) -> None:
    noon = shop.clock().isoformat()
    shop.clock.advance(timedelta(minutes=10))
    await post(shop, "KET-1/receipts", {"quantity": 5})
    await post(shop, "KET-1/adjustments", {"delta": -1})
    later = shop.clock().isoformat()

    async def found(**query: Any) -> list[int]:
        listed = (await shop.client.get("/api/v1/inventory/KET-1/movements", params=query)).json()["items"]
        return [each["delta"] for each in listed]

    assert await found(reason="received") == [5, 20]
    assert await found(reason=["adjusted", "received"]) == [-1, 5, 20]
    assert await found(created_after=later) == [-1, 5]
    assert await found(created_after=noon, created_before=later) == [20]


async def test_the_ledger_is_read_to_its_end_by_cursor_while_it_grows(shop: Harness) -> None:
    for quantity in range(1, 8):
        await post(shop, "KET-1/receipts", {"quantity": quantity})
    page = await get(shop, "/api/v1/inventory/KET-1/movements?cursor=&limit=3")
    assert (page["total"], [each["delta"] for each in page["items"]]) == (None, [7, 6, 5])
    await post(shop, "KET-1/receipts", {"quantity": 8})
    seen: list[int] = []
    while page["next"]:
        page = await get(shop, page["next"])
        seen += [each["delta"] for each in page["items"]]
    assert seen == [4, 3, 2, 1, 20]


async def test_an_adjustment_into_what_is_reserved_is_refused(shop: Harness) -> None:
    await hold(shop, "o", "KET-1", 18)
    refused = await post(shop, "KET-1/adjustments", {"delta": -3, "reason": "damaged"})
    assert problem(refused, 409, "not-enough-stock")["available"] == 2
    assert (await get(shop, "/api/v1/inventory/KET-1"))["on_hand"] == 20


async def test_a_count_below_what_is_reserved_shows_the_shortage(shop: Harness) -> None:
    await hold(shop, "o", "KET-1", 18)
    counted = (await post(shop, "KET-1/counts", {"quantity": 15})).json()
    assert (counted["on_hand"], counted["reserved"], counted["available"], counted["shortage"]) == (15, 18, 0, 3)


async def test_the_same_key_enters_a_receipt_once(shop: Harness) -> None:
    first = await post(shop, "KET-1/receipts", {"quantity": 5}, **{"Idempotency-Key": "k-1"})
    again = await post(shop, "KET-1/receipts", {"quantity": 5}, **{"Idempotency-Key": "k-1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert (again.headers["Idempotency-Replayed"], again.json()["on_hand"]) == ("true", 25)
    problem(
        await post(shop, "KET-1/receipts", {"quantity": 6}, **{"Idempotency-Key": "k-1"}),
        422,
        "idempotency-key-reused",
    )


async def test_receipts_at_the_same_time_all_count(shop: Harness) -> None:
    answers = await asyncio.gather(*(post(shop, "KET-1/receipts", {"quantity": 1}) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [201] * 20
    assert (await get(shop, "/api/v1/inventory/KET-1"))["on_hand"] == 40


async def test_goods_of_a_sku_only_the_catalog_knows_so_far_can_be_received(shop: Harness) -> None:
    assert (await post(shop, "NEW/receipts", {"quantity": 5})).json()["on_hand"] == 8
    problem(await post(shop, "OLD/receipts", {"quantity": 5}), 404, "unknown-sku")
    del shop.peers["catalog"]
    away = problem(await post(shop, "OLD/receipts", {"quantity": 5}), 503, "service-unavailable")
    assert away["service"] == "catalog"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("KET-1/receipts", {"quantity": 0}, "/quantity"),
        ("KET-1/receipts", {"quantity": "5"}, "/quantity"),
        ("KET-1/receipts", {"quantity": 5.5}, "/quantity"),
        ("KET-1/receipts", {"quantity": 10**30}, "/quantity"),
        ("KET-1/receipts", {"quantity": 5, "reference": "a\u0000b"}, "/reference"),
        ("KET-1/receipts", {"quantity": 5, "reference": "   "}, "/reference"),
        ("KET-1/receipts", {"quantity": 5, "colour": "red"}, "/colour"),
        ("KET-1/receipts", {}, "/quantity"),
        ("KET-1/counts", {"quantity": -1}, "/quantity"),
        ("KET-1/adjustments", {"delta": 0, "reason": "damaged"}, "/delta"),
        ("KET-1/adjustments", {"delta": 1, "reason": ""}, "/reason"),
        ("KET-1/adjustments", {"delta": 1, "reason": "x" * 201}, "/reason"),
        ("KET 1/receipts", {"quantity": 5}, "/path/sku"),
        ("K%C3%A9/receipts", {"quantity": 5}, "/path/sku"),
    ],
)
async def test_bad_input_is_named_by_field_and_rule(shop: Harness, path: str, body: Any, pointer: str) -> None:
    found = problem(await post(shop, path, body), 422, "validation")
    assert found["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "path",
    [
        "?colour=red",
        "?search=%00",
        "?sku=%00",
        "?low=maybe",
        "?page=1&limit=3",
        "?ordering=price",
        "/KET-1/movements?cursor=WyJ4Il0",
        "/KET-1/movements?cursor=WzFlOTld",
        "/KET-1/movements?reason=stolen",
        "/KET-1/movements?created_after=yesterday",
        "/KET-1/movements?created_after=2026-01-05T12:00:00",
    ],
)
async def test_bad_queries_are_refused(shop: Harness, path: str) -> None:
    problem(await shop.client.get(f"/api/v1/inventory{path}"), 422, "validation")


async def test_a_sku_that_is_not_there_is_not_found(shop: Harness) -> None:
    problem(await shop.client.get("/api/v1/inventory/NONE"), 404, "not-found")
    problem(await shop.client.get("/api/v1/inventory/NONE/movements"), 404, "not-found")
    problem(await shop.client.patch("/api/v1/inventory/NONE", json={"threshold": 1}), 404, "not-found")


async def test_a_broken_body_is_refused(shop: Harness) -> None:
    for body, status, slug in (
        (b"{", 400, "malformed-request"),
        (b'{"quantity": 5, "reference": "\\ud800"}', 400, "malformed-request"),
        (b"[]", 422, "validation"),
        (b"null", 422, "validation"),
    ):
        headers = {"Content-Type": "application/json"}
        answer = await shop.client.post("/api/v1/inventory/KET-1/receipts", content=body, headers=headers)
        problem(answer, status, slug)


@pytest.mark.parametrize("path", ["", "/low-stock", "/KET-1", "/KET-1/movements"])
async def test_only_staff_read(shop: Harness, path: str) -> None:
    problem(await shop.client.get(f"/api/v1/inventory{path}", headers={"Authorization": ""}), 401, "unauthenticated")
    problem(await shop.client.get(f"/api/v1/inventory{path}", headers=shop.bearer()), 403, "forbidden")


async def test_who_may_read_may_not_write(shop: Harness) -> None:
    reader = shop.bearer(role="staff", rights=("inventory:read",))
    for path, body in (("receipts", {"quantity": 1}), ("counts", {"quantity": 1}), ("adjustments", {"delta": 1})):
        problem(await post(shop, f"KET-1/{path}", body, **reader), 403, "forbidden")
    patch = await shop.client.patch("/api/v1/inventory/KET-1", json={"threshold": 1}, headers=reader)
    problem(patch, 403, "forbidden")


async def test_another_service_brings_the_initial_stock_once(shop: Harness) -> None:
    catalog = shop.service_token("catalog")
    for _ in range(2):
        answer = await shop.client.post("/internal/v1/stock/POT", json={"initial": 7}, headers=catalog)
        assert answer.json() == {"sku": "POT", "on_hand": 7, "reserved": 0, "available": 7, "backorderable": 0}
    kettle = await shop.client.post("/internal/v1/stock/KET-1", json={"initial": 20}, headers=catalog)
    assert kettle.json()["on_hand"] == 20


async def test_another_service_asks_for_levels(shop: Harness) -> None:
    answer = await shop.client.get("/internal/v1/stock?sku=KET-1&sku=NONE", headers=shop.service_token("cart"))
    assert answer.json() == {
        "items": [{"sku": "KET-1", "on_hand": 20, "reserved": 0, "available": 20, "backorderable": 0}],
        "missing": ["NONE"],
    }


async def test_the_documents_show_every_operation_with_an_example(shop: Harness) -> None:
    document = shop.service.app.openapi()
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert {each["operationId"] for each in operations} >= {"list_stock", "adjust_stock", "list_movements"}
    for name in ("SkuAnswer", "MovementAnswer", "AdjustmentBody", "ReceiptBody", "CountBody", "ConfigurationBody"):
        assert document["components"]["schemas"][name]["examples"]


async def test_staff_are_no_service(shop: Harness) -> None:
    problem(await shop.client.get("/internal/v1/stock?sku=KET-1"), 401, "unauthenticated")
    problem(await shop.client.post("/internal/v1/stock/KET-1", json={"initial": 1}), 401, "unauthenticated")
