"""Named points where a test may make a process die: the code says where, the test says when.

Production settings refuse the switch (``SOKO_FAULTS``).
"""

import os
import signal
from collections.abc import Callable

POINTS = frozenset(
    {
        "relay.sent",  # the courier has the messages, the outbox still holds them
        "receive.stored",  # the inbox has the messages, the broker has not been told
        "work.written",  # a batch is written, nobody has been told
        "call.leased",  # a call is leased, not yet made
        "call.made",  # the outside world has acted, we have not recorded it
    }
)


class Crash(BaseException):
    """The process dies here, as far as a test is concerned."""


def _nothing(point: str) -> None:
    return None


class Faults:
    """``reach(point)`` does nothing, unless a test has put something there."""

    def __init__(self, at: Callable[[str], None] = _nothing) -> None:
        self.at = at

    def reach(self, point: str) -> None:
        """This point was reached."""
        if self.at is not _nothing:
            assert point in POINTS, point
            self.at(point)

    @classmethod
    def from_switch(cls, switch: str) -> "Faults":
        """``relay.sent:3`` kills this process with SIGKILL when that point is reached for the third time."""
        if not switch:
            return cls()
        point, _, count = switch.partition(":")
        if point not in POINTS:
            raise ValueError(f"SOKO_FAULTS: no point {point!r}; there are {', '.join(sorted(POINTS))}")
        left = int(count or 1)

        def at(reached: str) -> None:
            nonlocal left
            if reached == point:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        return cls(at)
