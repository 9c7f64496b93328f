"""How much there is of what stands in a cart: asked where it matters, for the copy only knows what crossed a line."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from chassis.context import Context
from chassis.http import Problem
from chassis.service import Service

from cart.domain import Line

AT_ONCE = 200


async def available(service: Service, context: Context, lines: Iterable[Line]) -> Mapping[str, int]:
    """Units that can be ordered, by SKU. Nothing is known of any while inventory cannot be reached."""
    skus, found = [line.sku for line in lines], dict[str, int]()
    for start in range(0, len(skus), AT_ONCE):
        query = urlencode([("sku", sku) for sku in skus[start : start + AT_ONCE]])
        try:
            answer = await service.world.peers.get("inventory", f"/internal/v1/stock?{query}", context=context)
        except Problem:
            return {}
        if answer.ok:
            levels = answer.json()["items"]
            found |= {level["sku"]: max(level["available"], 0) + level.get("backorderable", 0) for level in levels}
    return found
