"""What the routes here share: find the SKU or the location, or say that there is none; and how a SKU is shown."""

from typing import Any

import orjson
from chassis.context import Context
from chassis.http import NOT_FOUND, Money, Problem, invalid, problem_type
from chassis.service import Service

from inventory.api.models import SkuAnswer, ValueAnswer, WhereAnswer
from inventory.calls import known_to_the_catalog
from inventory.domain.listing import listing
from inventory.domain.shelves import MAIN
from inventory.queries import Filters, levels, location_of, skus_like

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
    when="An adjustment or a transfer would take more units than are free there: on hand, and reserved by no order.",
    client="Take fewer, wait for the orders, or record a count, which is a fact.",
)
VALUE_OUT_OF_RANGE = problem_type(
    "value-out-of-range",
    409,
    "Worth more than can be noted",
    when="With these units the SKU would be worth more than 10^18 minor units of the currency.",
    client="Check the quantity and the cost.",
)


async def row_of(service: Service, sku: str) -> Any:
    """The SKU as it stands. 404 where the inventory does not know it."""
    async with service.database.engine.connect() as sql:
        rows, _ = await skus_like(sql, Filters(skus=(sku,)), [("sku", False)], 2, 0)
    for row in rows:
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


async def check_location(service: Service, location_id: str, pointer: str) -> None:
    """422 where the body names a location that is not there."""
    if location_id == MAIN:
        return
    async with service.database.engine.connect() as sql:
        if await location_of(sql, location_id) is None:
            raise invalid(pointer, "must be a location: see /inventory/locations")


def shown(row: Any, currency: str) -> SkuAnswer:
    """The answer that shows a row."""
    places: list[dict[str, Any]]
    places = orjson.loads(row["locations"]) if row["locations"] else [{"location_id": MAIN, **units_of(row)}]
    owned = row["on_hand"] + row["in_transit"]
    value = ValueAnswer(
        at_price=None if row["price"] is None else Money.of(row["price"] * owned, currency),
        at_cost=Money.of(row["cost"], currency),
        units_without_cost=owned - row["costed"],
    )
    return SkuAnswer(
        sku=row["sku"],
        on_hand=row["on_hand"],
        reserved=row["reserved"],
        available=row["available"],
        shortage=row["shortage"],
        in_transit=row["in_transit"],
        threshold=row["threshold"],
        low=row["available"] <= row["threshold"],
        backorder_limit=row["backorder_limit"],
        backordered=row["backordered"],
        value=value,
        locations=[WhereAnswer(**place, available=max(0, place["on_hand"] - place["reserved"])) for place in places],
        updated_at=row["updated_at"],
    )


def units_of(row: Any) -> dict[str, int]:
    """What there is at the main location of a SKU that is nowhere else."""
    reserved = row["reserved"] - row["backordered"]
    return {"on_hand": row["on_hand"], "reserved": reserved, "shortage": row["shortage"]}
