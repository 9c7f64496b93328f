"""What each product costs now, on its own row: what lists filter and order by.

A sale begins and ends by the clock alone, so a step of the service's loop looks for offers that hold no longer. What
a product costs is shown by the clock; only its place in a list may lag behind by a step.
"""

from collections.abc import Sequence
from datetime import datetime

from chassis.service import Service
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

CHUNK = 500
"""Products a transaction."""

ANY_DUE = "SELECT EXISTS (SELECT FROM products WHERE current_until < 'infinity' AND current_until <= $1)"
DUE = text("""
SELECT id FROM products WHERE current_until < 'infinity' AND current_until <= :now
ORDER BY current_until LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
""")
SET = text("""
UPDATE products p SET current_price = o.price, current_percent = o.percent, current_until = o.ends_at
FROM offers o
WHERE p.id = ANY(:ids) AND o.product_id = p.id AND o.starts_at <= :now AND :now < o.ends_at
    AND (p.current_price, p.current_percent, p.current_until) IS DISTINCT FROM (o.price, o.percent, o.ends_at)
""")


async def set_current(sql: AsyncConnection, ids: Sequence[str], now: datetime) -> None:
    """Put onto these products' rows what they cost at ``now``: after their offers were written."""
    await sql.execute(SET, {"ids": list(ids), "now": now})


async def keep_current(service: Service) -> int:
    """One step: for products whose offer has ended. How many there were."""
    now = service.world.clock()
    if not await service.database.pool.fetchval(ANY_DUE, now):
        return 0
    async with service.database.engine.begin() as sql:
        ids = list(await sql.scalars(DUE, {"now": now, "most": CHUNK}))
        if ids:
            await set_current(sql, ids, now)
    return len(ids)
