"""What every service is told from outside: environment variables, or a ``.env`` file beside the command."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, TypeAdapter, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis import urls

Environment = Literal["development", "testing", "staging", "production"]

DURATION: Final = TypeAdapter(timedelta)


class Settings(BaseSettings):
    """Settings that all services share. Each service adds its own; ``docs/configuration.md`` is made from them."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    soko_env: Environment = Field(
        "development",
        description="What this shop is for: demo data and the simulated card gateway exist in development and testing "
        "only; staging and production refuse default secrets, fault switches and a missing PUBLIC_URL.",
    )
    soko_home: Path = Field(Path(".soko"), description="Where the embedded servers, mails and demo secrets live.")
    soko_internal_key: SecretStr = Field(
        SecretStr(""),
        description="What services prove to each other who they are with: 32 characters of chance or more.",
    )
    soko_faults: str = Field("", description="Testing only: kill the process at a named point, `relay.sent:3`.")
    shop_currency: str = Field("KES", pattern="^[A-Z]{3}$", description="The one currency of the shop (ISO 4217).")
    public_url: str = Field(
        "",
        description="Where customers reach the gateway, e.g. https://shop.example. Also the issuer that the shop is "
        "as an OpenID provider.",
    )
    database_url: str = Field("", description="The service's own database: postgresql://user:password@host/name.")
    database_pool: int = Field(
        3,
        ge=1,
        le=100,
        description="Connections a service keeps to its database at most, once for fixed statements and once for "
        "queries that vary; two more hold its locks.",
    )
    price_hold: timedelta = Field(
        timedelta(hours=24), description="How long a cart's line keeps the price it was added at (ISO 8601 or seconds)."
    )
    payment_window: timedelta = Field(
        timedelta(minutes=15),
        gt=timedelta(0),
        description="How long an order waits to be paid, from the moment its stock is held.",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _duration(cls, value: Any, field: ValidationInfo) -> Any:
        """Durations are ISO 8601 or seconds, and none is below zero."""
        if cls.model_fields[str(field.field_name)].annotation is not timedelta or not isinstance(value, str):
            return value
        try:
            duration = DURATION.validate_python(float(value) if value.strip("0123456789.-") == "" else value)
        except ValueError:
            raise ValueError(f"{value!r} is not a duration: write PT15M, or 900 for seconds") from None
        if duration < timedelta(0):
            raise ValueError("a duration is not below zero")
        return duration

    @field_validator("public_url")
    @classmethod
    def _shop(cls, value: str) -> str:
        return urls.origin(value)

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        return urls.url(value, ("postgresql",), "postgresql://user:password@host:5432/name")

    def on(self, database_url: str) -> Self:
        """The same settings with another database: the services' own name for it is a variable's, not the field's."""
        return self.model_copy(update={"database_url": database_url})

    @property
    def shop_url(self) -> str:
        """Where customers reach the gateway; where nothing says so, on this machine."""
        return self.public_url or "http://127.0.0.1:8000"

    @property
    def development(self) -> bool:
        """Whether demo data and pages for developers may exist."""
        return self.soko_env == "development"

    @property
    def strict(self) -> bool:
        """Whether this is a shop with real customers, or a rehearsal of one."""
        return self.soko_env in ("staging", "production")


class WithRedis(Settings):
    """The shared settings, and the Redis in which replicas of a service keep what they have in common."""

    redis_url: SecretStr = Field(
        SecretStr(""),
        description="A Redis, redis://user:password@host:6379/0 or rediss://: replicas share the catalog's ready "
        "answers and the gateway's rate limits there. Without it each process has its own in memory.",
    )

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: SecretStr) -> SecretStr:
        urls.redis(url.get_secret_value())
        return url


class ProcessSettings(Settings):
    """The shared settings, and those of the process around a service."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="The port to listen on.")
    metrics_port: int = Field(
        9464, ge=0, le=65535, description="The port of /metrics, never behind the gateway; 0: off."
    )
    metrics_host: str = Field("127.0.0.1", description="The address that /metrics listens on.")
    otel_exporter_otlp_endpoint: str = Field(
        "",
        description="Where traces go: an OpenTelemetry collector that takes OTLP over HTTP, http://host:4318. Empty: "
        "there are none. OpenTelemetry's other variables count too, OTEL_TRACES_SAMPLER among them.",
    )
    rabbitmq_url: str = Field(
        "",
        description="The broker between processes, amqp://user:password@host/vhost; without it `soko processes` "
        "starts a private node of an installed RabbitMQ.",
    )
    log_level: str = Field("", description="DEBUG, INFO, WARNING or ERROR; INFO, and WARNING for `soko run`.")

    @field_validator("rabbitmq_url")
    @classmethod
    def _broker(cls, value: str) -> str:
        return urls.url(value, ("amqp", "amqps"), "amqp://user:password@host:5672/vhost")


def broken(error: ValidationError) -> list[str]:
    """A line for each setting that breaks its rule: the setting's name, and the rule."""
    return [_line("_".join(map(str, each["loc"])).upper() or "Settings", str(each["msg"])) for each in error.errors()]


def _line(name: str, rule: str) -> str:
    return f"{name}: {rule.removeprefix('Value error, ')}"
