"""What the command itself is told: where to listen, and which servers to use instead of its own."""

import os
from pathlib import Path

from chassis.settings import ProcessSettings
from dotenv import dotenv_values
from pydantic import Field


class ShopSettings(ProcessSettings):
    """The settings of a process, and those of the shop that a command sets up."""

    database_url: str = Field(
        "",
        description="A PostgreSQL server on which each service gets a database of its own, "
        "postgresql://user:password@host; without it the embedded server is started. "
        "<SERVICE>_DATABASE_URL goes first.",
    )
    demo_products: int = Field(1000, ge=0, le=100_000, description="Products of the demo shop, in development.")


def read_env_file(path: Path = Path(".env")) -> None:
    """Take settings from ``.env``; what the environment already says goes first."""
    for name, value in dotenv_values(path).items():
        if value is not None:
            os.environ.setdefault(name, value)
