"""Being the only one at work on a database: an advisory lock, held by a connection of its own.

The lock lives as long as its connection, so it is free the moment its holder dies, and what is written over that very
connection is written by the holder: a lost lock and a lost connection are the same thing.
"""

from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from chassis.service import Service

LOCK = "select pg_try_advisory_lock(hashtextextended($1, 0))"


class Alone:
    """One lock of one service's database; ``settings`` are those of its session. ``holds``: it did when last seen."""

    def __init__(self, service: "Service", name: str, **settings: str) -> None:
        self._service, self._name, self._settings = service, name, settings
        self._connection: asyncpg.Connection[Any] | None = None
        self.holds = False

    async def connection(self) -> "asyncpg.Connection[Any] | None":
        """The connection that holds the lock; None while somebody else does.

        One that was refused is kept and asks again: who stands by opens no connection for each message that comes.
        """
        if self._connection is None or self._connection.is_closed():
            self.holds = False
            self._connection = await self._service.database.connect(**self._settings)
        if not self.holds:
            self.holds = await self._connection.fetchval(LOCK, self._name)
        return self._connection if self.holds else None

    def release(self) -> None:
        """Give the lock back, whatever state the connection is in."""
        connection, self._connection, self.holds = self._connection, None, False
        if connection is not None:
            connection.terminate()
