"""What the inventory is told from outside."""

from datetime import timedelta

from chassis.settings import Settings as Shared
from pydantic import Field


class Settings(Shared):
    """The shared settings, and the inventory's own."""

    database_url: str = Field(
        "",
        validation_alias="INVENTORY_DATABASE_URL",
        description="The inventory's database: postgresql://user:password@host/name.",
    )
    low_stock_threshold: int = Field(
        5, ge=0, description="A new SKU is low at this many free units and below, until staff set another threshold."
    )
    reservation_ask_again: timedelta = Field(
        timedelta(minutes=1),
        ge=timedelta(seconds=1),
        description="How long inventory waits before it asks an order again about a reservation that has outlived its "
        "time; doubled with each question, up to 64 times as long (ISO 8601 or seconds).",
    )
