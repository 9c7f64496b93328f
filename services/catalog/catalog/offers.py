"""What a product costs when: the periods in ``offers``, made anew whenever one of their causes is written.

A sale begins and ends by the clock alone: every read picks the period that holds at its own time.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.domain import Sale
from catalog.prices import set_current

CHUNK = 2000
"""Products whose periods one statement makes."""

# The first statement of its transaction, so that no row is held by who waits for it.
SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtext('catalog offers'))")
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('catalog offers'))")

# From the discounts that each product has, by itself or by its categories, to periods: an edge wherever one starts or
# ends, and between two edges the highest percentage. Discounts that are over make none. Answers the ids of those whose
# sales are others now.
REFRESH = text("""
WITH RECURSIVE wanted AS (
    SELECT id, price FROM products WHERE id = ANY(:ids)
), above AS (
    SELECT pc.product_id, pc.category_id FROM product_categories pc JOIN wanted w ON w.id = pc.product_id
    UNION SELECT a.product_id, c.parent_id FROM above a JOIN categories c ON c.id = a.category_id
    WHERE c.parent_id IS NOT NULL
), given AS (
    SELECT product_id, discount_id FROM discount_products WHERE product_id = ANY(:ids)
    UNION SELECT a.product_id, dc.discount_id FROM above a JOIN discount_categories dc USING (category_id)
), sales AS (
    SELECT g.product_id, d.percent, d.starts_at, d.ends_at FROM given g JOIN discounts d ON d.id = g.discount_id
    WHERE d.ends_at > :now
), edges AS (
    SELECT id AS product_id, '-infinity'::timestamptz AS at FROM wanted
    UNION SELECT product_id, starts_at FROM sales
    UNION SELECT product_id, ends_at FROM sales
), periods AS (
    SELECT product_id, at AS starts_at, lead(at, 1, 'infinity') OVER (PARTITION BY product_id ORDER BY at) AS ends_at
    FROM edges
), made AS (
    SELECT p.product_id, p.starts_at, p.ends_at, w.price, max(s.percent) AS percent
    FROM periods p JOIN wanted w ON w.id = p.product_id
    LEFT JOIN sales s ON s.product_id = p.product_id AND s.starts_at <= p.starts_at AND s.ends_at >= p.ends_at
    GROUP BY p.product_id, p.starts_at, p.ends_at, w.price
), before AS (
    SELECT product_id, array_agg((starts_at, ends_at, percent)::text ORDER BY starts_at) AS sales
    FROM offers WHERE product_id = ANY(:ids) AND percent IS NOT NULL AND ends_at > :now GROUP BY product_id
), after AS (
    SELECT product_id, array_agg((starts_at, ends_at, percent)::text ORDER BY starts_at) AS sales
    FROM made WHERE percent IS NOT NULL GROUP BY product_id
), gone AS (
    DELETE FROM offers o WHERE o.product_id = ANY(:ids) AND (o.product_id, o.starts_at) NOT IN (
        SELECT product_id, starts_at FROM made)
), written AS (
    INSERT INTO offers (product_id, starts_at, ends_at, price, percent)
    SELECT product_id, starts_at, ends_at, sale_price(price, percent), percent FROM made
    ON CONFLICT (product_id, starts_at) DO UPDATE
    SET ends_at = excluded.ends_at, price = excluded.price, percent = excluded.percent
    WHERE (offers.ends_at, offers.price, offers.percent)
        IS DISTINCT FROM (excluded.ends_at, excluded.price, excluded.percent)
)
SELECT product_id FROM before FULL JOIN after USING (product_id) WHERE before.sales IS DISTINCT FROM after.sales
""")
# One that is there already is held, so that nobody tells of it before this has committed, and takes it away.
UNTOLD = text("""
INSERT INTO untold SELECT unnest(CAST(:ids AS text[]))
ON CONFLICT (product_id) DO UPDATE SET product_id = excluded.product_id
""")

# Every product in these categories or below.
BELOW = text("""
WITH RECURSIVE below AS (
    SELECT unnest(CAST(:ids AS text[])) AS id
    UNION SELECT c.id FROM categories c JOIN below b ON c.parent_id = b.id
)
SELECT DISTINCT pc.product_id FROM product_categories pc JOIN below b ON b.id = pc.category_id ORDER BY 1
""")
SALES = text("""
SELECT product_id, starts_at, ends_at, percent FROM offers WHERE product_id = ANY(:ids) AND percent IS NOT NULL
ORDER BY starts_at
""")


async def side_by_side(sql: AsyncConnection) -> None:
    """Begin a transaction that writes products: beside others, but not beside one that changes discounts or the tree.

    Each of the two would make periods without knowing of what the other writes.
    """
    await sql.execute(SHARE)


async def alone(sql: AsyncConnection) -> None:
    """Begin a transaction that changes discounts or the tree: no product is written meanwhile."""
    await sql.execute(ALONE)


async def refresh(sql: AsyncConnection, ids: Sequence[str], now: datetime) -> list[str]:
    """Write these products' periods anew; the ids of those whose sales are others now."""
    if not ids:
        return []
    changed = list(await sql.scalars(REFRESH, {"ids": list(ids), "now": now}))
    await set_current(sql, ids, now)
    return changed


async def refresh_and_tell(sql: AsyncConnection, ids: Sequence[str], now: datetime) -> None:
    """The same for any number of products that are not written themselves; the world is told of them soon after."""
    for start in range(0, len(ids), CHUNK):
        if changed := await refresh(sql, ids[start : start + CHUNK], now):
            await sql.execute(UNTOLD, {"ids": changed})


async def products_below(sql: AsyncConnection, category_ids: Sequence[str]) -> list[str]:
    """The ids of all products in these categories and below."""
    return list(await sql.scalars(BELOW, {"ids": list(category_ids)})) if category_ids else []


async def sales_of(sql: AsyncConnection, ids: Sequence[str]) -> dict[str, tuple[Sale, ...]]:
    """The sales of those of these products that have any."""
    found = dict[str, tuple[Sale, ...]]()
    for row in await sql.execute(SALES, {"ids": list(ids)}):
        found[row.product_id] = (*found.get(row.product_id, ()), Sale(row.starts_at, row.ends_at, row.percent))
    return found
