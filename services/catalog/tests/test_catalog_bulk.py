"""Many products at once: rows in, an import with a result a row, and the whole catalog out again as CSV."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Callable
from io import StringIO
from typing import Any

import httpx
import pytest
from catalog.bulk import imports
from catalog.bulk.imports import work, work_on
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import Inventory, kes, kettle, make, staff
from soko_contracts import catalog as public

URL = "/api/v1/products/bulk"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as harness:
        yield harness


def row(n: int, **more: Any) -> dict[str, Any]:
    return {"sku": f"S-{n}", "name": f"Thing {n}", "price": kes(f"{n + 1}.00"), "initial_stock": n, **more}


async def send(shop: Harness, rows: Any, query: str = "", **headers: str) -> httpx.Response:
    return await shop.client.post(URL + query, json=rows, headers={**staff(shop), **headers})


async def send_csv(shop: Harness, text: str, query: str = "") -> httpx.Response:
    headers = {**staff(shop), "Content-Type": "text/csv"}
    return await shop.client.post(URL + query, content=text.encode(), headers=headers)


async def read(shop: Harness, made: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = await shop.client.get(f"/api/v1/imports/{made['id']}{query}", headers=staff(shop))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def states(answer: dict[str, Any]) -> list[str]:
    return [each["status"] for each in answer["rows"]["items"]]


def counts(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(answer[name] for name in ("total", "done", "created", "updated", "unchanged", "failed"))


async def product(shop: Harness, slug: str) -> dict[str, Any]:
    found: dict[str, Any] = (await shop.client.get(f"/api/v1/products/{slug}", headers=staff(shop))).json()
    return found


async def test_rows_create_change_or_leave_a_product_by_their_sku(shop: Harness) -> None:
    await make(shop, "/api/v1/categories", name="Kitchen")
    made = await kettle(shop)
    rows = [
        row(1, category_ids=["kitchen"], brand="Jiko", attributes={"material": "steel"}),
        {"sku": "KET-1", "price": kes("99.00"), "featured": True},
        {"sku": "KET-1", "name": "Kettle"},
    ]

    answer = await send(shop, rows)

    assert (answer.status_code, states(answer.json())) == (200, ["created", "updated", "unchanged"])
    assert counts(answer.json()) == (3, 3, 1, 1, 1, 0)
    assert answer.headers["location"] == f"/api/v1/imports/{answer.json()['id']}"
    thing = await product(shop, "thing-1")
    assert (thing["price"], thing["brand"], thing["categories"][0]["slug"]) == (kes("2.00"), "Jiko", "kitchen")
    changed = await product(shop, made["id"])
    assert (changed["price"], changed["featured"], changed["name"]) == (kes("99.00"), True, "Kettle")
    await shop.settle()
    assert [type(each) for each in shop.sent[2:]] == [
        public.ProductUpdated,
        public.PriceChanged,
        public.ProductCreated,
    ] or [type(each) for each in shop.sent[2:]] == [public.ProductCreated, public.ProductUpdated, public.PriceChanged]


async def test_a_new_sku_joins_the_product_that_its_row_names(shop: Harness) -> None:
    rows = [
        {"product": "tee", "sku": "TEE-S", "name": "T-Shirt", "price": kes("10.00"), "options": {"size": "S"}},
        {"product": "tee", "sku": "TEE-L", "options": {"size": "L"}, "variant_price": kes("12.00")},
        {"product": "tee", "sku": "TEE-XL", "options": {"size": "L"}},
    ]

    answer = (await send(shop, rows)).json()

    assert states(answer) == ["created", "created", "failed"]
    assert answer["rows"]["items"][2]["errors"][0]["pointer"] == "/options"
    tee = await product(shop, "tee")
    assert [(each["sku"], each["price"]["amount"]) for each in tee["variants"]] == [
        ("TEE-S", "10.00"),
        ("TEE-L", "12.00"),
    ]


async def test_each_row_that_fails_says_why_and_spoils_no_other(shop: Harness) -> None:
    rows = [
        row(1),
        {"sku": "S-2"},
        row(3, price={"amount": "1.005", "currency": "KES"}),
        row(4, price={"amount": "1.00", "currency": "USD"}),
        row(5, category_ids=["nowhere"]),
        row(6, nonsense=1, brand=""),
        row(7, name="half \ud800"),
        row(8, name="nothing \0"),
        row(9, status="archived"),
        row(10),
    ]

    body = json.dumps(rows).encode()
    answer = await shop.client.post(URL, content=body, headers={**staff(shop), "Content-Type": "application/json"})

    assert states(answer.json()) == ["created", *["failed"] * 8, "created"]
    where = [[error["pointer"] for error in each["errors"]] for each in answer.json()["rows"]["items"]]
    assert where == [
        [],
        ["/name", "/price"],
        ["/price/amount"],
        ["/price/currency"],
        ["/category_ids/0"],
        ["/brand", "/nonsense"],
        ["/name"],
        ["/name"],
        ["/status"],
        [],
    ]


@pytest.mark.parametrize("size", [3, 250])
async def test_an_atomic_import_with_a_bad_row_changes_nothing(shop: Harness, size: int) -> None:
    rows = [row(n) for n in range(size)]
    rows[-1] = {"sku": "bad sku"}

    made = (await send(shop, rows, "?atomic=true")).json()
    await shop.settle()
    found = await read(shop, made, "?state=failed")

    assert (found["status"], counts(found)) == ("failed", (size, size, 0, 0, 0, 1))
    assert [(each["row"], each["errors"][0]["pointer"]) for each in found["rows"]["items"]] == [(size, "/sku")]
    assert (await shop.client.get("/api/v1/products")).json()["total"] == 0
    assert shop.sent == []


async def test_more_than_200_rows_are_an_import_that_goes_on_by_itself(shop: Harness) -> None:
    answer = await send(shop, [row(n) for n in range(450)])
    made = answer.json()

    assert (answer.status_code, made["status"], counts(made)) == (202, "waiting", (450, 0, 0, 0, 0, 0))
    await work(shop.service)
    half = await read(shop, made)
    assert (half["status"], half["done"]) == ("running", 200)
    await shop.settle()
    found = await read(shop, made, "?page=5&page_size=100")
    assert (found["status"], counts(found)) == ("done", (450, 450, 450, 0, 0, 0))
    assert [each["row"] for each in found["rows"]["items"]] == list(range(401, 451))
    assert found["finished_at"] is not None
    assert len([each for each in shop.sent if isinstance(each, public.ProductCreated)]) == 450


async def test_an_import_that_dies_resumes_and_each_row_takes_effect_once(
    shop: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await send(shop, [row(n) for n in range(450)])).json()
    real, calls = imports._mark, 0

    async def dies(*given: Any) -> None:
        nonlocal calls
        calls += 1
        await real(*given)
        if calls == 2:
            raise SystemExit

    monkeypatch.setattr(imports, "_mark", dies)
    assert await work(shop.service) == 200
    with pytest.raises(SystemExit):
        await work(shop.service)
    assert (await read(shop, made))["done"] == 200
    await shop.settle()

    created = [each.product_id for each in shop.sent if isinstance(each, public.ProductCreated)]
    assert len(created) == len(set(created)) == 450
    assert counts(await read(shop, made)) == (450, 450, 450, 0, 0, 0)


async def test_two_replicas_share_an_import_and_no_row_is_done_twice(shop: Harness) -> None:
    made = (await send(shop, [row(n) for n in range(600)])).json()

    async def replica() -> None:
        while (await read(shop, made))["finished_at"] is None:
            await work_on(shop.service, made["id"], atomic=False)

    await asyncio.gather(replica(), replica())
    await shop.settle()

    assert len([each for each in shop.sent if isinstance(each, public.ProductCreated)]) == 600


async def test_a_batch_takes_the_same_few_statements_however_many_rows_it_has(shop: Harness) -> None:
    from sqlalchemy import event

    seen: list[str] = []
    engine = shop.service.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    used = []
    for size in (5, 150):
        for again in (False, True):
            rows = [row(n, sku=f"{size}-{n}", name=f"New {size} {n} {again}") for n in range(size)]
            seen.clear()
            await send(shop, rows)
            used.append(len(seen))

    assert max(used) - min(used) < 8, used


async def test_csv_means_the_same_as_json(shop: Harness) -> None:
    for name in ("Kitchen", "Gifts"):
        await make(shop, "/api/v1/categories", name=name)
    text = (
        "\ufeffsku,description,name,price,category_ids,attributes.material,options.size,featured,initial_stock,brand\r\n"
        'KET-1,"Big, ""red""\nand hot",Kettle,2499.00,kitchen | gifts,steel,L,yes,20,\r\n'
        "\r\n"
        "KET-2,,,x,,,,maybe,many,Jiko\r\n"
    )

    answer = (await send_csv(shop, text)).json()

    assert states(answer) == ["created", "failed"], answer
    where = [error["pointer"] for error in answer["rows"]["items"][1]["errors"]]
    assert where == ["/price/amount", "/featured", "/initial_stock"]
    made = await product(shop, answer["rows"]["items"][0]["product_id"])
    assert (made["description"], made["featured"], made["brand"]) == ('Big, "red"\nand hot', True, None)
    assert [each["slug"] for each in made["categories"]] == ["kitchen", "gifts"]
    assert (made["attributes"], made["variants"][0]["options"]) == ({"material": "steel"}, {"size": "L"})


async def test_what_goes_out_as_csv_comes_in_unchanged_and_makes_the_same_shop_elsewhere(
    shop: Harness, running: Callable[..., Any]
) -> None:
    await make(shop, "/api/v1/categories", name="Kitchen")
    await make(
        shop,
        name="=1+1",
        description="-2\n@cmd",
        brand="+Brand",
        price=kes("20.00"),
        category_id="kitchen",
        attributes={"material": "'quoted'"},
        variants=[
            {"sku": "S", "options": {"size": "S"}},
            {"sku": "L", "options": {"size": "L"}, "price": kes("33.33"), "active": False},
        ],
    )
    await kettle(shop, status="draft")
    exported = await shop.client.get("/api/v1/products.csv", headers=staff(shop))

    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(StringIO(exported.text)))
    assert [each["sku"] for each in lines] == ["S", "L", "KET-1"]
    assert not [cell for line in lines for cell in line.values() if cell.startswith(("=", "+", "-", "@"))]
    assert states((await send_csv(shop, exported.text)).json()) == ["unchanged"] * 3
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as other:
        await make(other, "/api/v1/categories", name="Kitchen")
        assert states((await send_csv(other, exported.text)).json()) == ["created"] * 3
        again = await other.client.get("/api/v1/products.csv", headers=staff(other))
    assert sorted(again.text.splitlines()) == sorted(exported.text.splitlines())


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"", 400),
        ("application/json", b"[]", 422),
        ("application/json", b'[{"sku": "A"}', 400),
        ("application/json", b'[{"sku": "A"} {"sku": "B"}]', 400),
        ("application/json", b'[{"sku": "A"}] more', 400),
        ("application/json", b'{"items": [{"sku": "A"}]', 400),
        ("application/json", b'{"items": [{"sku": "A"}]}', 200),
        ("application/json", b'[{"sku": NaN}]', 400),
        ("application/json", b'["A"]', 422),
        ("application/json", b'{"items": [{"sku": "A"}], "more": 1}', 422),
        ("application/json", b'{"items": [{"sku": "A"}], "more"}', 400),
        ("application/json", b'{"more": [{"sku": "A"}]}', 422),
        ("application/json", b'{"more": "\\ud800"}', 400),
        ("application/json", b"1", 422),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b'[{"sku": "\xff"}]', 400),
        ("application/json", b'[{"name": "' + b"x" * 400_000 + b'"}]', 400),
        ("text/csv", b"", 422),
        ("text/csv", b"sku,sku\nA,B", 422),
        ("text/csv", b"name\nA", 422),
        ("text/csv", b"sku\nA,B", 400),
        ("text/csv", b"sku\n\xff", 400),
        ("text/csv", b'sku\n"A', 400),
        ("text/csv", b"sku\n", 422),
        ("text/plain", b"sku\nA", 415),
    ],
)
async def test_what_cannot_be_read_is_refused_whole(shop: Harness, kind: str, body: bytes, status: int) -> None:
    answer = await shop.client.post(URL, content=body, headers={**staff(shop), "Content-Type": kind})

    assert answer.status_code == status, answer.text
    kept = await shop.service.database.pool.fetchval("SELECT count(*) FROM imports")
    assert kept == (1 if status == 200 else 0)


async def test_rows_are_read_across_the_pieces_that_the_upload_comes_in(shop: Harness) -> None:
    rows = [row(n, description="é" * 700) for n in range(150)]

    async def pieces() -> AsyncIterator[bytes]:
        text = json.dumps(rows, ensure_ascii=False, indent=1).encode()
        for start in range(0, len(text), 4097):
            yield text[start : start + 4097]

    headers = {**staff(shop), "Content-Type": "application/json"}
    answer = await shop.client.post(URL, content=pieces(), headers=headers)

    assert counts(answer.json()) == (150, 150, 150, 0, 0, 0)


async def test_10_000_rows_are_taken_and_one_more_is_not(shop: Harness) -> None:
    line = "A-{},Thing,1.00\n"
    text = "sku,name,price\n" + "".join(line.format(n) for n in range(10_000))

    taken, refused = await send_csv(shop, text), await send_csv(shop, text + line.format(10_000))

    assert (taken.status_code, taken.json()["total"], refused.status_code) == (202, 10_000, 422)


async def test_the_same_key_again_is_the_same_import(shop: Harness) -> None:
    first = await send(shop, [row(1)], **{"Idempotency-Key": "k"})
    second = await send(shop, [row(1)], **{"Idempotency-Key": "k"})

    assert second.json()["id"] == first.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"
    assert (await shop.client.get("/api/v1/products")).json()["total"] == 1


async def test_many_products_of_one_name_get_a_slug_each(shop: Harness) -> None:
    answer = await send(shop, [row(n, name="Same") for n in range(60)])

    assert answer.json()["created"] == 60
    slugs = await shop.service.database.pool.fetchval("SELECT count(DISTINCT slug) FROM products")
    assert slugs == 60


async def test_imports_and_exports_are_for_staff(shop: Harness) -> None:
    made = (await send(shop, [row(1)])).json()
    for method, path in (("POST", URL), ("GET", f"/api/v1/imports/{made['id']}"), ("GET", "/api/v1/products.csv")):
        nobody = await shop.client.request(method, path)
        customer = await shop.client.request(method, path, headers=shop.bearer())
        assert (nobody.status_code, customer.status_code) == (401, 403)
