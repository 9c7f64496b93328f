"""What a supervisor looks after: processes that serve, and the servers beneath them. All are started the same way."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from chassis.servers import ServerFailed, child

LONGEST_DELAY = 30.0
HEALTHY_AFTER = 60.0


class Server(Protocol):
    """An embedded PostgreSQL, a private RabbitMQ, or a process of ours."""

    port: int

    @property
    def pid(self) -> int | None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass
class Process:
    """One ``soko serve``: it ends when the supervisor ends, even by kill -9."""

    command: Sequence[str]
    environment: Mapping[str, str]
    port: int
    _running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._running.pid if self._running and self._running.poll() is None else None

    def start(self) -> None:
        # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops all in order.
        self._running = subprocess.Popen(
            child.ending_with_owner(self.command, signal.SIGTERM),
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def tell(self) -> None:
        """Ask it to end."""
        if self._running and self._running.poll() is None:
            self._running.terminate()

    def stop(self, seconds: float = 30.0) -> None:
        if self._running is None:
            return
        self.tell()
        try:
            self._running.wait(seconds)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()


@dataclass
class Child:
    """Keeps one server or process alive: started again when it dies, later each time it dies soon."""

    name: str
    server: Server
    told: Callable[[str], None]
    shown: Mapping[str, Any] = field(default_factory=dict)
    _deaths: int = 0
    _began: float = 0.0
    _next: float = 0.0

    def start(self) -> None:
        """Start for the first time. Raises ``ServerFailed``."""
        self.server.start()
        self._began = time.monotonic()

    def look(self) -> bool:
        """Start it again if it is dead and its time has come; true when it runs."""
        if self.server.pid:
            if self._deaths and time.monotonic() - self._began > HEALTHY_AFTER:
                self._deaths = 0
            return True
        now = time.monotonic()
        if not self._next:
            delay = min(LONGEST_DELAY, 0.1 * 2**self._deaths)
            self._deaths += 1
            self._next = now + delay
            self.told(f"{self.name} has ended and is started again in {delay:.1f} s")
        if now < self._next:
            return False
        self._next = 0.0
        self._began = now
        try:
            self.server.start()
        except (ServerFailed, OSError) as error:
            self.told(f"{self.name} does not start: {error}")
        return False
