"""What the world is told without anybody asking: discounts that begin and end, and products whose sales they change."""

from datetime import timedelta

from chassis.context import Context
from chassis.jobs import Job
from chassis.service import Service
from sqlalchemy import text, update

from catalog.discounts import tell_due
from catalog.domain import told_again
from catalog.tables import products
from catalog.views import products_by_ids

BATCH = 200
"""Products a transaction."""

WAITING = """
SELECT EXISTS (SELECT FROM untold)
    OR EXISTS (SELECT FROM discounts WHERE told = 'nothing' AND starts_at <= $1)
    OR EXISTS (SELECT FROM discounts WHERE told = 'started' AND ends_at <= $1)
"""
TAKE = text("""
DELETE FROM untold WHERE product_id IN (
    SELECT product_id FROM untold ORDER BY product_id LIMIT :batch FOR UPDATE SKIP LOCKED)
RETURNING product_id
""")
LOCK = text("SELECT id FROM products WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")

KEPT = timedelta(hours=1)
"""For replicas whose clocks are behind."""
FORGET = "DELETE FROM offers WHERE ends_at < $1"


async def tell(service: Service) -> int:
    """One round, a step of the service's loop: how many discounts and products were told of."""
    if not await service.database.pool.fetchval(WAITING, service.world.clock()):
        return 0
    id_ = service.world.ids()
    async with service.unit(Context(id_, id_, id_)) as unit:
        begun_or_over = await tell_due(unit)
        ids = list(await unit.sql.scalars(TAKE, {"batch": BATCH}))
        if ids:
            await unit.sql.execute(LOCK, {"ids": ids})
            for shown in await products_by_ids(unit.sql, sorted(ids)):
                message = told_again(shown.product, service.settings.shop_currency)
                unit.send(message, subject=shown.product.id, sequence=shown.sequence + 1)
            raised = update(products).where(products.c.id.in_(ids)).values(sequence=products.c.sequence + 1)
            await unit.sql.execute(raised)
    return begun_or_over + len(ids)


async def forget(service: Service) -> str:
    """Delete the periods of prices that are over."""
    gone = await service.database.pool.execute(FORGET, service.world.clock() - KEPT)
    return f"deleted {gone.rpartition(' ')[2]} past periods of prices"


FORGET_PAST_PRICES = Job("forget-past-prices", forget, every=timedelta(hours=1))
