"""What can die: everything that one process of the shop has begun, and what that looks like from the others."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from chassis.faults import Crash

T = TypeVar("T")

LIFE: ContextVar["Life | None"] = ContextVar("soko.simulation.life", default=None)
"""Whose code is running: handed down to every task that it starts."""
BY_STEP: ContextVar[bool] = ContextVar("soko.simulation.by_step", default=False)
"""Whether a step of that life runs it, and no request or message from elsewhere."""


class Died(ConnectionResetError):
    """Whoever was asked died before it answered."""


class Life:
    """One run of a process, from its start to its death."""

    def __init__(self, name: str) -> None:
        self.name, self.dead = name, False
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def begin(self, coroutine: Coroutine[Any, Any, T], *, step: bool = False) -> "asyncio.Task[T]":
        """Run this as a part of this life."""
        context = copy_context()
        context.run(LIFE.set, self)
        context.run(BY_STEP.set, step)
        return asyncio.get_running_loop().create_task(coroutine, context=context)

    async def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Have it done by this life, as seen by another. Raises Died when it ends first; it goes on if we give up."""
        if self.dead:
            coroutine.close()
            raise Died(self.name)
        task = self.begin(coroutine)
        await asyncio.wait({task})
        if task.cancelled() or isinstance(task.exception(), Crash):
            raise Died(self.name)
        return task.result()

    def die(self) -> None:
        """End here and now: no statement of this life reaches the database any more."""
        self.dead = True

    def bury(self) -> int:
        """Once all is quiet: end what a dead life had begun; how much that was."""
        tasks = list(self._tasks) if self.dead else []
        for task in tasks:
            task.cancel()
        return len(tasks)

    def adopt(self, task: "asyncio.Task[Any]") -> None:
        """A task of this life has begun."""
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        del self._tasks[task]
        if not task.cancelled() and isinstance(task.exception(), Crash):
            self.die()


def task_factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> "asyncio.Task[Any]":
    """Every task belongs to the life that starts it."""
    context = options.get("context")
    life = LIFE.get() if context is None else context.get(LIFE)
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    if life is not None:
        life.adopt(task)
    return task
