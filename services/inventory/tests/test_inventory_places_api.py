"""What staff do with several places, with what stock cost and is worth, and with the ledger as a file."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import inventory.queries
import pytest
from chassis.context import Context
from chassis.fixtures import Harness
from chassis.rebuild import Rebuild
from inventory.domain.holding import holding
from inventory.domain.listing import ListSkus, listing
from inventory.domain.reservation_events import Line, Reserve
from inventory.domain.stock_commands import ListSku
from inventory.service import build
from inventory.settings import Settings
from soko_contracts.catalog import PriceChanged, ProductCreated, Variant

HERE = Context("test", "test", "test")
RIGHTS = ("inventory:read", "inventory:write")
INVENTORY = "/api/v1/inventory"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    """Twenty kettles, four cups; the client is staff."""
    async with running(build, Settings) as harness:
        await harness.service.execute_many(listing, ListSkus((ListSku("KET", 0, 20), ListSku("CUP", 0, 4))), HERE)
        harness.client.headers.update(harness.bearer(role="staff", rights=RIGHTS))
        yield harness


async def get(shop: Harness, path: str) -> Any:
    answer = await shop.client.get(f"{INVENTORY}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(shop: Harness, path: str, body: Any = None, **headers: str) -> httpx.Response:
    return await shop.client.post(f"{INVENTORY}{path}", json=body, headers=headers)


async def place(shop: Harness, name: str = "Mombasa", **more: Any) -> str:
    """A new location."""
    made = await post(shop, "/locations", {"name": name, **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def send(shop: Harness, to: str, quantity: int = 5, key: str = "") -> httpx.Response:
    journey = {"sku": "KET", "quantity": quantity, "origin": "main", "destination": to, "reference": "van"}
    return await post(shop, "/transfers", journey, **({"Idempotency-Key": key} if key else {}))


async def at(shop: Harness) -> dict[str, tuple[int, int]]:
    """On hand and available by location."""
    places = (await get(shop, "/KET"))["locations"]
    return {each["location_id"]: (each["on_hand"], each["available"]) for each in places}


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


async def test_locations_stand_in_the_order_in_which_they_give(shop: Harness) -> None:
    assert (await get(shop, "/locations"))["items"] == [{"id": "main", "name": "Main", "priority": 0}]
    later, sooner = await place(shop, "Later", priority=20), await place(shop, "Sooner", priority=10)
    changed = await shop.client.patch(f"{INVENTORY}/locations/main", json={"name": "Nairobi", "priority": 15})
    assert changed.json() == {"id": "main", "name": "Nairobi", "priority": 15}
    listed = await get(shop, "/locations")
    assert [(each["id"], each["name"]) for each in listed["items"]] == [
        *((sooner, "Sooner"), ("main", "Nairobi"), (later, "Later"))
    ]
    assert (await get(shop, "/locations?limit=1&offset=1"))["items"][0]["id"] == "main"


async def test_a_location_is_changed_at_the_version_that_was_read(shop: Harness) -> None:
    id_ = await place(shop)
    tag = (await shop.client.get(f"{INVENTORY}/locations/{id_}")).headers["ETag"]
    for status in (200, 412):
        answer = await shop.client.patch(
            f"{INVENTORY}/locations/{id_}", json={"name": f"Port {status}"}, headers={"If-Match": tag}
        )
        assert answer.status_code == status
    assert (await shop.client.get(f"{INVENTORY}/locations/nowhere")).status_code == 404
    assert (await shop.client.patch(f"{INVENTORY}/locations/nowhere", json={"name": "A"})).status_code == 404


async def test_of_changes_to_a_location_made_at_once_by_who_knows_one_version_exactly_one_counts(
    shop: Harness,
) -> None:
    for id_ in (await place(shop), "main"):
        tag = {"If-Match": (await shop.client.get(f"{INVENTORY}/locations/{id_}")).headers["ETag"]}
        names = ["North", "South", "East", "West"]
        answers = await asyncio.gather(
            *(shop.client.patch(f"{INVENTORY}/locations/{id_}", json={"name": name}, headers=tag) for name in names)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
        (counted,) = [name for name, answer in zip(names, answers, strict=True) if answer.status_code == 200]
        assert (await get(shop, f"/locations/{id_}"))["name"] == counted


async def test_a_transfer_leaves_travels_and_arrives_once(shop: Harness) -> None:
    port = await place(shop)
    sent = [await send(shop, port, key="k") for _ in range(2)]
    assert [each.status_code for each in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    assert (sent[0].json()["status"], sent[0].json()["arrived_at"]) == ("in_transit", None)
    shown = await get(shop, "/KET")
    assert (shown["on_hand"], shown["available"], shown["in_transit"]) == (15, 15, 5)
    shop.clock.advance(timedelta(minutes=5))
    id_ = sent[0].json()["id"]
    arrived = await asyncio.gather(*(post(shop, f"/transfers/{id_}/receive") for _ in range(3)))
    assert [each.json()["status"] for each in arrived] == ["arrived"] * 3
    assert await at(shop) == {"main": (15, 15), port: (5, 5)}
    assert await get(shop, f"/transfers/{id_}") == arrived[0].json()
    moved = (await get(shop, "/KET/movements?reason=transferred"))["items"]
    assert [(each["delta"], each["location_id"], each["reference"]) for each in moved] == [
        (5, port, id_),
        (-5, "main", id_),
    ]
    assert (await get(shop, f"/KET/movements?location={port}"))["total"] == 1


async def test_transfers_are_listed(shop: Harness) -> None:
    port = await place(shop)
    ids = [(await send(shop, port, 1)).json()["id"] for _ in range(3)]
    await post(shop, f"/transfers/{ids[1]}/receive")
    assert [each["id"] for each in (await get(shop, "/transfers"))["items"]] == ids[::-1]
    assert [each["id"] for each in (await get(shop, "/transfers?status=arrived"))["items"]] == [ids[1]]
    assert (await get(shop, "/transfers?sku=CUP"))["items"] == []
    page = await get(shop, "/transfers?cursor=&limit=2&status=in_transit&status=arrived")
    assert [each["id"] for each in (await shop.client.get(page["next"])).json()["items"]] == ids[:1]


async def test_a_transfer_that_cannot_be_is_refused(shop: Harness) -> None:
    port = await place(shop)
    refused = await send(shop, port, 21)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-enough-stock")
    for body, pointer in (({"destination": "main"}, "/destination"), ({"origin": "mars"}, "/origin")):
        answer = await post(
            shop, "/transfers", {"sku": "KET", "quantity": 1, "origin": "main", "destination": port, **body}
        )
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await post(shop, "/transfers/none/receive")).status_code == 404
    assert (await post(shop, "/KET/receipts", {"quantity": 1, "location_id": "mars"})).status_code == 422


async def test_what_is_entered_is_entered_at_its_location(shop: Harness) -> None:
    port = await place(shop)
    await post(shop, "/KET/receipts", {"quantity": 7, "location_id": port})
    await post(shop, "/KET/counts", {"quantity": 5, "location_id": port})
    await post(shop, "/KET/adjustments", {"delta": -1, "reason": "damaged", "location_id": port})
    assert await at(shop) == {"main": (20, 20), port: (4, 4)}
    assert [each["sku"] for each in (await get(shop, f"?location={port}"))["items"]] == ["KET"]
    assert [each["sku"] for each in (await get(shop, "?location=main"))["items"]] == ["CUP", "KET"]
    await post(shop, "/KET/counts", {"quantity": 0})
    assert [each["sku"] for each in (await get(shop, "?location=main"))["items"]] == ["CUP"]


async def test_orders_are_served_by_priority_and_no_location_is_oversold(shop: Harness) -> None:
    port = await place(shop, priority=0)
    await shop.client.patch(f"{INVENTORY}/locations/main", json={"priority": 1})
    await post(shop, "/KET/receipts", {"quantity": 10, "location_id": port})

    async def order(n: int) -> None:
        lines = (Line("KET", 3),)
        reserve = Reserve(f"o{n}", lines, shop.clock() + timedelta(minutes=20), 60)
        await shop.service.execute_many(holding, reserve, HERE)

    await asyncio.gather(*(order(n) for n in range(3)))
    assert await at(shop) == {port: (10, 1), "main": (20, 20)}
    await asyncio.gather(*(order(n) for n in range(3, 13)))
    shown = await get(shop, "/KET")
    assert (shown["on_hand"], shown["reserved"], shown["available"]) == (30, 30, 0)
    assert await at(shop) == {port: (10, 0), "main": (20, 0)}
    assert not any(view.differed for view in await Rebuild(shop.service).run())


async def test_a_receipt_says_what_it_cost_and_the_value_follows(shop: Harness) -> None:
    await post(shop, "/CUP/counts", {"quantity": 0})
    receipt = {"quantity": 3, "reference": "DN-1", "supplier": "Cups Ltd", "unit_cost": kes("1.00")}
    assert (await post(shop, "/CUP/receipts", receipt)).json()["value"]["at_cost"] == kes("3.00")
    await post(shop, "/CUP/receipts", {"quantity": 4, "unit_cost": kes("1.01")})
    sold = (await post(shop, "/CUP/adjustments", {"delta": -2})).json()
    assert sold["value"] == {"at_price": None, "at_cost": kes("5.03"), "units_without_cost": 0}
    movements = (await get(shop, "/CUP/movements"))["items"]
    assert [each["cost"]["amount"] for each in movements] == ["-2.01", "4.04", "3.00", "0.00", "0.00"]
    assert (movements[2]["supplier"], movements[2]["unit_cost"]) == ("Cups Ltd", kes("1.00"))
    wrong = await post(shop, "/CUP/receipts", {**receipt, "unit_cost": {"amount": "1.00", "currency": "USD"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/unit_cost/currency")
    less = await post(shop, "/CUP/receipts", {**receipt, "unit_cost": kes("-1.00")})
    assert less.status_code == 422
    rich = await post(shop, "/CUP/receipts", {"quantity": 10**6, "unit_cost": kes("999999999999.00")})
    assert (rich.status_code, rich.json()["type"]) == (409, "/problems/value-out-of-range")


def variant(sku: str, price: int, active: bool = True) -> dict[str, Any]:
    shown = {"variant_id": f"v-{sku}-{active}", "product_id": "p", "sku": sku, "name": sku}
    return {**shown, "price": price, "currency": "KES", "active": active}


async def test_the_stock_is_worth_its_prices_of_today_and_what_it_cost(shop: Harness) -> None:
    empty = {"skus": 2, "on_hand": 24, "in_transit": 0, "method": "weighted_average"}
    worthless = {"at_price": kes("0.00"), "at_cost": kes("0.00")}
    unknown = {"units_without_price": 24, "units_without_cost": 24}
    assert await get(shop, "/valuation") == {**empty, **worthless, **unknown}
    created = ProductCreated(
        product_id="p", slug="p", name="p", description="", brand=None, status="active", category_ids=(), price=100,
        currency="KES", variants=(Variant(**variant("KET", 100)),),
    )  # fmt: skip
    tag = (await shop.client.get(f"{INVENTORY}/KET")).headers["ETag"]
    await shop.deliver(created, subject="p", sequence=1)
    await shop.deliver(PriceChanged(**variant("KET", 250), old_price=100), subject="p", sequence=3)
    await shop.deliver(PriceChanged(**variant("KET", 200), old_price=100), subject="p", sequence=2)
    await shop.deliver(PriceChanged(**variant("KET", 999, False), old_price=1), subject="q", sequence=9)
    again = await shop.client.get(f"{INVENTORY}/KET", headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["value"]["at_price"]) == (200, kes("50.00"))
    await send(shop, await place(shop))
    await post(shop, "/CUP/receipts", {"quantity": 6, "unit_cost": kes("0.50")})
    assert await get(shop, "/valuation") == {
        "skus": 2,
        "on_hand": 25,
        "in_transit": 5,
        "method": "weighted_average",
        "at_price": kes("50.00"),
        "at_cost": kes("3.00"),
        "units_without_price": 10,
        "units_without_cost": 24,
    }


async def test_a_sku_is_promised_before_it_comes_where_staff_allow_it(shop: Harness) -> None:
    tag = (await shop.client.get(f"{INVENTORY}/CUP")).headers["ETag"]
    changed = await shop.client.patch(f"{INVENTORY}/CUP", json={"backorder_limit": 3}, headers={"If-Match": tag})
    assert (changed.json()["backorder_limit"], changed.json()["threshold"]) == (3, 0)
    reserve = Reserve("o", (Line("CUP", 6),), shop.clock() + timedelta(minutes=20), 60)
    await shop.service.execute_many(holding, reserve, HERE)
    shown = await get(shop, "/CUP")
    assert (shown["on_hand"], shown["reserved"], shown["available"], shown["backordered"]) == (4, 6, 0, 2)
    assert [each["sku"] for each in (await get(shop, "?backordered=true"))["items"]] == ["CUP"]
    assert [each["sku"] for each in (await get(shop, "?backordered=false"))["items"]] == ["KET"]
    asked = await shop.client.get("/internal/v1/stock?sku=CUP", headers=shop.service_token("cart"))
    assert asked.json()["items"] == [{"sku": "CUP", "on_hand": 4, "reserved": 6, "available": 0, "backorderable": 1}]
    assert (await post(shop, "/CUP/receipts", {"quantity": 5})).json()["backordered"] == 0


async def exported(shop: Harness, query: str = "") -> list[dict[str, str]]:
    answer = await shop.client.get(f"{INVENTORY}/movements.csv{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8"), answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_the_ledger_is_exported_whole_or_in_part(shop: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory.queries, "LEDGER_PAGE", 2)
    port = await place(shop)
    for n in range(1, 6):
        await post(shop, "/KET/receipts", {"quantity": n, "unit_cost": kes("2.50"), "location_id": port})
    shop.clock.advance(timedelta(minutes=1))
    rows = await exported(shop)
    assert [(row["sku"], row["delta"], row["on_hand"]) for row in rows] == [
        *(("CUP", "4", "4"), ("KET", "20", "20")),
        *(("KET", "1", "21"), ("KET", "2", "23"), ("KET", "3", "26"), ("KET", "4", "30"), ("KET", "5", "35")),
    ]
    assert (rows[-1]["cost"], rows[-1]["unit_cost"], rows[-1]["location_id"]) == ("12.50", "2.50", port)
    assert rows[0]["at"].endswith("Z")
    assert [row["delta"] for row in await exported(shop, "?sku=CUP")] == ["4"]
    assert len(await exported(shop, f"?location={port}&reason=received&sku=KET&sku=CUP")) == 5
    assert len(await exported(shop, "?reason=sold&reason=counted")) == 0
    assert len(await exported(shop, "?created_before=2020-01-01T00:00:00Z")) == 0


async def test_no_word_in_the_exported_ledger_is_a_formula(shop: Harness) -> None:
    await post(shop, "/CUP/receipts", {"quantity": 1, "reference": "=1+1", "supplier": "@us"})
    await post(shop, "/CUP/adjustments", {"delta": -1, "reason": '-2, "quoted"'})
    shop.clock.advance(timedelta(minutes=1))
    rows = await exported(shop, "?sku=CUP")
    assert (rows[1]["reference"], rows[1]["supplier"]) == ("'=1+1", "'@us")
    assert (rows[2]["delta"], rows[2]["note"]) == ("-1", '\'-2, "quoted"')
