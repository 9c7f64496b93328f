"""What a cart costs its database does not depend on how much there is to sell, nor on when its query was planned."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from cart.service import build
from cart.settings import Settings
from cart.tables import carts, stock, variants
from cart.views import FIND
from chassis.fixtures import Harness

FILL = """
insert into variants (variant_id, product_id, sku, name, options, price, active, sequence)
    select 'v' || n, 'p' || n, 'SKU-' || n, 'Kettle', '{}', 100, true, 1 from generate_series(1, $sold) n
    on conflict do nothing;
insert into stock (sku, available, sequence) select sku, 5, 1 from variants on conflict do nothing;
insert into carts (cart_id, owner, number, order_id, status, lines, version)
    select 'c' || n, 'user:' || n, 1, 'o' || n, 'open', '[{"variant_id": "v1"}, {"variant_id": "v2"}]', 1
    from generate_series(1, $sold) n on conflict do nothing
"""
READS = """
select sum(idx_tup_fetch + seq_tup_read) from pg_stat_xact_user_tables where relname = any($1::text[])
"""


@pytest.fixture
async def harness(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings) as harness:
        yield harness


@pytest.mark.parametrize("planned_at", [0, 300, 3_000])
async def test_a_cart_is_found_by_reading_its_own_rows_only(harness: Harness, planned_at: int) -> None:
    """So many are there when PostgreSQL makes its one plan, which it keeps when there are ten times as many."""
    names = [table.name for table in (carts, variants, stock)]
    connection = await harness.service.database.connect()
    try:
        await connection.execute(FILL.replace("$sold", str(planned_at)))
        await connection.execute("analyze carts, variants, stock")
        await connection.fetchrow(FIND, "user:1", "SKU-3", None)
        await connection.execute(FILL.replace("$sold", "3000"))
        async with connection.transaction():
            before = await connection.fetchval(READS, names)
            found = await connection.fetchrow(FIND, "user:1", "SKU-3", None)
            read = await connection.fetchval(READS, names) - before
    finally:
        await connection.close()
    assert found is not None
    assert found["variants"].count("Kettle") == 3
    assert 0 < read < 10
