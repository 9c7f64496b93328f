"""What the catalog is told from outside."""

from chassis.settings import WithRedis
from pydantic import Field, SecretStr


class Settings(WithRedis):
    """The shared settings, and the catalog's own database."""

    database_url: str = Field(
        "",
        validation_alias="CATALOG_DATABASE_URL",
        description="The catalog's database: postgresql://user:password@host/name.",
    )
    media_url: SecretStr = Field(
        SecretStr(""),
        description="Where pictures are kept: s3://bucket/folder, or another store that obstore knows; with the "
        "store's own variables (AWS_ACCESS_KEY_ID, AWS_ENDPOINT ...). Without it they are files under SOKO_HOME/media, "
        "which all replicas have to share.",
    )
    hide_sold_out: bool = Field(
        False,
        description="Whether a product whose every variant is sold out is taken off the lists, and put back when there "
        "is stock again. Its own page stays.",
    )
