"""What the order is told from outside."""

from datetime import timedelta

from chassis.http import Money
from chassis.settings import Settings as Shared
from pydantic import BaseModel, ConfigDict, Field

from order.values import Waits


class ShippingMethod(BaseModel):
    """A way to send an order. ``price`` is a decimal string in the shop's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z0-9_-]{1,32}$")
    name: str = Field(min_length=1, max_length=100)
    price: str
    min_days: int = Field(ge=0, le=365)
    max_days: int = Field(ge=0, le=365)

    def minor(self, currency: str) -> int:
        """The price in minor units."""
        return Money(amount=self.price, currency=currency).minor(currency)


STANDARD = ShippingMethod(code="standard", name="Standard delivery", price="250.00", min_days=2, max_days=4)
EXPRESS = ShippingMethod(code="express", name="Express delivery", price="600.00", min_days=1, max_days=1)
PICKUP = ShippingMethod(code="pickup", name="Collect it from us", price="0.00", min_days=0, max_days=1)


class Settings(Shared):
    """The shared settings, the order's own database, its waits, and how orders are sent."""

    database_url: str = Field(
        "",
        validation_alias="ORDER_DATABASE_URL",
        description="The order's database: postgresql://user:password@host/name.",
    )
    stock_timeout: timedelta = Field(
        timedelta(seconds=60), description="How long an order waits to hear about its stock before it is cancelled."
    )
    reservation_grace: timedelta = Field(
        timedelta(minutes=5), description="How much longer than the time to pay an order's units are held."
    )
    payment_reminder: timedelta = Field(
        timedelta(seconds=30),
        gt=timedelta(0),
        description="When payment is first asked again about what it has not answered; the wait doubles each time.",
    )
    cancel_give_up: timedelta = Field(
        timedelta(hours=1),
        description="How long a cancel waits to hear whether money came; what comes later is refunded.",
    )
    payment_attempts: int = Field(5, ge=1, le=100, description="Failed payments until an order is cancelled.")
    shipping_methods: tuple[ShippingMethod, ...] = Field(
        (STANDARD, EXPRESS, PICKUP),
        min_length=1,
        description="How orders are sent, as JSON: a list of {code, name, price, min_days, max_days}; the price is in "
        "the shop's currency, as in 250.00.",
    )

    @property
    def waits(self) -> Waits:
        """How long an order placed now waits for what."""
        return Waits(
            stock=self.stock_timeout.total_seconds(),
            window=self.payment_window.total_seconds(),
            grace=self.reservation_grace.total_seconds(),
            ask=self.payment_reminder.total_seconds(),
            give_up=self.cancel_give_up.total_seconds(),
            attempts=self.payment_attempts,
        )

    def shipping(self, code: str) -> ShippingMethod | None:
        """The method called ``code``."""
        return next((method for method in self.shipping_methods if method.code == code), None)
