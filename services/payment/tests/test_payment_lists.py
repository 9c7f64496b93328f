"""The list of payments reads what it shows, however many there are."""

from collections.abc import Callable
from typing import Any

from chassis.fixtures import Harness
from payment.service import build
from payment.settings import Settings
from plans import rows_read
from till import staff

ROWS = 40_000
LAST_ROW = 10_000
FEW = 150

# The newest 40 are still under way, a few very old ones are strange.
PAYMENTS = """
insert into payments (id, order_id, number, customer_id, method, status, amount, currency, captured, refunded, revision,
    settled, version, created_at, updated_at)
select lpad(to_hex(n), 32, '0')::uuid::text, lpad(to_hex(n), 32, '0')::uuid::text, 'SO-' || n,
    lpad(to_hex(n % 2000), 32, '0')::uuid::text, case when n <= 5 then 'cash_on_delivery' else 'card' end,
    case when $1 - n < 40 then 'processing' when n <= 3 then 'refund_failed' when n % 7 = 0 then 'failed'
         else 'captured' end,
    (n * 7919::bigint) % 1000000, 'KES', 0, 0, 1, $1 - n >= 40, 1, $2::timestamptz - ($1 - n) * interval '1 minute', $2
from generate_series(1, $1) n
"""
QUERIES = [
    "",
    "status=captured",
    "status=refund_failed",
    "status=voided",
    "status=processing",
    "status=failed&status=processing&ordering=created_at",
    "method=cash_on_delivery",
    "method=card&method=cash_on_delivery",
    "order_id=00000000-0000-0000-0000-000000000011",
    "ordering=amount",
    "ordering=-amount",
    "created_after=2020-01-01T00:00:00Z",
]


async def test_a_list_reads_what_it_shows_and_counts_to_where_pages_end(running: Callable[..., Any]) -> None:
    async with running(build, Settings) as shop:
        await fill(shop)
        wasteful = []
        for query in QUERIES:
            for where, skipped in (("page=1", 0), ("page=500", LAST_ROW), ("cursor=", 0)):
                answer, (page, *count) = await rows_read(shop, f"/api/v1/payments?{query}&{where}", staff(shop))
                assert answer["total"] is None or answer["total"] <= LAST_ROW
                if page > FEW + 2 * skipped or sum(count) > 2 * LAST_ROW:
                    wasteful.append(f"{query}&{where} read {page} rows, and {count} to count")
        assert not wasteful


async def test_a_customers_list_reads_their_own(running: Callable[..., Any]) -> None:
    async with running(build, Settings) as shop:
        await fill(shop)
        customer = shop.bearer("00000000-0000-0000-0000-000000000011")
        answer, read = await rows_read(shop, "/api/v1/payments?status=captured", customer)
        assert answer["items"]
        assert sum(read) < FEW


async def fill(shop: Harness) -> None:
    pool = shop.service.database.pool
    await pool.execute(PAYMENTS, ROWS, shop.clock())
    await pool.execute("vacuum analyze")
