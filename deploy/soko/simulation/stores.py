"""A service's database as the simulation opens it: the same server settings, every statement through the gate.

Connections outlive the processes that use them, since making one costs more than most histories: what a dead process
left on one is undone before another gets it.
"""

import asyncio
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import asyncpg
from chassis.database import CONNECT_SECONDS, HOT, KEEPALIVE, Database
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from soko.simulation.gate import INTERNAL, Gate, Gated

SIZE = 4
LOCK_SIZE = 3


class GatedConnection(asyncpg.Connection):
    """A connection of asyncpg's whose statements wait for their turn."""

    def __init__(self, protocol: Any, *args: Any, gate: Gate, **kwargs: Any) -> None:
        super().__init__(protocol, *args, **kwargs)
        self._protocol = Gated(protocol, gate)

    async def _introspect_types(self, *args: Any, **kwargs: Any) -> Any:
        token = INTERNAL.set(True)
        try:
            return await super()._introspect_types(*args, **kwargs)  # type: ignore[misc]
        finally:
            INTERNAL.reset(token)

    async def _introspect_type(self, *args: Any, **kwargs: Any) -> Any:
        token = INTERNAL.set(True)
        try:
            return await super()._introspect_type(*args, **kwargs)  # type: ignore[misc]
        finally:
            INTERNAL.reset(token)


class LockConnection(GatedConnection):
    """One that held an advisory lock: let go, it is kept for the next process."""

    kept: "list[LockConnection] | None" = None

    def terminate(self) -> None:
        if self.kept is None or self.is_closed() or self.is_in_transaction():
            super().terminate()
        elif self not in self.kept:
            self.kept.append(self)

    async def close(self, *, timeout: float | None = None) -> None:
        self.terminate()


class Kept:
    """What is kept of one database between processes and histories."""

    def __init__(self, url: str, name: str, gate: Gate) -> None:
        self.url, self.name, self.gate = url, name, gate
        self.pool: Any = None
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=partial(self._connect, **KEEPALIVE, jit="off"),
            pool_size=SIZE,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        self._locks: dict[tuple[tuple[str, str], ...], list[LockConnection]] = {}
        self._given: list[LockConnection] = []

    async def open(self) -> None:
        """Open the pools, or fill them again."""
        if self.pool is None:
            self.pool = await asyncpg.create_pool(
                min_size=SIZE,
                max_size=SIZE,
                max_inactive_connection_lifetime=0,
                reset=_nothing_to_reset,
                connect=self._pooled,
                connection_class=GatedConnection,
            )
        held = await asyncio.gather(*(self.pool.acquire() for _ in range(SIZE)))
        for one in held:
            await self.pool.release(one)
        opened = [self.engine.connect() for _ in range(SIZE)]
        for each in opened:
            await each.start()
        for each in opened:
            await each.close()

    async def lock(self, more: Mapping[str, str]) -> LockConnection:
        """A connection to hold a lock on. What the last process held it holds no longer."""
        kept = self._locks.setdefault(tuple(sorted(more.items())), [])
        await self._unlock()
        if kept:
            connection = kept.pop()
        else:
            connection = await self._connect(LockConnection, **HOT, **KEEPALIVE, **more)
            connection.kept = kept
        self._given.append(connection)
        return connection

    def reclaim(self) -> None:
        """The process is dead: what it held on connections of its own is free."""
        for connection in self._given:
            connection.terminate()
        self._given.clear()

    async def _unlock(self) -> None:
        for kept in self._locks.values():
            for connection in kept:
                await connection.execute("select pg_advisory_unlock_all()")

    async def close(self) -> None:
        """Close everything."""
        self.reclaim()
        for connection in [each for kept in self._locks.values() for each in kept]:
            connection.kept = None
            await asyncpg.Connection.close(connection)
        if self.pool is not None:
            await self.pool.close()
        await self.engine.dispose()

    async def _pooled(self, *args: Any, **options: Any) -> Any:
        return await self._connect(**HOT, **KEEPALIVE)

    async def _connect(self, kind: Any = GatedConnection, **settings: str) -> Any:
        connect = partial(
            asyncpg.connect,
            self.url,
            timeout=CONNECT_SECONDS,
            statement_cache_size=500,
            max_cached_statement_lifetime=0,
            server_settings={**settings, "application_name": f"soko-{self.name}"},
            connection_class=_with(kind, self.gate),
        )
        return await self.gate.loop.outside(connect)


@cache
def _with(kind: type[GatedConnection], gate: Gate) -> type[GatedConnection]:
    """asyncpg wants a class, and gives it no more arguments than it knows."""

    class Made(kind):  # type: ignore[valid-type,misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, gate=gate, **kwargs)

    return Made


async def _nothing_to_reset(connection: Any) -> None:
    pass


class SimulatedDatabase(Database):
    """What the world opens for a process."""

    def __init__(self, kept: Kept, url: str, name: str, size: int) -> None:
        super().__init__(url, name, size)
        self._kept = kept

    @property
    def engine(self) -> AsyncEngine:
        return self._kept.engine

    async def start(self) -> None:
        self._pool = self._kept.pool

    async def connect(self, **more: str) -> Any:
        return await self._kept.lock(more)

    async def stop(self) -> None:
        self._pool = None
