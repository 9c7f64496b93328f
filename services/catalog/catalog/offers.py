"""What a product costs when: the periods in ``offers``, made anew whenever one of their causes is written.

A sale begins and ends by the clock alone: every read picks the period that holds at its own time.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Products are written side by side; nobody writes one while discounts or the tree change: each would miss the other.
SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtext('catalog offers'))")
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('catalog offers'))")

# From the discounts that each product has, by itself or by its categories, to periods: an edge wherever one starts or
# ends, and between two edges the highest percentage. Discounts that are over make none.
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
), priced AS (
    SELECT p.product_id, p.starts_at, p.ends_at, w.price, (
        SELECT max(s.percent) FROM sales s
        WHERE s.product_id = p.product_id AND s.starts_at <= p.starts_at AND s.ends_at >= p.ends_at) AS percent
    FROM periods p JOIN wanted w ON w.id = p.product_id
), gone AS (
    DELETE FROM offers o WHERE o.product_id = ANY(:ids) AND NOT EXISTS (
        SELECT FROM periods p WHERE p.product_id = o.product_id AND p.starts_at = o.starts_at)
)
INSERT INTO offers (product_id, starts_at, ends_at, price, percent)
SELECT product_id, starts_at, ends_at, sale_price(price, percent), percent FROM priced
ON CONFLICT (product_id, starts_at) DO UPDATE
SET ends_at = excluded.ends_at, price = excluded.price, percent = excluded.percent
WHERE (offers.ends_at, offers.price, offers.percent)
    IS DISTINCT FROM (excluded.ends_at, excluded.price, excluded.percent)
""")


def sale_price(price: int, percent: int | None) -> int:
    """What ``price`` (minor units) is with so many percent off, rounded half up to a minor unit.

    The database's function of this name says the same.
    """
    return price if percent is None else (price * (100 - percent) + 50) // 100


async def refresh(sql: AsyncConnection, ids: Sequence[str], now: datetime) -> None:
    """Write these products' periods anew; the caller holds SHARE or ALONE."""
    if ids:
        await sql.execute(REFRESH, {"ids": list(ids), "now": now})
