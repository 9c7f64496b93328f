"""A service's database: an asyncpg pool for the chassis's own statements, SQLAlchemy Core for queries that vary."""

import asyncio
import socket
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

CONNECT_SECONDS = 10

# The pool's statements have one shape each and reach every row by an index. A generic plan, made once a connection,
# is therefore the right one; and since it may be made while a table is still empty, a sequential scan must not be
# what it settles on, nor a join that reads a whole index to meet a handful of rows.
HOT = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
# A query that varies is planned for the values it comes with: which index is short depends on them.
VARYING = {"plan_cache_mode": "force_custom_plan", "jit": "off"}
KEPT_STATEMENTS = 500
# A lost machine's connections, and with them its advisory locks, are gone in 20 s: keepalives find it where nothing is
# on its way, the user timeout where something is.
KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
# The same for a lost server. Without it a statement would wait 15 minutes for a word, and so would who asked.
NOTICE_LOSS = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}

AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what the driver says when a connection is cut in the middle of an answer
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
)
"""What is raised while the database cannot be reached, or has no room: no message's fault, so wait and try again."""


def caused_by(error: BaseException | None, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether ``error`` is one of these, or was made from one, as SQLAlchemy does."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__
    return error is not None


def is_away(error: BaseException | None) -> bool:
    """Whether ``error`` is one of ``AWAY``, or was made from one."""
    return caused_by(error, AWAY)


async def _connect(*arguments: Any, **more: Any) -> Any:
    """``asyncpg.connect``, with a socket that says so when its other end is lost without a word."""
    connection: Any = await asyncpg.connect(*arguments, **more)
    # asyncpg shows its socket in no other way, and takes none that was made before.
    used = connection._transport.get_extra_info("socket")
    if used.family != socket.AF_UNIX:
        used.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in NOTICE_LOSS.items():
            if hasattr(socket, option):
                used.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection


async def _nothing_to_reset(connection: Any) -> None:
    """Nothing here changes a pooled connection's session, so it need not be asked to forget: a round trip saved."""


@dataclass
class Database:
    """``url`` is ``postgresql://user:password@host:port/name``; ``size`` bounds each of the two pools."""

    url: str
    name: str
    size: int = 10
    _pool: Any = None

    @property
    def started(self) -> bool:
        """Whether the pool is open."""
        return self._pool is not None

    @property
    def pool(self) -> "asyncpg.Pool[Any]":
        """For the chassis's statements and other fixed, hot ones; jsonb comes as text."""
        if self._pool is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._pool  # type: ignore[no-any-return]

    @cached_property
    def engine(self) -> AsyncEngine:
        """For tables and queries that vary."""
        return create_async_engine(
            self.url.replace("postgresql://", "postgresql+asyncpg://"),
            pool_size=self.size,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "async_creator_fn": _connect,
                "server_settings": {**VARYING, **KEEPALIVE, "application_name": f"soko-{self.name}"},
            },
        )

    async def start(self) -> None:
        """Open the pool; raises one of ``AWAY`` when the server cannot be reached."""
        self._pool = await asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=self.size,
            connect=_connect,
            max_inactive_connection_lifetime=300,
            max_cached_statement_lifetime=0,
            statement_cache_size=KEPT_STATEMENTS,
            reset=_nothing_to_reset,
            timeout=CONNECT_SECONDS,
            server_settings={**HOT, **KEEPALIVE, "application_name": f"soko-{self.name}"},
        )

    async def connect(self, **more: str) -> "asyncpg.Connection[Any]":
        """A connection outside the pool, to hold a session's advisory lock on; with ``more`` settings."""
        settings = {**HOT, **KEEPALIVE, "application_name": f"soko-{self.name}-lock", **more}
        connection: asyncpg.Connection[Any] = await _connect(
            self.url,
            max_cached_statement_lifetime=0,
            statement_cache_size=KEPT_STATEMENTS,
            timeout=CONNECT_SECONDS,
            server_settings=settings,
        )
        return connection

    async def stop(self) -> None:
        """Close everything; what is under way has 5 s to end."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), 5)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None
        if "engine" in self.__dict__:
            await self.engine.dispose()
            del self.__dict__["engine"]
