"""Identity's settings."""

from datetime import timedelta
from typing import Annotated, Any, Self

from chassis import urls
from chassis.settings import Settings
from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from identity.domain import Brake
from identity.outside import configured
from identity.outside.configured import Configured

DEVELOPERS_ORIGINS = "http://localhost:3000,http://localhost:5173"


class IdentitySettings(Settings):
    """What an operator may choose about accounts and tokens."""

    database_url: str = Field(
        "",
        validation_alias="IDENTITY_DATABASE_URL",
        description="Identity's database: postgresql://user:password@host/name.",
    )
    access_token_life: timedelta = Field(
        timedelta(minutes=15), description="How long an access token is good, unless it is revoked."
    )
    refresh_token_life: timedelta = Field(
        timedelta(days=30), description="How long a session lasts without being used."
    )
    password_threads: int = Field(
        2, ge=1, le=64, description="Passwords hashed or checked at the same time, 7 MiB and one core each."
    )
    login_account_failures: int = Field(
        4, ge=0, description="Failed logins of one account before the next try has to wait."
    )
    login_address_failures: int = Field(
        50, ge=0, description="Failed logins from one network address before its next try has to wait."
    )
    login_longest_wait: timedelta = Field(
        timedelta(minutes=5), description="The longest wait that failed logins lead to; it doubles from 1 s up to this."
    )
    default_language: str = Field("en", description="The language of accounts that were made without one.")
    cors_origins: str | None = Field(
        None,
        description="Origins whose pages may use the refresh cookie, comma-separated. Not set: "
        f"{DEVELOPERS_ORIGINS} in development, else none. The shop's own pages always may.",
    )

    oidc_providers: Annotated[tuple[Configured, ...], NoDecode] = Field(
        (),
        description=f"Outside OpenID providers to log in with, as JSON: {configured.FORM}. Each has to know "
        "{PUBLIC_URL}/api/v1/auth/providers/{name}/callback as where it sends people back.",
    )

    @field_validator("oidc_providers", mode="before")
    @classmethod
    def _providers(cls, value: Any) -> Any:
        return configured.read(value)

    @model_validator(mode="after")
    def _providers_together(self) -> Self:
        configured.checked(self.oidc_providers, public_url=self.public_url, strict=self.strict)
        return self

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str | None) -> str | None:
        return value and urls.origins(value)

    def account_brake(self) -> Brake:
        """How failures slow down one account."""
        return Brake(self.login_account_failures, timedelta(seconds=1), self.login_longest_wait, timedelta(hours=1))

    def address_brake(self) -> Brake:
        """How failures slow down one network address."""
        return Brake(self.login_address_failures, timedelta(seconds=1), self.login_longest_wait, timedelta(hours=1))

    def origins(self) -> frozenset[str]:
        """The origins whose pages may use the refresh cookie."""
        default = DEVELOPERS_ORIGINS if self.development else ""
        listed = default if self.cors_origins is None else self.cors_origins
        given = listed.split(",") if listed else []
        if self.public_url:
            given.append(self.public_url)
        return frozenset(given)
