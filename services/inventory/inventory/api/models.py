"""What comes in and goes out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from chassis.http import Answer, Body
from fastapi import Path
from pydantic import ConfigDict, Field, StringConstraints

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
MOST = 1_000_000

SKU = r"^[A-Za-z0-9._-]{1,64}$"

Sku = Annotated[str, Path(pattern=SKU, description="The SKU.", examples=["KET-1"])]
SomeSku = Annotated[str, StringConstraints(pattern=SKU)]
Units = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=ONE_LINE)]


def example(**values: Any) -> ConfigDict:
    """A model's configuration that shows it with these values in the API's documents."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class SkuAnswer(Answer):
    """One SKU as it stands. ``shortage``: reserved units that a count found missing. Low: at the threshold or below."""

    model_config = example(
        sku="KET-1",
        on_hand=20,
        reserved=2,
        available=18,
        shortage=0,
        threshold=5,
        low=False,
        updated_at="2026-01-05T12:00:00Z",
    )

    sku: str
    on_hand: int
    reserved: int
    available: int
    shortage: int
    threshold: int
    low: bool
    updated_at: datetime


class ThresholdBody(Body):
    """The SKU is low at ``threshold`` free units and below."""

    model_config = example(threshold=10)

    threshold: Units


class ReceiptBody(Body):
    """``quantity`` units came in, with ``reference`` (a delivery note)."""

    model_config = example(quantity=20, reference="DN-77")

    quantity: Annotated[int, Field(strict=True, ge=1, le=MOST)]
    reference: Words | None = None


class CountBody(Body):
    """Somebody counted ``quantity`` units; ``reference`` names the stocktake."""

    model_config = example(quantity=17, reference="stocktake of January")

    quantity: Annotated[int, Field(strict=True, ge=0, le=1000 * MOST)]
    reference: Words | None = None


class AdjustmentBody(Body):
    """``delta`` units more or fewer, because ``damaged``, ``returned`` or ``adjusted``; other words become its note."""

    model_config = example(delta=-2, reason="damaged")

    delta: Annotated[int, Field(strict=True, ge=-MOST, le=MOST)]
    reason: Words = "adjusted"


MovementReason = Literal["received", "sold", "returned", "counted", "damaged", "transferred", "adjusted"]


class MovementAnswer(Answer):
    """One movement: ``on_hand`` is what there was after it; ``reference`` the order, delivery note or stocktake."""

    model_config = example(
        at="2026-01-05T12:00:00Z", delta=20, reason="received", reference="DN-77", note=None, on_hand=20
    )

    at: datetime
    delta: int
    reason: MovementReason
    reference: str | None
    note: str | None
    on_hand: int


class InitialBody(Body):
    """The stock that a SKU begins with."""

    model_config = example(initial=20)

    initial: Units


class LevelAnswer(Answer):
    """One SKU as other services see it."""

    model_config = example(sku="KET-1", on_hand=20, reserved=2, available=18)

    sku: str
    on_hand: int
    reserved: int
    available: int


class LevelsAnswer(Answer):
    """``missing``: SKUs that are not in the inventory."""

    items: list[LevelAnswer]
    missing: list[str]
