"""What the catalog is told from outside."""

import re
from typing import Final

from chassis.settings import WithRedis
from pydantic import Field, SecretStr, field_validator

MEDIA: Final = re.compile(r"(s3|gs|az)://[^/\s]+(/[^\s]*)?|file:///[^\s]*")


class Settings(WithRedis):
    """The shared settings, and the catalog's own database."""

    database_url: str = Field(
        "",
        validation_alias="CATALOG_DATABASE_URL",
        description="The catalog's database: postgresql://user:password@host/name.",
    )
    media_url: SecretStr = Field(
        SecretStr(""),
        description="Where pictures are kept: s3://bucket/folder, gs://bucket/folder or az://account/container. "
        "Without it they are files under SOKO_HOME/media, which all replicas have to share.",
    )
    hide_sold_out: bool = Field(
        False,
        description="Whether a product whose every variant is sold out is taken off the lists, and put back when there "
        "is stock again. Its own page stays.",
    )

    @field_validator("media_url")
    @classmethod
    def _media(cls, value: SecretStr) -> SecretStr:
        if value and not MEDIA.fullmatch(value.get_secret_value()):
            raise ValueError("must be an address such as s3://bucket/folder")
        return value
