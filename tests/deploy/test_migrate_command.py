"""``soko migrate`` beside a server that was given: what a cluster runs before anything else."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from chassis.servers.postgres import EmbeddedPostgres
from soko.databases import on_server
from soko.services import SERVICES

TABLES = "select tablename from pg_tables where schemaname = 'public'"


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a PostgreSQL that has no databases of ours yet."""
    home = Path(tempfile.mkdtemp(prefix="soko-server-"))
    home.chmod(0o755)
    postgres = EmbeddedPostgres(home, {"fsync": "off"})
    postgres.start()
    yield postgres.url("postgres")
    postgres.stop()
    shutil.rmtree(home)


async def test_each_service_gets_a_database_of_its_own_on_the_server(server: str, tmp_path: Path) -> None:
    given = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment = {**given, "DATABASE_URL": server, "SOKO_HOME": str(tmp_path), "SOKO_ENV": "development"}
    for _ in range(2):
        command = [sys.executable, "-m", "soko", "migrate"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
    for name in SERVICES:
        assert "service_version" in await tables(on_server(server, name))
    assert "charges" in await tables(on_server(server, "cardsim"))
    assert await tables(server) == set()


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {row["tablename"] for row in await connection.fetch(TABLES)}
    finally:
        await connection.close()
