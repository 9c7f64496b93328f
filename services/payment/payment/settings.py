"""What payment is told from outside."""

import hmac
from datetime import timedelta
from typing import Literal, Self

from chassis.settings import Settings as Shared
from pydantic import Field, SecretStr, model_validator


class Settings(Shared):
    """The shared settings, and payment's own."""

    database_url: str = Field(
        "",
        validation_alias="PAYMENT_DATABASE_URL",
        description="Payment's database: postgresql://user:password@host/name.",
    )
    card_provider: Literal["", "cardsim", "none"] = Field(
        "",
        description="Who charges cards: `cardsim`, the simulated gateway, or `none`, and then the method `card` is not "
        "offered. Empty: the simulated gateway in development and testing, nobody elsewhere, where it is refused.",
    )
    cash_on_delivery: bool = Field(True, description="Whether customers may pay in cash at the door.")
    cardsim_api_key: SecretStr = Field(
        SecretStr(""),
        description="What payment shows the simulated gateway. Made from SOKO_INTERNAL_KEY where it is empty.",
    )
    cardsim_webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="What the simulated gateway signs webhooks with. Made from SOKO_INTERNAL_KEY where it is empty.",
    )
    webhook_tolerance: timedelta = Field(
        timedelta(minutes=5),
        gt=timedelta(0),
        description="How old a webhook's signature may be (ISO 8601 or seconds).",
    )
    payment_ask_after: timedelta = Field(
        timedelta(seconds=30),
        ge=timedelta(seconds=1),
        description="How long a provider has to tell an outcome before it is asked; doubled with each question, up to "
        "an hour (ISO 8601 or seconds).",
    )
    payment_return_url: str = Field(
        "{public_url}/?order_id={order_id}&payment_id={payment_id}",
        description="Where a payer comes back to after a provider's page. May hold {public_url}, {order_id} and "
        "{payment_id}.",
    )

    @model_validator(mode="after")
    def _no_play_money(self) -> Self:
        if self.strict and self.card_provider == "cardsim":
            raise ValueError(f"CARD_PROVIDER=cardsim is a simulation: {self.soko_env} refuses it")
        return self

    @property
    def simulated_cards(self) -> bool:
        """Whether the simulated gateway charges cards."""
        return self.card_provider == "cardsim" or not (self.card_provider or self.strict)

    @property
    def ask_after(self) -> int:
        """Whole seconds until a silent provider is asked for the first time."""
        return int(self.payment_ask_after.total_seconds())

    @property
    def return_url(self) -> str:
        """The return URL with this shop's own address in it."""
        return self.payment_return_url.replace("{public_url}", self.shop_url)

    def cardsim_secret(self, purpose: Literal["api-key", "webhooks"]) -> str:
        """The secret that payment and the simulated gateway share for ``purpose``."""
        given = self.cardsim_api_key if purpose == "api-key" else self.cardsim_webhook_secret
        if given.get_secret_value():
            return given.get_secret_value()
        return hmac.new(
            self.soko_internal_key.get_secret_value().encode(), f"cardsim {purpose}".encode(), "sha256"
        ).hexdigest()
