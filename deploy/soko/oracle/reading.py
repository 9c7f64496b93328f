"""Reading a shop's databases without keeping them in memory, each as it was at one moment."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import asyncpg
import orjson

CONNECT_SECONDS = 10
PAGE = 500
"""Streams, or rows, that are looked at together."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, its data as JSON says it."""

    version: int
    type: str
    data: dict[str, Any]


Streams = dict[str, list[Event]]
"""Events by the stream's id, in order."""


class Databases:
    """A shop's databases by service name; ``cardsim`` is the simulated card gateway's, where there is one.

    Each is read in one transaction that sees it as it was at the first look.
    """

    def __init__(self, connections: Mapping[str, "asyncpg.Connection[Any]"]) -> None:
        self._connections = connections

    def __contains__(self, service: str) -> bool:
        return service in self._connections

    @property
    def services(self) -> list[str]:
        """Those that have the chassis's tables."""
        return [name for name in self._connections if name != "cardsim"]

    async def rows(self, service: str, sql: str, *values: Any) -> list[asyncpg.Record]:
        """A few rows."""
        return await self._connections[service].fetch(sql, *values)

    async def one(self, service: str, sql: str, *values: Any) -> Any:
        """A single value."""
        return await self._connections[service].fetchval(sql, *values)

    async def execute(self, service: str, sql: str, *values: Any) -> None:
        """Something that changes nothing but this session's own temporary tables."""
        await self._connections[service].execute(sql, *values)

    async def pages(self, service: str, sql: str, *values: Any) -> AsyncIterator[list[asyncpg.Record]]:
        """Any number of rows, ``PAGE`` at a time."""
        cursor = await self._connections[service].cursor(sql, *values)
        while rows := await cursor.fetch(PAGE):
            yield rows

    async def streams(self, service: str, kind: str, types: Iterable[str] = ()) -> AsyncIterator[Streams]:
        """Every stream of a kind (``order``), about ``PAGE`` of them at a time; of their events ``types``, or all."""
        chosen = f"and type = any(array{list(types)})" if types else ""
        sql = f"select stream, version, type, data from events where stream like '{kind}-%' {chosen} order by 1, 2"
        held: list[asyncpg.Record] = []
        async for rows in self.pages(service, sql):
            held += rows
            last = held[-1]["stream"]
            whole = [row for row in held if row["stream"] != last]
            if len({row["stream"] for row in whole}) >= PAGE // 5:
                yield _grouped(whole)
                held = held[len(whole) :]
        if held:
            yield _grouped(held)

    async def some(self, service: str, kind: str, ids: Iterable[str]) -> Streams:
        """The streams of a kind with these ids; those that do not exist are left out."""
        names = [f"{kind}-{id_}" for id_ in ids]
        sql = "select stream, version, type, data from events where stream = any($1::text[]) order by stream, version"
        return _grouped(await self.rows(service, sql, names))


def _grouped(rows: Iterable[asyncpg.Record]) -> Streams:
    return {
        stream.partition("-")[2]: [Event(row["version"], row["type"], orjson.loads(row["data"])) for row in events]
        for stream, events in groupby(rows, key=lambda row: row["stream"])
    }


@asynccontextmanager
async def opened(urls: Mapping[str, str]) -> AsyncIterator[Databases]:
    """All of them, as they are from now on seen. Nothing in them is changed."""
    async with AsyncExitStack() as stack:
        connections = {}
        for service, url in urls.items():
            connection = await asyncpg.connect(
                url, timeout=CONNECT_SECONDS, server_settings={"application_name": "soko-verify", "jit": "off"}
            )
            stack.push_async_callback(connection.close)
            await stack.enter_async_context(connection.transaction(isolation="repeatable_read"))
            connections[service] = connection
        yield Databases(connections)
