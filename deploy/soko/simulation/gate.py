"""The gate that every statement of every service passes, one at a time, when the simulation says so.

A statement in an open transaction passes at once: the gate never holds back who holds locks. Where a statement goes out
by itself, or a transaction commits, the simulation may let it fail before, or take its answer away afterwards.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, partial
from typing import Any

import asyncpg
from chassis.faults import Crash

from soko.simulation.clock import VirtualLoop
from soko.simulation.lives import BY_STEP, LIFE, Life

CHANGES = re.compile(r"\b(insert into|update|delete from|commit)\b", re.IGNORECASE)
UNSEEN = ("begin", "rollback", "", "select pg_advisory_unlock_all()")
"""What takes no lock, what the server does for a client that has gone, and what asks whether a connection is alive."""

INTERNAL: ContextVar[bool] = ContextVar("soko.simulation.internal", default=False)
"""Whether the driver asks for itself: it does so once a connection, whichever history that meets."""


class Fate(Enum):
    """What becomes of a statement."""

    GOOD = "good"
    SERIALIZATION = "a serialization failure"
    LOST_BEFORE = "the connection is lost before it"
    LOST_AFTER = "it is carried out, its answer is lost"


@dataclass(slots=True, eq=False)
class Waiting:
    """A statement before the gate."""

    life: Life | None
    by_step: bool
    sql: str
    turn: "asyncio.Future[Fate]"

    @property
    def label(self) -> str:
        return f"{self.life.name if self.life else 'nobody'}: {' '.join(self.sql.split())[:60]}"

    @property
    def writes(self) -> bool:
        return writes(self.sql)


@cache
def writes(sql: str) -> bool:
    return CHANGES.search(sql) is not None


def command_of(sql: str) -> str:
    return sql.strip().lower().rstrip(";")


@dataclass(eq=False)
class Gate:
    """``fate`` is asked about every commit of a transaction; statements alone are given theirs with their turn."""

    loop: VirtualLoop
    fate: Callable[[Life | None, str], Fate] = lambda life, sql: Fate.GOOD
    closed: bool = False
    waiting: list[Waiting] = field(default_factory=list)

    def open(self) -> None:
        """Let everything pass."""
        self.closed = False
        while self.waiting:
            self.let(self.waiting[0], Fate.GOOD)

    def let(self, waiting: Waiting, fate: Fate) -> None:
        """It is this statement's turn."""
        self.waiting.remove(waiting)
        if not waiting.turn.done():
            waiting.turn.set_result(fate)

    async def turn(self, sql: str, *, held: bool) -> Fate:
        """Wait until it is this statement's turn. ``held``: its transaction may hold locks already."""
        life = LIFE.get()
        if life is not None and life.dead:
            raise Crash(life.name)
        if not self.closed:
            return Fate.GOOD
        if held:
            return self.fate(life, sql) if command_of(sql) == "commit" else Fate.GOOD
        waiting = Waiting(life, BY_STEP.get(), sql, self.loop.create_future())
        self.waiting.append(waiting)
        try:
            return await waiting.turn
        finally:
            if waiting in self.waiting:
                self.waiting.remove(waiting)

    async def meet(self, protocol: Any, sql: str, *, held: bool) -> Fate:
        """Wait for this statement's turn, and meet its fate; what is left of it to be met is answered."""
        fate = await self.turn(sql, held=held)
        match fate:
            case Fate.SERIALIZATION:
                if protocol.is_in_transaction():
                    await self.loop.outside(partial(protocol.query, "rollback", None))
                raise asyncpg.SerializationError("simulated: could not serialize access")
            case Fate.LOST_BEFORE:
                await self.lose(protocol)
        return fate

    async def lose(self, protocol: Any) -> None:
        """Cut the connection. Raises what a driver raises then."""
        await self.loop.outside(partial(protocol.close, None))
        raise asyncpg.ConnectionDoesNotExistError("simulated: the connection was lost")


class Gated:
    """Stands before asyncpg's protocol object: all that goes to the server goes through here.

    A statement that the server has parsed holds locks already, so one that has to be prepared waits before that. Of a
    transaction the first statement waits, and takes all others with it.
    """

    def __init__(self, protocol: Any, gate: Gate) -> None:
        self._protocol, self._gate = protocol, gate
        self._met: Fate | None = None
        self._held = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    async def query(self, query: str, *args: Any, **kwargs: Any) -> Any:
        return await self._carry_out(query, partial(self._protocol.query, query, *args, **kwargs))

    async def bind_execute(self, state: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._carry_out(state.query, partial(self._protocol.bind_execute, state, *args, **kwargs))

    async def bind_execute_many(self, state: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._carry_out(state.query, partial(self._protocol.bind_execute_many, state, *args, **kwargs))

    async def prepare(self, name: str, query: str, *args: Any, **kwargs: Any) -> Any:
        if not INTERNAL.get():
            self._met = await self._meet(query)
        return await self._gate.loop.outside(partial(self._protocol.prepare, name, query, *args, **kwargs))

    async def close_statement(self, *args: Any, **kwargs: Any) -> Any:
        return await self._gate.loop.outside(partial(self._protocol.close_statement, *args, **kwargs))

    async def close(self, *args: Any, **kwargs: Any) -> Any:
        return await self._gate.loop.outside(partial(self._protocol.close, *args, **kwargs))

    async def _carry_out(self, sql: str, statement: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        if INTERNAL.get():
            return await self._gate.loop.outside(statement)
        fate, self._met = self._met or await self._meet(sql), None
        result = await self._gate.loop.outside(statement)
        if fate is Fate.LOST_AFTER:
            await self._gate.lose(self._protocol)
        return result

    async def _meet(self, sql: str) -> Fate:
        if command_of(sql) in UNSEEN:
            self._held = False
            return Fate.GOOD
        in_transaction = self._protocol.is_in_transaction()
        held, self._held = self._held and in_transaction, in_transaction
        return await self._gate.meet(self._protocol, sql, held=held)
