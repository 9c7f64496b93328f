"""What comes in and goes out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from chassis.http import Answer, Body, Money
from fastapi import Path
from pydantic import ConfigDict, Field, StringConstraints

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
MOST = 1_000_000
MOST_PRECEDING = 1_000

SKU = r"^[A-Za-z0-9._-]{1,64}$"

Sku = Annotated[str, Path(pattern=SKU, description="The SKU.", examples=["KET-1"])]
SomeSku = Annotated[str, StringConstraints(pattern=SKU)]
Units = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=ONE_LINE)]
Place = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,36}$")]
MAIN = "main"


def example(**values: Any) -> ConfigDict:
    """A model's configuration that shows it with these values in the API's documents."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class WhereAnswer(Answer):
    """A SKU's units at one location."""

    model_config = example(location_id=MAIN, on_hand=20, reserved=2, available=18, shortage=0)

    location_id: str
    on_hand: int
    reserved: int
    available: int
    shortage: int


class ValueAnswer(Answer):
    """What the units on hand and in transit are worth: at today's price, null where none is known, and at their cost.

    The cost is the moving weighted average of the receipts; units that came without a cost are not in it.
    """

    model_config = example(
        at_price={"amount": "49980.00", "currency": "KES"},
        at_cost={"amount": "30000.00", "currency": "KES"},
        units_without_cost=0,
    )

    at_price: Money | None
    at_cost: Money
    units_without_cost: int


class SkuAnswer(Answer):
    """One SKU as it stands, over all locations and at each. Low: at the threshold or below.

    ``shortage``: reserved units that a count found missing. ``backordered``: reserved units that are still to come,
    ``backorder_limit`` at most. ``in_transit``: between two locations, not on hand anywhere.
    """

    model_config = example(
        sku="KET-1",
        on_hand=20,
        reserved=2,
        available=18,
        shortage=0,
        in_transit=0,
        threshold=5,
        low=False,
        backorder_limit=0,
        backordered=0,
        value=ValueAnswer.model_config["json_schema_extra"]["examples"][0],  # type: ignore[index]
        locations=[{"location_id": MAIN, "on_hand": 20, "reserved": 2, "available": 18, "shortage": 0}],
        updated_at="2026-01-05T12:00:00Z",
    )

    sku: str
    on_hand: int
    reserved: int
    available: int
    shortage: int
    in_transit: int
    threshold: int
    low: bool
    backorder_limit: int
    backordered: int
    value: ValueAnswer
    locations: list[WhereAnswer]
    updated_at: datetime


class ConfigurationBody(Body):
    """The SKU is low at ``threshold`` free units and below, and takes orders for ``backorder_limit`` units more than
    there are. What is left out stays as it is.
    """

    model_config = example(threshold=10, backorder_limit=0)

    threshold: Units | None = None
    backorder_limit: Units | None = None


class ReceiptBody(Body):
    """``quantity`` units came in, from ``supplier``, with ``reference`` (a delivery note), each for ``unit_cost``."""

    model_config = example(
        quantity=20, reference="DN-77", supplier="Kettles Ltd", unit_cost={"amount": "1500.00", "currency": "KES"}
    )

    quantity: Annotated[int, Field(strict=True, ge=1, le=MOST)]
    reference: Words | None = None
    supplier: Words | None = None
    unit_cost: Money | None = None
    location_id: Place = MAIN


class CountBody(Body):
    """Somebody counted ``quantity`` units at the location; ``reference`` names the stocktake."""

    model_config = example(quantity=17, reference="stocktake of January")

    quantity: Annotated[int, Field(strict=True, ge=0, le=1000 * MOST)]
    reference: Words | None = None
    location_id: Place = MAIN


class AdjustmentBody(Body):
    """``delta`` units more or fewer, because ``damaged``, ``returned`` or ``adjusted``; other words become its note."""

    model_config = example(delta=-2, reason="damaged")

    delta: Annotated[int, Field(strict=True, ge=-MOST, le=MOST)]
    reason: Words = "adjusted"
    location_id: Place = MAIN


MovementReason = Literal["received", "sold", "returned", "counted", "damaged", "transferred", "adjusted"]


