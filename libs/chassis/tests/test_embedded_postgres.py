"""The server in a folder: it starts, asks for its password, and outlives nobody but loses nothing."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import asyncpg
import pytest
from chassis.servers import ServerFailed, child
from chassis.servers.postgres import EmbeddedPostgres
from chassis.servers.postgres_binaries import find_binaries


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path / "postgres")
    yield made
    made.stop()


async def ask(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_starts_and_keeps_commits_durable(server: EmbeddedPostgres) -> None:
    server.start()
    assert await ask(server, "SHOW synchronous_commit") == "on"
    assert await ask(server, "SHOW fsync") == "on"
    assert await ask(server, "SHOW jit") == "off"


@pytest.mark.parametrize("by", ["network", "socket"])
async def test_it_asks_for_the_password(server: EmbeddedPostgres, by: str) -> None:
    server.start()
    host = "127.0.0.1" if by == "network" else str(server.data)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host=host, port=server.port, user="postgres", password="guess")
    assert stat.S_IMODE((server.home / "password").stat().st_mode) == 0o600


async def test_it_is_reached_by_its_socket_and_where_there_can_be_none_by_the_network(tmp_path: Path) -> None:
    deep = tmp_path / ("a-folder-with-a-long-name" * 4)
    deep.mkdir()
    for home, network in ((tmp_path / "postgres", False), (deep / "postgres", True)):
        server = EmbeddedPostgres(home)
        server.start()
        try:
            assert await ask(server, "SELECT inet_server_addr() IS NOT NULL") is network
        finally:
            server.stop()


async def test_what_is_committed_is_there_after_a_stop_and_after_a_kill(server: EmbeddedPostgres) -> None:
    server.start()
    await ask(server, "CREATE TABLE kept AS SELECT 1 AS n")
    server.stop()
    server.start()
    await ask(server, "INSERT INTO kept VALUES (2)")
    server.kill()
    server.start()
    assert await ask(server, "SELECT sum(n) FROM kept") == 3


def orphan_of_a_killed_owner(home: Path) -> int:
    """The server's process, whose owner has just been killed."""
    owner = dedent(f"""
        import pathlib, signal
        from chassis.servers.postgres import EmbeddedPostgres
        server = EmbeddedPostgres(pathlib.Path({str(home)!r}))
        server.start()
        print(server.pid, flush=True)
        signal.pause()
    """)
    process = subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    orphan = int(process.stdout.readline())
    process.kill()
    process.communicate()
    return orphan


async def test_it_ends_when_its_owner_is_killed_and_starts_again_for_the_next(server: EmbeddedPostgres) -> None:
    orphan = orphan_of_a_killed_owner(server.home)
    server.start()
    assert not child.alive(orphan)
    assert await ask(server, "SELECT 1") == 1


async def test_a_taken_port_is_changed_and_a_free_one_kept(server: EmbeddedPostgres) -> None:
    server.start()
    first = server.port
    server.stop()
    server.start()
    assert server.port == first
    server.stop()
    with socket.create_server(("127.0.0.1", first)):
        server.start()
        assert server.port != first
        assert await ask(server, "SELECT 1") == 1


async def test_a_start_that_broke_off_half_way_is_begun_again(server: EmbeddedPostgres) -> None:
    (server.home / "data.new").mkdir(parents=True)
    (server.home / "data.new" / "PG_VERSION").write_text("18")
    server.start()
    assert await ask(server, "SELECT 1") == 1


async def test_it_runs_in_a_folder_that_is_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "postgres")
    server.start()
    try:
        assert await ask(server, "SELECT 1") == 1
    finally:
        server.stop()


def test_root_does_not_run_the_server_as_root(server: EmbeddedPostgres) -> None:
    if not child.is_root():
        pytest.skip("we are not root")
    server.start()
    assert Path(f"/proc/{server.pid}").stat().st_uid == child.NOBODY


def test_a_full_disk_is_one_clear_line(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.servers.postgres.NEEDS_BYTES", 1 << 62)
    with pytest.raises(ServerFailed, match=r"^The disk of .* is full: make room, then start again\.$"):
        server.start()


def test_a_folder_that_cannot_be_made_is_one_clear_line() -> None:
    with pytest.raises(ServerFailed, match=r"^/proc/postgres"):
        EmbeddedPostgres(Path("/proc/postgres")).start()


def test_data_of_another_version_is_named(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(ServerFailed, match="was made by PostgreSQL 14"):
        server.start()


def test_binaries_are_taken_from_where_they_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = find_binaries()
    monkeypatch.setenv("SOKO_PG_BIN", str(found))
    assert find_binaries() == found
    monkeypatch.setenv("SOKO_PG_BIN", str(tmp_path))
    with pytest.raises(ServerFailed, match="SOKO_PG_BIN"):
        find_binaries()


def test_a_stopped_server_is_gone(server: EmbeddedPostgres) -> None:
    server.start()
    pid = server.pid
    server.stop()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
