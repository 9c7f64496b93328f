"""What the catalog is told from outside."""

from chassis.settings import Settings as Shared
from pydantic import Field


class Settings(Shared):
    """The shared settings, and the catalog's own database."""

    database_url: str = Field(
        "",
        validation_alias="CATALOG_DATABASE_URL",
        description="The catalog's database: postgresql://user:password@host/name.",
    )
