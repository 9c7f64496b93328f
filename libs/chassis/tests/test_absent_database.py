"""A database that goes away while it is talked to is known to be away, in whatever words the driver says it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from chassis.database import NOTICE_LOSS, Database, is_away
from chassis.fixtures import fresh_database
from chassis.migrations import current, migrate
from chassis.servers.postgres import EmbeddedPostgres

TOY = "toy.migrations"
ANSWERS = 200


def by_network(url: str, port: int) -> str:
    """The database at ``url``, by TCP."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}"


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
                assert await current(by_network(url, port), TOY)
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


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such option for a socket")
async def test_every_connection_notices_a_server_that_is_lost_without_a_word(postgres: EmbeddedPostgres) -> None:
    database = Database(by_network(postgres.url("postgres"), postgres.port), "test", 1)
    await database.start()
    alone = await database.connect()
    async with database.pool.acquire() as pooled, database.engine.connect() as varying:
        connections: tuple[Any, ...] = (pooled, alone, (await varying.get_raw_connection()).driver_connection)
        for connection in connections:
            used = connection._transport.get_extra_info("socket")
            assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            found = {name: used.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in NOTICE_LOSS}
            assert found == NOTICE_LOSS
            assert await connection.fetchval("show tcp_user_timeout") == "20000"
    await alone.close()
    await database.stop()
