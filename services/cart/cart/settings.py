"""What the cart is told from outside."""

from datetime import timedelta

from chassis.settings import Settings as Shared
from pydantic import Field

from cart.domain import Limits


class Settings(Shared):
    """The shared settings, the cart's own database, and how much a cart takes."""

    database_url: str = Field(
        "",
        validation_alias="CART_DATABASE_URL",
        description="The cart's database: postgresql://user:password@host/name.",
    )
    cart_lines: int = Field(100, ge=1, le=1000, description="Different articles that one cart takes.")
    cart_quantity: int = Field(999, ge=1, le=1_000_000, description="Units of one article that one cart takes.")

    cart_abandoned_after: timedelta = Field(
        timedelta(days=1), description="How long a customer leaves a cart until `cart.abandoned` says so, once."
    )
    cart_idle_after: timedelta = Field(
        timedelta(days=30), description="How long nothing happens to a cart until it is closed."
    )
    cart_deleted_after: timedelta = Field(
        timedelta(days=30), description="How long after that all that happened to it is deleted."
    )

    @property
    def limits(self) -> Limits:
        """How much a cart takes."""
        return Limits(self.cart_lines, self.cart_quantity)
