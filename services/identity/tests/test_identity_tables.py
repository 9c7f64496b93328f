"""The migrations make the tables that the code speaks of."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from identity.service import build
from identity.settings import IdentitySettings
from identity.tables import metadata


def differences(connection: sa.Connection) -> list[Any]:
    options = {"include_object": lambda thing, name, kind, reflected, other: kind != "table" or name in metadata.tables}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_a_migrated_database_has_the_tables_of_the_code(running: Callable[..., Any]) -> None:
    async with running(build, IdentitySettings) as shop, shop.service.database.engine.connect() as sql:
        assert await sql.run_sync(differences) == []
