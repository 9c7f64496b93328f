"""What an older shop has kept is still there, and counts as it did."""

from typing import Any

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from chassis.migrations import config
from mailing import Running
from notification.tables import metadata
from sqlalchemy.ext.asyncio import create_async_engine

OLD = """
insert into notifications (cause, kind, id, subject_id, channel, status, sequence, created_at)
values ('o-1', 'order_confirmed', 'n-1', 'u-1', 'email', 'sent', 1, now());
insert into preferences values ('u-1', true, now()), ('u-2', false, now());
"""
BESIDE = """
insert into notifications (cause, kind, channel, id, subject_id, status, sequence, created_at)
values ('o-1', 'order_confirmed', 'sms', 'n-2', 'u-1', 'unwanted', 0, now());
insert into preferences values ('u-1', false, now(), 'order_updates', 'email')
"""
CHOSEN = "select customer_id, topic, channel, wanted from preferences order by 1, 2"


def differences(connection: sa.Connection) -> list[Any]:
    options = {"include_object": lambda thing, name, kind, reflected, other: kind != "table" or name in metadata.tables}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def to(url: str, revision: str, *, back: bool = False) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=sa.NullPool)

    def move(connection: sa.Connection) -> None:
        settings = config("notification.migrations")
        settings.attributes["connection"] = connection
        (command.downgrade if back else command.upgrade)(settings, revision)

    async with engine.begin() as connection:
        await connection.run_sync(move)
    await engine.dispose()


async def test_a_migrated_database_has_the_tables_of_the_code(mailing: Running) -> None:
    async with mailing() as harness, harness.service.database.engine.connect() as sql:
        assert await sql.run_sync(differences) == []


async def test_channels_and_topics_come_to_what_was_there_and_go_again(database_url: str) -> None:
    await to(database_url, "notification_0005")
    connection: Any = await asyncpg.connect(database_url)
    try:
        await connection.execute(OLD)
        await to(database_url, "notification_0006")
        mail = ("abandoned_cart", "email")
        assert [tuple(row) for row in await connection.fetch(CHOSEN)] == [("u-1", *mail, True), ("u-2", *mail, False)]
        await connection.execute(BESIDE)
        await to(database_url, "notification_0005", back=True)
        assert await connection.fetchval("select array_agg(id) from notifications") == ["n-1"]
        wishes = await connection.fetch("select customer_id, abandoned_cart from preferences order by 1")
        assert [tuple(row) for row in wishes] == [("u-1", True), ("u-2", False)]
        await to(database_url, "head")
    finally:
        await connection.close()
