"""The list of notifications reads what it shows, however many there are."""

from collections.abc import Callable
from typing import Any

from notification.service import build
from notification.settings import Settings
from plans import rows_read

ROWS = 40_000
LAST_ROW = 10_000
FEW = 150

# Nearly all were sent; a few very old ones never were, and are of a kind that there is no more.
NOTIFICATIONS = """
insert into notifications (cause, kind, id, subject_id, customer_id, channel, status, sequence, created_at)
select 'cause-' || n, case when n <= 3 then 'old_kind' when n % 2 = 0 then 'order_placed' else 'order_confirmed' end,
    lpad(to_hex(n), 32, '0')::uuid::text, 'u-' || n % 2000, 'u-' || n % 2000, 'email',
    case when n <= 3 then 'failed' else 'sent' end, 1, $2::timestamptz - ($1 - n) * interval '1 minute'
from generate_series(1, $1) n
"""
QUERIES = ["", "status=sent", "status=failed", "status=queued&status=failed", "kind=old_kind", "kind=order_placed"]


async def test_a_list_reads_what_it_shows_and_counts_to_where_pages_end(running: Callable[..., Any]) -> None:
    async with running(build, Settings) as shop:
        pool = shop.service.database.pool
        await pool.execute(NOTIFICATIONS, ROWS, shop.clock())
        await pool.execute("vacuum analyze")
        staff = shop.bearer("u-0", role="staff", rights=["notifications:read"])
        wasteful = []
        for query in QUERIES:
            for where, skipped in (("page=1", 0), ("page=500", LAST_ROW), ("cursor=", 0)):
                path = f"/api/v1/notifications?scope=all&{query}&{where}"
                _, (page, *count) = await rows_read(shop, path, staff)
                if page > FEW + 2 * skipped or sum(count) > 2 * LAST_ROW:
                    wasteful.append(f"{path} read {page} rows, and {count} to count")
        assert not wasteful
        own, read = await rows_read(shop, "/api/v1/notifications", shop.bearer("u-17"))
        assert (own["total"], sum(read) < FEW) == (ROWS // 2000, True)
