"""What somebody else says, read when it is needed and kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from chassis.http import Problem

T = TypeVar("T")

KEPT: Final = timedelta(hours=1)
"""How long it is not asked for again."""
AGAIN: Final = timedelta(minutes=1)
"""How soon it may be, where it seems to be old or could not be read."""


class Kept(Generic[T]):
    """``read`` raises a Problem where it cannot. Whoever asks meanwhile waits for the same reading, and not in turn.

    ``outlives``: what was read last goes on counting while it cannot be read again.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], clock: Callable[[], datetime], *, outlives: bool) -> None:
        self._read, self._clock, self._outlives = read, clock, outlives
        self._value: T | None = None
        self._read_at = clock()
        self._reading: asyncio.Task[T] | None = None

    async def get(self, most: timedelta = KEPT) -> T:
        """What it says, read less than ``most`` ago."""
        if self._value is not None and self._clock() - self._read_at < most:
            return self._value
        if self._reading is None:
            self._reading = asyncio.create_task(self._anew())
            self._reading.add_done_callback(self._done)
        return await asyncio.shield(self._reading)

    async def _anew(self) -> T:
        now = self._clock()
        try:
            self._value, self._read_at = await self._read(), now
        except Problem:
            if self._value is None or not self._outlives:
                raise
            self._read_at = now - KEPT + AGAIN
        return self._value

    def _done(self, reading: "asyncio.Task[T]") -> None:
        self._reading = None
        if not reading.cancelled():
            reading.exception()  # whoever waited has it; where all have gone away nobody need hear of it
