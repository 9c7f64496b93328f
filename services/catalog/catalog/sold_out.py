"""Products that nobody can buy now, taken off the lists where the shop wants that, and put back when somebody can."""

from datetime import timedelta

from chassis.jobs import Job
from chassis.service import Service

from catalog.settings import Settings

CHUNK = 500
"""Products a transaction."""

# Where the inventory has not spoken of each variant yet, nobody knows whether the product is sold out.
TAKE_OFF = f"""
UPDATE products SET listed = false WHERE id IN (
    SELECT id FROM products p WHERE status = 'active' AND NOT in_stock AND listed AND NOT EXISTS (
        SELECT FROM variants v JOIN stock s USING (sku) WHERE v.product_id = p.id AND v.active AND s.sequence < 0)
    LIMIT {CHUNK} FOR NO KEY UPDATE SKIP LOCKED)
"""
PUT_BACK = f"""
UPDATE products SET listed = true WHERE id IN (
    SELECT id FROM products WHERE NOT listed AND (in_stock OR NOT $1) LIMIT {CHUNK} FOR NO KEY UPDATE SKIP LOCKED)
"""


async def list_by_stock(service: Service) -> str:
    """One round."""
    assert isinstance(service.settings, Settings)
    hide = service.settings.hide_sold_out
    back = await _all(service, PUT_BACK, hide)
    off = await _all(service, TAKE_OFF) if hide else 0
    return f"took {off} products off the lists, put {back} back"


async def _all(service: Service, sql: str, *given: bool) -> int:
    changed, some = 0, CHUNK
    while some == CHUNK:
        some = int((await service.database.pool.execute(sql, *given)).rpartition(" ")[2])
        changed += some
    return changed


LIST_BY_STOCK = Job("list-by-stock", list_by_stock, every=timedelta(minutes=1))
