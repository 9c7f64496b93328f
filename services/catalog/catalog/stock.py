"""Handing the initial stock of new SKUs to the inventory."""

import asyncio
from collections.abc import Iterable

from chassis.context import Context
from chassis.http import Problem
from chassis.service import Service
from sqlalchemy.dialects.postgresql import insert

from catalog.domain import Variant
from catalog.tables import stock

WITHIN = 5.0
"""Seconds."""


async def hand_over(service: Service, variants: Iterable[Variant], context: Context) -> bool:
    """Ask the inventory to receive what these bring; whether all of it is there in time.

    It receives a SKU's initial stock once, whoever asks and however often, and what is not there in time comes with
    the event. What it has received is for sale here at once: the first word about a SKU that nothing was heard of.
    """
    wanted = {each.sku: each.initial_stock for each in variants if each.initial_stock is not None}
    if not wanted:
        return True
    try:
        async with asyncio.timeout(WITHIN):
            held = await asyncio.gather(*(_receive(service, sku, units, context) for sku, units in wanted.items()))
    except (TimeoutError, Problem):
        return False
    if not all(held):
        return False
    rows = [{"sku": sku, "available": units, "sequence": 0} for sku, units in wanted.items()]
    async with service.database.engine.begin() as sql:
        put = insert(stock).values(rows)
        first = put.on_conflict_do_update(
            index_elements=[stock.c.sku],
            set_={"available": put.excluded.available, "sequence": put.excluded.sequence},
            where=stock.c.sequence < 0,
        )
        await sql.execute(first)
    return True


async def _receive(service: Service, sku: str, units: int, context: Context) -> bool:
    answer = await service.world.peers.post(
        "inventory", f"/internal/v1/stock/{sku}", {"initial": units}, context=context
    )
    return answer.ok
