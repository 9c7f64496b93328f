"""An event loop whose time stands still until it is moved, and which knows when nothing more happens by itself.

Timeouts and sleeps of the code under simulation are timers of this loop: they fire when the simulation moves the clock,
never because the machine was slow. Work for threads is done at once, in turn.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from soko.simulation.lives import task_factory

BEGINNING = datetime(2026, 1, 5, 8, tzinfo=UTC)


T = TypeVar("T")


class Timer(asyncio.TimerHandle):
    """Of two that are due at once, the one that was set first comes first."""

    __slots__ = ("number",)
    number: int

    def __lt__(self, other: Any) -> bool:
        return (self._when, self.number) < (other._when, other.number)  # type: ignore[attr-defined]


class VirtualLoop(asyncio.SelectorEventLoop):
    """``passed`` is how much time has gone by, in microseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0
        self._outside = 0
        self._timers = 0
        self._alone = asyncio.Lock()
        self._quiet: asyncio.Future[None] | None = None

    def time(self) -> float:
        return self.passed / 1e6

    def now(self) -> datetime:
        """The wall clock of the simulation."""
        return BEGINNING + timedelta(microseconds=self.passed)

    def advance(self, by: timedelta) -> None:
        """Let time pass; what was due meanwhile happens next."""
        self.passed += by // timedelta(microseconds=1)

    def set(self, now: datetime) -> None:
        """Set the clock: where another history begins."""
        self.passed = (now - BEGINNING) // timedelta(microseconds=1)

    @property
    def next_timer(self) -> datetime | None:
        """When the code's own next timeout or sleep ends."""
        due = [handle.when() for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
        return BEGINNING + timedelta(seconds=min(due)) if due else None

    async def outside(self, real: Callable[[], Awaitable[T]]) -> T:
        """Await something real, such as the database, while nobody else does: who is faster must not matter."""
        self._outside += 1
        try:
            async with self._alone:
                return await real()
        finally:
            self._outside -= 1

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer = Timer(when, callback, args, self, context)
        self._timers += 1
        timer.number = self._timers
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    async def quiet(self) -> None:
        """Return when every task waits for a timer, or for somebody's leave to go on."""
        assert self._quiet is None, "one at a time waits for quiet"
        self._quiet = self.create_future()
        await self._quiet

    def _run_once(self) -> None:
        if self._quiet is not None and not self._outside and not self._ready and not self._due():  # type: ignore[attr-defined]
            quiet, self._quiet = self._quiet, None
            quiet.set_result(None)
        super()._run_once()  # type: ignore[misc]

    def _due(self) -> bool:
        first = self.next_timer
        return first is not None and first <= self.now()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Done at once: which of two threads is faster must not matter."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, Any]]) -> Any:
    """``asyncio.run`` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        loop.set_task_factory(task_factory)
        return runner.run(main(loop))
