"""What happened in a history, line by line, as a hash that two runs of one seed must share."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256


class Trace:
    """``lines`` are kept for whoever wants to read them; ``hash`` sums up all of them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._sum = now, sha256()
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        """Add a line, under the virtual time."""
        whole = f"{self._now().isoformat(timespec='microseconds')[11:26]} {line}"
        self._sum.update(whole.encode() + b"\n")
        self.lines.append(whole)

    @property
    def hash(self) -> str:
        return self._sum.hexdigest()