class MovementAnswer(Answer):
    """One movement: ``on_hand`` is what there was after it, over all locations.

    ``reference``: the order, delivery note, stocktake or transfer. ``cost`` is what the value changed by, ``unit_cost``
    what was paid for each unit received.
    """

    model_config = example(
        at="2026-01-05T12:00:00Z",
        delta=20,
        reason="received",
        reference="DN-77",
        note=None,
        supplier="Kettles Ltd",
        location_id=MAIN,
        unit_cost={"amount": "1500.00", "currency": "KES"},
        cost={"amount": "30000.00", "currency": "KES"},
        on_hand=20,
    )

    at: datetime
    delta: int
    reason: MovementReason
    reference: str | None
    note: str | None
    supplier: str | None
    location_id: str
    unit_cost: Money | None
    cost: Money
    on_hand: int


class ValuationAnswer(Answer):
    """What the whole stock is worth, on hand and in transit: at the prices of today, and at what it cost.

    The cost is the moving weighted average of each SKU's receipts, exact to the minor unit. ``units_without_price`` are
    not in ``at_price``, ``units_without_cost`` not in ``at_cost``.
    """

    model_config = example(
        skus=1000,
        on_hand=51234,
        in_transit=12,
        at_price={"amount": "128500000.00", "currency": "KES"},
        at_cost={"amount": "77100000.00", "currency": "KES"},
        units_without_price=0,
        units_without_cost=40,
        method="weighted_average",
    )

    skus: int
    on_hand: int
    in_transit: int
    at_price: Money
    at_cost: Money
    units_without_price: int
    units_without_cost: int
    method: Literal["weighted_average"] = "weighted_average"


class LocationBody(Body):
    """A place where units are kept. The lowest ``priority`` gives its units first."""

    model_config = example(name="Mombasa", priority=10)

    name: Words
    priority: Annotated[int, Field(strict=True, ge=0, le=MOST_PRECEDING)] = 100


class LocationChangeBody(Body):
    """What shall be otherwise; what is left out stays as it is."""

    model_config = example(priority=20)

    name: Words | None = None
    priority: Annotated[int | None, Field(strict=True, ge=0, le=MOST_PRECEDING)] = None


class LocationAnswer(Answer):
    """A place where units are kept. ``main`` is there from the beginning."""

    model_config = example(id=MAIN, name="Main", priority=0)

    id: str
    name: str
    priority: int


class TransferBody(Body):
    """``quantity`` free units of ``sku`` leave ``origin`` for ``destination``, both locations."""

    model_config = example(
        sku="KET-1",
        quantity=5,
        origin=MAIN,
        destination="0198f3a2-8a10-7b3c-8d2e-6f5a4b3c2d1e",
        reference="van of Monday",
    )

    sku: SomeSku
    quantity: Annotated[int, Field(strict=True, ge=1, le=MOST)]
    origin: Place
    destination: Place
    reference: Words | None = None


TransferStatus = Literal["in_transit", "arrived"]


class TransferAnswer(Answer):
    """Units on their way, on hand nowhere, until they have arrived."""

    model_config = example(
        id="0198f3a2-9b20-7d1e-9c3f-7a6b5c4d3e2f",
        sku="KET-1",
        quantity=5,
        origin=MAIN,
        destination="0198f3a2-8a10-7b3c-8d2e-6f5a4b3c2d1e",
        reference="van of Monday",
        status="in_transit",
        sent_at="2026-01-05T12:00:00Z",
        arrived_at=None,
    )

    id: str
    sku: str
    quantity: int
    origin: str
    destination: str
    reference: str | None
    status: TransferStatus
    sent_at: datetime
    arrived_at: datetime | None


class InitialBody(Body):
    """The stock that a SKU begins with."""

    model_config = example(initial=20)

    initial: Units


class LevelAnswer(Answer):
    """One SKU as other services see it. ``backorderable``: what can be ordered besides those available."""

    model_config = example(sku="KET-1", on_hand=20, reserved=2, available=18, backorderable=0)

    sku: str
    on_hand: int
    reserved: int
    available: int
    backorderable: int


class LevelsAnswer(Answer):
    """``missing``: SKUs that are not in the inventory."""

    items: list[LevelAnswer]
    missing: list[str]
