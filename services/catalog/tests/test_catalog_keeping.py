"""What bitmaps say is so at this moment, whoever has changed what, and in whichever order it commits."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from catalog.bitmaps import Bitmaps
from catalog.keeping import CHUNK, STATUS, KeptBitmaps, bitmaps_of
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import Inventory, kes, kettle, make, names, staff
from soko_contracts import inventory
from sqlalchemy import text

PATH = "/api/v1/products/kettle"
MANY = """
INSERT INTO products (id, slug, name, description, status, featured, price, attributes, sequence, created_at,
        updated_at)
    SELECT 'p' || n, 'p' || n, 'Pot', '', 'active', false, n, '{}', 1, at, at
    FROM generate_series(1, 700) AS n, (VALUES (timestamptz '2026-01-01')) AS now (at)
"""
STATE = "UPDATE products SET status = $2 WHERE id = $1"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as harness:
        yield harness


async def kept(shop: Harness) -> Bitmaps:
    """The bitmaps as they are now; this fails where they do not know."""
    async with shop.service.database.engine.connect() as sql:
        found = await bitmaps_of(shop.service).now(sql)
    assert found is not None
    return found


async def active(shop: Harness) -> int:
    return (await kept(shop)).having(STATUS, "active").bit_count()


async def facets(shop: Harness, query: str = "") -> dict[str, Any]:
    """By the bitmaps."""
    await kept(shop)
    answer = await shop.client.get(f"/api/v1/products?facets=true&{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["facets"]
    return found


async def prices(shop: Harness, query: str = "") -> dict[str, int]:
    return {each["min_price"]["amount"]: each["count"] for each in (await facets(shop, query))["prices"]}


async def test_they_are_not_there_before_all_is_read_and_hold_all_from_then_on(shop: Harness) -> None:
    async with shop.service.database.engine.begin() as sql:
        await sql.execute(text(MANY))
        assert await bitmaps_of(shop.service).now(sql) is None

    assert await bitmaps_of(shop.service).read_on(shop.service) == CHUNK
    async with shop.service.database.engine.connect() as sql:
        assert await bitmaps_of(shop.service).now(sql) is None
    assert await bitmaps_of(shop.service).read_on(shop.service) == 700 - CHUNK

    assert await active(shop) == 700
    assert await bitmaps_of(shop.service).read_on(shop.service) == 0


async def test_whatever_changes_a_product_is_counted_at_once(shop: Harness) -> None:
    await make(shop, "/api/v1/categories", name="Home")
    made = await kettle(shop, brand="Jiko", price=kes("15.00"))
    await kettle(shop, "KET-2", name="Pot", price=kes("16.00"))
    await shop.settle()
    assert await prices(shop) == {"10.00": 2}

    await shop.client.patch(PATH, json={"price": kes("70.00"), "category_ids": ["home"]}, headers=staff(shop))
    assert await prices(shop) == {"10.00": 1, "50.00": 1}
    assert [(each["slug"], each["count"]) for each in (await facets(shop))["categories"]] == [("home", 1)]

    await shop.client.post(f"{PATH}/reviews", json={"rating": 4}, headers=shop.bearer("c-1"))
    for query in ("", "min_rating=5"):
        assert [each["count"] for each in (await facets(shop, query))["ratings"]] == [1, 1, 1, 1]
    assert await prices(shop, "min_rating=4.5") == {}
    assert await prices(shop, "max_price=20.00") == await prices(shop, "min_price=60.00") == {"10.00": 1, "50.00": 1}

    level = inventory.StockLevel(sku="KET-1", on_hand=3, reserved=0, available=3)
    await shop.deliver(level, subject="stock-KET-1", sequence=1)
    assert await prices(shop, "in_stock=true") == {"50.00": 1}
    gone = inventory.StockLevel(sku="KET-1", on_hand=0, reserved=0, available=0)
    await shop.deliver(gone, subject="stock-KET-1", sequence=2)
    assert await prices(shop, "in_stock=true") == {}

    starts, ends = (shop.clock.now + timedelta(hours=hours) for hours in (1, 2))
    times = {"starts_at": starts.isoformat(), "ends_at": ends.isoformat()}
    await make(shop, "/api/v1/discounts", name="Sale", percent=50, product_ids=[made["id"]], **times)
    for expected in ({"10.00": 1, "50.00": 1}, {"10.00": 1, "20.00": 1}, {"10.00": 1, "50.00": 1}):
        await shop.settle()
        assert await prices(shop) == expected
        shop.clock.advance(timedelta(hours=1))

    await shop.client.patch("/api/v1/categories/home", json={"name": "House"}, headers=staff(shop))
    assert [each["name"] for each in (await facets(shop))["categories"]] == ["House"]
    await shop.client.patch(PATH, json={"status": "archived"}, headers=staff(shop))
    assert await prices(shop) == {"10.00": 1}
    assert (await facets(shop))["categories"] == (await facets(shop))["brands"] == []


async def test_a_write_that_commits_after_later_ones_were_seen_is_seen_too(shop: Harness) -> None:
    for n in (1, 2, 3):
        await kettle(shop, f"KET-{n}", name=f"Pot {n}")
    await shop.settle()
    ids = [each["id"] for each in (await shop.client.get("/api/v1/products")).json()["items"]]
    async with shop.service.database.pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(STATE, ids[0], "archived")
        await shop.service.database.pool.execute(STATE, ids[1], "archived")

        assert await active(shop) == 2
        assert await active(shop) == 2
        await transaction.commit()

    assert await active(shop) == 1


async def test_a_write_behind_what_was_read_of_many_is_seen_when_all_are(shop: Harness) -> None:
    await shop.service.database.pool.execute(MANY)
    few = shop.service.app.state.bitmaps = KeptBitmaps(chunk=350)
    assert await few.read_on(shop.service) == 350
    async with shop.service.database.pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(STATE, "p1", "draft")
        # These are written after it, and read before it has ended.
        await shop.service.database.pool.execute("UPDATE products SET featured = true WHERE id <> 'p1'")
        assert [await few.read_on(shop.service) for _ in range(2)] == [350, 349]
        async with shop.service.database.engine.connect() as sql:
            assert await few.now(sql) is None
        await transaction.commit()

    async with shop.service.database.engine.connect() as sql:
        found = await few.now(sql)
    while found is None:
        await few.read_on(shop.service)
        found = await kept(shop)
    assert found.having(STATUS, "active").bit_count() == 699


async def test_rows_restored_from_a_server_that_was_further_on_are_read_once(shop: Harness) -> None:
    pool = shop.service.database.pool
    await pool.execute("ALTER TABLE products DISABLE TRIGGER products_noted")
    await pool.execute(MANY)
    await pool.execute("UPDATE products SET changed = 1000000000 + number")
    await pool.execute("ALTER TABLE products ENABLE TRIGGER products_noted")
    await shop.settle()

    assert await active(shop) == 700
    await pool.execute(STATE, "p1", "draft")
    assert await active(shop) == 699
    assert await active(shop) == 699


async def test_a_page_by_price_is_whole_where_products_have_gone_since_they_were_counted(shop: Harness) -> None:
    await shop.service.database.pool.execute(MANY)
    await shop.service.database.pool.execute("UPDATE products SET current_price = number, name = number::text")
    await shop.settle()
    assert await names(shop, "min_price=0&ordering=price&limit=2") == ["1", "2"]

    await shop.service.database.pool.execute("ALTER TABLE products DISABLE TRIGGER products_noted")
    await shop.service.database.pool.execute("UPDATE products SET status = 'archived' WHERE number < 3")
    shop.service.app.state.answers.drop()

    assert await names(shop, "min_price=0&ordering=price&limit=2") == ["3", "4"]
