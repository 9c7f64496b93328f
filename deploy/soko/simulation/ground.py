"""What histories are played on: a PostgreSQL of the simulation's own, and the shop as it stands before each of them.

Accounts and products are made once. Between histories every table that was touched is emptied and filled with what
stood there, and sequences go back: so a history finds the same ground whether it is the first or the thousandth.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from chassis.servers.postgres import EmbeddedPostgres
from chassis.world import World
from pydantic import SecretStr

from soko import databases
from soko.services import CARDSIM, GATEWAY, SERVICES, load
from soko.simulation.clock import VirtualLoop
from soko.simulation.gate import Gate
from soko.simulation.stores import Kept

SERVER = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "200",
}
"""Nothing here has to outlive the machine; and what tidies up by itself would do so at another moment each time."""

INTERNAL_KEY = "the simulation's own key, longer than 32 characters"
PARTS = (*SERVICES, CARDSIM)

TABLES = "select tablename from pg_tables where schemaname = 'public' and tablename not like '%\\_version'"
COLUMNS = """
select string_agg(quote_ident(column_name), ', ' order by ordinal_position) from information_schema.columns
where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER'
"""
SEQUENCES = """
select quote_ident(sequencename) as name, start_value as start, coalesce(last_value, start_value) as at,
       last_value is not null as called
from pg_sequences where schemaname = 'public'
"""


class Ground:
    """``home`` is a folder for the server and the shop's files. ``urls`` lead to the services' databases."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._server = EmbeddedPostgres(home / "postgres", SERVER)
        self.urls: dict[str, str] = {}
        self.settings: dict[str, Any] = {}
        self.kept: dict[str, Kept] = {}
        self.watching: dict[str, asyncpg.Connection[Any]] = {}
        self._marked: dict[str, Marked] = {}

    def start(self) -> None:
        """Start the server and bring every database to this code's tables. Call it from the main thread."""
        self._server.start()
        server = self._server.url("postgres")
        self.urls = {name: databases.on_server(server, name) for name in PARTS}
        with _only_these_settings():
            for name in PARTS:
                self.settings[name] = settings_of(name)(**self._given()).on(self.urls[name])
            self.settings[GATEWAY] = settings_of(GATEWAY)(**self._given(), soko_rate_limits="off", allowed_hosts="*")
        asyncio.run(self._prepare(server))

    def _given(self) -> dict[str, Any]:
        return {
            "soko_env": "development",
            "soko_internal_key": SecretStr(INTERNAL_KEY),
            "soko_home": self.home,
            "public_url": "http://soko.test",
        }

    async def _prepare(self, server: str) -> None:
        connection = await asyncpg.connect(server)
        password = (self.home / "postgres" / "password").read_text().strip()
        # A password that costs nothing to check: connections are made and lost all the time here.
        await connection.execute(f"set scram_iterations = 1; alter user postgres password '{password}'")
        await connection.close()
        await databases.create(server, PARTS)
        for name in PARTS:
            await build(name, self.settings[name], World()).migrate()

    async def open(self, loop: VirtualLoop, gate: Gate) -> None:
        """Connect, once for all histories."""
        for name, url in self.urls.items():
            self.kept[name] = Kept(url, name, gate)
            await self.kept[name].open()
            self.watching[name] = await asyncpg.connect(url)

    async def empty(self) -> None:
        """No rows anywhere: what an earlier run left here is gone."""
        for name, connection in self.watching.items():
            await connection.execute("drop schema if exists base cascade; create schema base")
            self._marked[name] = Marked([row[0] for row in await connection.fetch(TABLES)])
        await self.reset()

    async def mark(self) -> None:
        """From now on ``reset`` comes back to how it is now."""
        for name, connection in self.watching.items():
            await self._marked[name].mark(connection)

    async def reset(self) -> None:
        """Back to how it was."""
        await asyncio.gather(*(self._marked[name].reset(each) for name, each in self.watching.items()))
        for kept in self.kept.values():
            kept.reclaim()

    async def refill(self) -> None:
        """Open again what connections a history has lost."""
        for kept in self.kept.values():
            await kept.open()

    async def close(self) -> None:
        """Close every connection."""
        for kept in self.kept.values():
            await kept.close()
        for connection in self.watching.values():
            await connection.close()

    def stop(self) -> None:
        """Stop the server."""
        self._server.stop()


class Marked:
    """One database's tables, and copies of those that had rows when they were marked."""

    def __init__(self, tables: list[str]) -> None:
        self._tables = tables
        self._columns: dict[str, str] = {}
        self._sequences: dict[str, tuple[int, bool]] = {}
        touched = ", ".join(f"case when exists (select 1 from {table}) then '{table}' end" for table in tables)
        self._touched = f"select array_remove(array[{touched}]::text[], null)"

    async def mark(self, connection: "asyncpg.Connection[Any]") -> None:
        for table in await connection.fetchval(self._touched):
            self._columns[table] = await connection.fetchval(COLUMNS, table)
            await connection.execute(f"create table base.{table} as select * from {table}")
        self._sequences = {row["name"]: (row["at"], row["called"]) for row in await connection.fetch(SEQUENCES)}

    async def reset(self, connection: "asyncpg.Connection[Any]") -> None:
        touched = await connection.fetchval(self._touched)
        script = ["set local session_replication_role = replica"]
        if touched:
            script.append(f"truncate {', '.join(touched)} cascade")
        for table in touched:
            if columns := self._columns.get(table):
                script.append(
                    f"insert into {table} ({columns}) overriding system value select {columns} from base.{table}"
                )
        for row in await connection.fetch(SEQUENCES):
            at, called = self._sequences.get(row["name"], (row["start"], False))
            if (row["at"], row["called"]) != (at, called):
                script.append(f"select setval('{row['name']}', {at}, {called})")
        async with connection.transaction():
            await connection.execute(";\n".join(script))


def build(name: str, settings: Any, world: World) -> Any:
    """The part called ``name``: a service, or the simulated card gateway."""
    if name == CARDSIM:
        from soko.cardsim.service import build as build_cardsim

        return build_cardsim(settings, world)
    return load(name).build(settings, world)


def settings_of(name: str) -> Any:
    """The class of a part's settings."""
    if name == CARDSIM:
        from soko.cardsim.settings import Settings

        return Settings
    if name == GATEWAY:
        from gateway.settings import Settings as GatewaySettings

        return GatewaySettings
    return load(name).settings


@contextmanager
def _only_these_settings() -> Iterator[None]:
    """Whatever this machine's environment says, histories are played with the defaults."""
    before = dict(os.environ)
    os.environ.clear()
    try:
        yield
    finally:
        os.environ.update(before)
