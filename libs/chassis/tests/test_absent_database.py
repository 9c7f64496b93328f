"""A database that goes away while it is talked to is known to be away, in whatever words the driver says it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
from chassis.database import is_away
from chassis.fixtures import fresh_database
from chassis.migrations import current, migrate
from chassis.servers.postgres import EmbeddedPostgres
from yarl import URL

TOY = "toy.migrations"
ANSWERS = 200


@asynccontextmanager
async def breaking_after(answers: int, server: EmbeddedPostgres) -> AsyncIterator[int]:
    """A port that leads to ``server`` and breaks each connection after so many answers."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", server.port)

        async def questions() -> None:
            while data := await reader.read(65536):
                far_writer.write(data)

        asking = asyncio.create_task(questions())
        with suppress(OSError):
            for _ in range(answers):
                writer.write(await far_reader.read(65536))
            await far_reader.read(65536)
        asking.cancel()
        for end in (writer, far_writer):
            end.transport.abort()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def test_wherever_the_connection_breaks_a_service_knows_that_its_database_is_away(
    postgres: EmbeddedPostgres,
) -> None:
    url = await fresh_database(postgres)
    await migrate(url, TOY)
    said: list[Exception] = []
    for answers in range(ANSWERS):
        async with breaking_after(answers, postgres) as port:
            try:
                assert await current(str(URL(url).with_port(port)), TOY)
                break
            except Exception as error:
                said.append(error)
    assert 10 < len(said) < ANSWERS
    assert [error for error in said if not is_away(error)] == []


async def test_a_mistake_of_ours_is_no_absence(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres.url("postgres"))
    with pytest.raises(asyncpg.UndefinedTableError) as raised:
        await connection.execute("select * from nowhere")
    await connection.close()
    assert not is_away(raised.value)
