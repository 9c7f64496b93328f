"""Lists of orders, parcels and refunds read what they show, however many there are."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from order.testing_shop import Shop, open_shop
from plans import rows_read

ROWS = 40_000
LAST_ROW = 10_000
PAGE = 20
FEW = 150
"""Rows that a page may look at: its own by index and by key, those that still move, and a few it throws away."""
ON_THEIR_WAY = 2960

# The newest 40 still move; those before are on their way; nearly all have arrived; a few strange ones are very old.
ORDERS = """
with numbered as (
    select n, $1 - n as age, lpad(to_hex(n), 32, '0')::uuid::text as id,
           case when $1 - n < 40 then 'pending' when $1 - n < 3000 then 'confirmed' when n <= 3 then 'processing'
                when n % 7 = 0 then 'cancelled' else 'delivered' end as status,
           case when $1 - n < 40 then 'processing' when n <= 3 then 'refund_failed'
                when n % 7 = 0 then 'refunded' else 'captured' end as paid
    from generate_series(1, $1) n
)
insert into orders (id, number, customer_id, owner, status, payment_status, return_status, lines, skus, currency,
    subtotal, discount, shipping, tax, rounding, total, shipping_method, address, country, email, phone, shipments,
    shortages, cart_version, settled, payment_failed, done, version, created_at, updated_at)
select id, 'SO-' || 1000 + n, 'c-' || n % 3000, 'user:c-' || n % 3000, status, paid, 'none', '[]',
    array['SKU-' || n % 2000], 'KES', 0, 0, 0, 0, 0, (n * 7919::bigint) % 1000000, 'standard', '{}', 'KE',
    'c' || n % 3000 || '@soko.example', '+2547' || lpad((n % 3000)::text, 8, '0'), '[]', '[]', 1, age >= 40, false,
    age >= 3000, 1, $2::timestamptz - age * interval '1 minute', $2
from numbered order by n
"""
SHIPMENTS = """
insert into shipments (id, order_id, number, owner, status, lines, version, created_at, updated_at)
select id, id, number, owner, case when status = 'delivered' then status when status = 'cancelled' then 'failed'
    when status = 'processing' then 'packed' else 'pending' end, '[]', 1, created_at, updated_at from orders
"""
REFUNDS = """
insert into refunds (id, order_id, number, payment_id, amount, currency, reason, status, version, created_at,
    updated_at)
select id, id, number, id, total, 'KES', 'by_staff', case when payment_status = 'refund_failed' then 'failed'
    else 'succeeded' end, 1, created_at, updated_at from orders
"""


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    """A shop with many orders."""
    async with open_shop(running) as opened:
        pool = opened.harness.service.database.pool
        await pool.execute(ORDERS, ROWS, opened.harness.clock())
        await pool.execute(SHIPMENTS)
        await pool.execute(REFUNDS)
        await pool.execute("vacuum analyze")
        yield opened


def staff(shop: Shop) -> dict[str, str]:
    return shop.staff("orders:read", "orders:personal", "payments:read")


LISTS = {
    "orders": [
        "",
        "status=delivered",
        "status=confirmed",
        "status=pending",
        "status=processing",
        "status=cancelling",
        "status=processing&status=cancelled&status=shipped&status=pending",
        "payment_status=refund_failed",
        "payment_status=captured&payment_status=voided",
        "ordering=created_at",
        "ordering=total",
        "ordering=-total",
        "ordering=-number",
        "status=delivered&ordering=-total",
        "total_min=5000.00&ordering=total",
        "total_max=2.00",
        "total_min=5000.00",
        "created_after={early}",
        "created_before={early}",
        "created_after={late}&ordering=created_at",
        "search=SO-",
        "search=so-1234",
        "search=SKU-17",
        "search=c17@SOKO",
        "search=c",
        "search=0700000017",
        "search=nothing",
        "search=SKU-17&status=delivered",
    ],
    "shipments": [
        "",
        "status=packed",
        "status=delivered",
        "status=packed&status=failed",
        "status=in_transit",
        "created_before={early}",
    ],
    "refunds": ["", "status=failed", "status=succeeded", "status=pending", "ordering=amount", "ordering=-amount"],
}


async def test_a_list_reads_what_it_shows_and_counts_to_where_pages_end(shop: Shop) -> None:
    now = shop.harness.clock()
    early, late = now - timedelta(minutes=ROWS - 120), now - timedelta(minutes=120)
    at = {"early": f"{early:%Y-%m-%dT%H:%M:%SZ}", "late": f"{late:%Y-%m-%dT%H:%M:%SZ}"}
    wasteful = []
    for path in (f"{name}?{query.format_map(at)}" for name, queries in LISTS.items() for query in queries):
        for where, skipped in (("page=1", 0), (f"page={LAST_ROW // PAGE}", LAST_ROW - PAGE), ("cursor=", 0)):
            answer, read = await rows_read(shop.harness, f"/api/v1/{path}&{where}", staff(shop))
            assert answer["total"] is None or answer["total"] <= LAST_ROW
            page = read[-1] if "search=" in path else read[0]
            if page > FEW + 2 * skipped or max(read) > 2 * LAST_ROW + FEW:
                wasteful.append(f"{path}&{where} read {read} rows")
    assert not wasteful


async def test_a_customers_list_reads_their_own(shop: Shop) -> None:
    for path in ("orders?", "orders?ordering=total", "orders?status=delivered", "orders?search=SO-", "shipments?"):
        answer, read = await rows_read(shop.harness, f"/api/v1/{path}", shop.harness.bearer("c-17"))
        assert answer["items"]
        assert sum(read) < FEW


async def test_the_total_is_told_up_to_where_pages_end_and_the_list_goes_on_behind(shop: Shop) -> None:
    few = (await shop.get("/orders?status=confirmed", staff(shop))).json()
    assert (few["total"], len(few["items"])) == (ON_THEIR_WAY, PAGE)
    many = (await shop.get("/orders?status=delivered", staff(shop))).json()
    assert (many["total"], many["next"]) == (None, "/api/v1/orders?status=delivered&page=2&page_size=20")
    end = (await shop.get(f"/orders?status=delivered&page={LAST_ROW // PAGE}", staff(shop))).json()
    behind = (await shop.get(end["next"].removeprefix("/api/v1"), staff(shop))).json()
    assert "cursor=" in end["next"]
    assert end["items"][-1]["created_at"] > behind["items"][0]["created_at"]
    assert behind["total"] is None
