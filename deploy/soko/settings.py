"""What the command itself is told: where to listen, and which servers to use instead of its own."""

import os
from pathlib import Path

from chassis.settings import Settings
from dotenv import dotenv_values
from pydantic import Field


class ShopSettings(Settings):
    """The shared settings, and those of the process around the services."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="The port to listen on.")
    metrics_port: int = Field(
        9464, ge=0, le=65535, description="The port of /metrics, never behind the gateway; 0: off."
    )
    metrics_host: str = Field("127.0.0.1", description="The address that /metrics listens on.")
    database_url: str = Field(
        "",
        description="A PostgreSQL server on which each service gets a database of its own, "
        "postgresql://user:password@host; without it the embedded server is started. "
        "<SERVICE>_DATABASE_URL goes first.",
    )
    rabbitmq_url: str = Field(
        "",
        description="The broker between processes, amqp://user:password@host/vhost; without it `soko processes` "
        "starts a private node of an installed RabbitMQ.",
    )
    log_level: str = Field("", description="DEBUG, INFO, WARNING or ERROR; INFO, and WARNING for `soko run`.")
    demo_products: int = Field(1000, ge=0, le=100_000, description="Products of the demo shop, in development.")


def read_env_file(path: Path = Path(".env")) -> None:
    """Take settings from ``.env``; what the environment already says goes first."""
    for name, value in dotenv_values(path).items():
        if value is not None:
            os.environ.setdefault(name, value)
