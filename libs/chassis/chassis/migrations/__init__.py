"""Bringing a database to the state this code expects: the chassis's tables first, then the service's own.

Each has its own line of Alembic revisions and its own version table, so a service's migrations speak only of its own.
"""

import importlib.util
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

CHASSIS = "chassis.migrations"


def run(metadata: sa.MetaData) -> None:
    """What a migrations folder's ``env.py`` calls: runs on the connection that ``migrate`` opened."""
    options: dict[str, Any] = context.config.attributes
    context.configure(
        connection=options["connection"],
        target_metadata=metadata,
        version_table=options["version_table"],
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def config(package: str) -> Config:
    """Alembic's settings for the migrations in ``package`` (``order.migrations``)."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no migrations package {package}")
    settings = Config()
    settings.set_main_option("script_location", str(Path(next(iter(spec.submodule_search_locations)))))
    settings.set_main_option("path_separator", "os")
    settings.attributes["version_table"] = "chassis_version" if package == CHASSIS else "service_version"
    return settings


def head(package: str) -> str | None:
    """The newest revision of the migrations in ``package``."""
    return ScriptDirectory.from_config(config(package)).get_current_head()


async def migrate(url: str, package: str) -> bool:
    """Bring the database at ``url`` to the newest revisions; true when there was something to do.

    One SELECT shows whether there is, so that an ordinary start does not wait for Alembic. Two migrations of one
    database take turns by an advisory lock.
    """
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=sa.NullPool)
    wanted = {"chassis_version": head(CHASSIS), "service_version": head(package)}
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.text("select pg_advisory_xact_lock(hashtextextended('migrate', 0))"))
            if await connection.run_sync(_current) == wanted:
                return False
            for each in (CHASSIS, package):
                await connection.run_sync(_upgrade, config(each))
    finally:
        await engine.dispose()
    return True


async def current(url: str, package: str) -> bool:
    """Whether the database at ``url`` is at the newest revisions."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=sa.NullPool)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(_current)
    finally:
        await engine.dispose()
    return found == {"chassis_version": head(CHASSIS), "service_version": head(package)}


def _current(connection: sa.Connection) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for table in ("chassis_version", "service_version"):
        known = connection.scalar(sa.text("select to_regclass(:name)"), {"name": table})
        found[table] = connection.scalar(sa.text(f"select version_num from {table}")) if known else None
    return found


def _upgrade(connection: sa.Connection, settings: Config) -> None:
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
