"""No list is found by reading a table from its beginning to its end: PostgreSQL's plans say so, on a filled catalog.

Where most of a table fits, PostgreSQL may well read it as it lies; then it is asked what it would do if it had to use
an index, and has to know one.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from catalog.keeping import CHUNK, NEXT, keep_bitmaps
from catalog.picture_files import delete_free
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import staff
from sqlalchemy import event, text

PRODUCTS = 20_000
FILL = """
INSERT INTO categories SELECT 'c' || n, CASE WHEN n > 9 THEN 'c' || n / 10 END, 'c' || n, 'Category ' || n, 1, at, at
    FROM generate_series(1, 99) AS n, (VALUES (timestamptz '2026-01-01')) AS now (at) ORDER BY n;
INSERT INTO products (id, slug, name, description, brand, status, featured, price, attributes, sequence, created_at,
        updated_at, rating_sum, review_count, in_stock, category_ids, skus, current_price, current_percent,
        current_until)
    SELECT 'p' || n, 'p' || n, 'Kettle ' || md5(n::text), 'Boils ' || md5(n::text), 'Brand ' || n % 50,
        CASE n % 100 WHEN 0 THEN 'draft' ELSE 'active' END, n % 40 = 0, n,
        jsonb_build_object('colour', (n % 30)::text, 'serial', n::text), 1, at + n * interval '1 minute',
        at + n * interval '1 minute', n % 5, 1, n % 50 <> 0, ARRAY['c' || 1 + n % 99], 'SKU-' || n, n,
        CASE n % 20 WHEN 0 THEN 10 END, CASE n % 20 WHEN 0 THEN at ELSE 'infinity' END
    FROM generate_series(1, {products}) AS n, (VALUES (timestamptz '2026-01-01')) AS now (at);
INSERT INTO product_slugs SELECT slug, id FROM products;
INSERT INTO offers SELECT id, '-infinity', 'infinity', price, NULL FROM products;
INSERT INTO variants SELECT 'v' || id, id, 0, skus, '{{}}', NULL, true, 5 FROM products;
UPDATE stock SET available = 5 WHERE hashtext(sku) % 50 <> 0;
INSERT INTO product_categories SELECT id, category_ids[1], 0 FROM products;
INSERT INTO picture_files SELECT 'f' || id FROM products;
INSERT INTO images (id, product_id, file, position, alt, width, height, sequence, created_at)
    SELECT 'i' || id, id, 'f' || id, 0, '', 1, 1, 1, created_at FROM products;
ANALYZE
"""
QUERIES = (
    "",
    "ordering=price",
    "ordering=-price",
    "ordering=name",
    "ordering=rating",
    "offset=5000",
    "cursor=",
    "category=c95",
    "category=c1&ordering=price",
    "category=nowhere",
    "brand=Brand 7",
    "brand=Brand 7&brand=Brand 8&ordering=name",
    "min_price=100&max_price=102",
    "min_rating=4",
    "in_stock=true",
    "in_stock=false",
    "on_sale=true&ordering=price",
    "featured=true",
    "attributes.serial=77",
    "attributes.colour=3&attributes.colour=4&category=c9",
    "search=kettle",
    "search=boils&ordering=-created_at",
    "search=c4ca&facets=true",
    "search=sku-123&brand=Brand 7",
    "search=ketlte",
    "category=c95&facets=true",
    "brand=Brand 7&attributes.colour=3&facets=true",
    "facets=true",
    "category=c1&ordering=-rating&min_rating=3",
    "brand=Brand 7&ordering=-price&cursor=",
)
UNFILTERED = {"", "offset=5000", *(f"ordering={name}" for name in ("price", "-price", "name", "rating"))}
WIDE = {*UNFILTERED, "facets=true", "in_stock=true", "category=c95&facets=true", "search=ketlte"}
"""Most products fit: they are counted to 10,000, or all of them by facets. A correction forbids reading the table."""
OTHERS = (
    "/featured",
    "/suggest?search=k",
    "/suggest?search=kettle c4",
    "/suggest?search=brand",
    "/p77",
    "/p77/variants",
)
SMALL = {"categories"}
"""A hundred rows: reading all of them is what an index would cost."""


@pytest.fixture
async def filled(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings) as harness:
        async with harness.service.database.engine.begin() as sql:
            for statement in FILL.format(products=PRODUCTS).split(";\n"):
                await sql.execute(text(statement))
        yield harness


async def test_every_list_search_and_suggestion_is_found_by_an_index(filled: Harness) -> None:
    paths = [f"?{query}" for query in QUERIES] + list(OTHERS)
    engine, asked = filled.service.database.engine.sync_engine, list[tuple[str, str, Any]]()

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        asked.append((path, statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    # By PostgreSQL alone, then with the bitmaps: staff are never answered from what is kept.
    for headers in ({}, staff(filled), staff(filled)):
        for path in paths:
            answer = await filled.client.get(f"/api/v1/products{path}", headers=headers)
            assert answer.status_code == 200, answer.text
        while headers and await keep_bitmaps(filled.service):
            pass
    for path in ("?status=draft", "?status=draft&status=archived&ordering=price"):
        assert (await filled.client.get(f"/api/v1/products{path}", headers=staff(filled))).status_code == 200
    path = "a step"
    await filled.service.extra_once()
    await delete_free(filled.service)
    event.remove(engine, "before_cursor_execute", note)

    statements = {(path, statement): given for path, statement, given in asked if not statement.startswith("SET")}
    read = {
        path: found
        for (path, statement), given in statements.items()
        if (found := await _read_whole(filled, statement, given, only_if_it_must=path.lstrip("?") in WIDE))
    }

    assert len(statements) > len(paths)
    assert any("products.number = any" in statement for _, statement in statements)
    assert read == {}


async def test_what_bitmaps_are_made_from_is_found_by_an_index(filled: Harness) -> None:
    newest = await filled.service.database.pool.fetchval("SELECT max(changed) FROM products")

    assert await _read_whole(filled, NEXT, (0, 0, False, CHUNK), only_if_it_must=False) == set()
    assert await _read_whole(filled, NEXT, (newest, 0, True, CHUNK), only_if_it_must=False) == set()


async def _read_whole(filled: Harness, statement: str, given: Any, *, only_if_it_must: bool) -> set[str]:
    """The tables that a statement reads from beginning to end."""
    async with filled.service.database.engine.connect() as sql:
        connection: Any = (await sql.get_raw_connection()).driver_connection
        async with connection.transaction():
            if only_if_it_must:
                await connection.execute("SET LOCAL enable_seqscan = off")
            rows = await connection.fetch(f"EXPLAIN (COSTS OFF) {statement}", *given)
    seen = {row[0].partition("Seq Scan on ")[2].split(" ")[0] for row in rows if "Seq Scan on " in row[0]}
    return seen - SMALL
