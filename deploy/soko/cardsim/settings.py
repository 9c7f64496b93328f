"""What the simulated card gateway is told from outside."""

import hmac
from datetime import timedelta
from typing import Literal, Self

from chassis.settings import Settings as Shared
from pydantic import Field, SecretStr, model_validator


class Settings(Shared):
    """The shared settings, and the gateway's own."""

    database_url: str = Field(
        "",
        validation_alias="CARDSIM_DATABASE_URL",
        description="The simulated card gateway's database: postgresql://user:password@host/name.",
    )
    cardsim_public_url: str = Field(
        "", description="Where payers reach the gateway's pages; PUBLIC_URL/cardsim where it is empty."
    )
    cardsim_late_after: timedelta = Field(
        timedelta(minutes=16),
        description="When the bank answers for tok_late: later than PAYMENT_WINDOW (ISO 8601 or seconds).",
    )
    cardsim_api_key: SecretStr = Field(
        SecretStr(""),
        description="What payment shows the simulated gateway. Made from SOKO_INTERNAL_KEY where it is empty.",
    )
    cardsim_webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="What the simulated gateway signs webhooks with. Made from SOKO_INTERNAL_KEY where it is empty.",
    )

    @model_validator(mode="after")
    def _only_where_nobody_is_charged(self) -> Self:
        if self.strict:
            raise ValueError(f"the card gateway is a simulation: {self.soko_env} refuses it")
        return self

    @property
    def page(self) -> str:
        """Where the gateway's own pages are."""
        return (self.cardsim_public_url or f"{self.shop_url}/cardsim").rstrip("/")

    def secret(self, purpose: Literal["api-key", "webhooks"]) -> str:
        """The secret that the gateway and its caller share for ``purpose``."""
        given = self.cardsim_api_key if purpose == "api-key" else self.cardsim_webhook_secret
        if given.get_secret_value():
            return given.get_secret_value()
        key = self.soko_internal_key.get_secret_value().encode()
        return hmac.new(key, f"cardsim {purpose}".encode(), "sha256").hexdigest()
