"""What every route here does: find the SKU, or say that there is none."""

from typing import Any

from chassis.context import Context
from chassis.http import NOT_FOUND, Problem, problem_type
from chassis.service import Service

from inventory.api.models import SkuAnswer
from inventory.calls import known_to_the_catalog
from inventory.domain.listing import listing
from inventory.views import levels

UNKNOWN_SKU = problem_type(
    "unknown-sku",
    404,
    "Unknown SKU",
    when="Neither the inventory nor the catalog knows the SKU.",
    client="Check the SKU; create its product or variant first.",
)
NOT_ENOUGH_STOCK = problem_type(
    "not-enough-stock",
    409,
    "Not enough free stock",
    when="An adjustment would take more units than are free: those on hand that no order has reserved.",
    client="Take fewer, wait for the orders, or record a count, which is a fact.",
)


async def row_of(service: Service, sku: str) -> Any:
    """The SKU as it stands. 404 where the inventory does not know it."""
    for row in await levels(service.database.pool, [sku]):
        return row
    raise Problem(NOT_FOUND, f"The inventory does not know the SKU {sku}.")


async def make_known(service: Service, sku: str, context: Context) -> None:
    """See that the SKU is listed, by asking the catalog where nobody here has heard of it yet. 404 where it has not."""
    if await levels(service.database.pool, [sku]):
        return
    found = await known_to_the_catalog(service, [sku], context)
    if not found.skus:
        raise Problem(UNKNOWN_SKU, f"Neither the inventory nor the catalog knows the SKU {sku}.")
    await service.execute_many(listing, found, context)


def shown(row: Any) -> SkuAnswer:
    """The answer that shows a row."""
    low = row["available"] <= row["threshold"]
    return SkuAnswer(**{name: row[name] for name in SkuAnswer.model_fields if name != "low"}, low=low)
