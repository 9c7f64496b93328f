"""The tables in code and those that the migrations make are the same."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from catalog.service import build
from catalog.settings import Settings
from catalog.tables import metadata


def differences(connection: sa.Connection) -> list[Any]:
    opts = {"include_name": lambda name, kind, parents: kind != "table" or name in metadata.tables}
    return list(compare_metadata(MigrationContext.configure(connection, opts=opts), metadata))


async def test_the_migrations_make_the_tables_that_the_code_expects(running: Callable[..., Any]) -> None:
    async with running(build, Settings) as harness, harness.service.database.engine.connect() as sql:
        assert await sql.run_sync(differences) == []
