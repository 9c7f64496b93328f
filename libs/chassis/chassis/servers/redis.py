"""A private Redis in a folder: an installed ``redis-server``, on loopback, that keeps nothing on disk.

The folder holds ``redis.conf`` with the password, ``port`` and ``log``.
"""

import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from chassis.servers import child
from chassis.servers.failed import ServerFailed, explained

START_SECONDS = 30
STOP_SECONDS = 10

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {home}
save ""
appendonly no
maxmemory 128mb
maxmemory-policy volatile-lru
"""


class PrivateRedis:
    """One server, owned by this process: it ends when this process ends, even by kill -9. Errors: ``ServerFailed``."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.port = 0
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def url(self) -> str:
        """The address of its first database, with the password."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, where it was before, and wait until it answers. Call it from the main thread."""
        if self.pid:
            return
        program = find_server()
        if program is None:
            raise ServerFailed(how_to_get_one())
        try:
            self._launch(program)
        except OSError as error:
            raise explained(error, self.home) from error

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        for ending in (signal.SIGCONT, signal.SIGTERM):
            process.send_signal(ending)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it as a power cut would, for tests."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _launch(self, program: str) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.port:
            self.port = child.free_port(self.home / "port")
        elif not child.wait_free(self.port, STOP_SECONDS):
            raise ServerFailed(f"Port {self.port}, where Redis was and is looked for, is taken.")
        configuration = self.home / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(CONFIGURATION.format(port=self.port, password=self._password, home=self.home))
        until = time.monotonic() + START_SECONDS
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                child.ending_with_owner([program, str(configuration)], signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                start_new_session=True,
            )
        while not speaks_redis("127.0.0.1", self.port):
            if self._process.poll() is not None:
                said = (self.home / "log").read_text(errors="replace").strip().splitlines()
                raise ServerFailed(f"Redis did not start in {self.home}: {said[-1] if said else 'it said nothing'}.")
            if time.monotonic() > until:
                self.stop()
                raise ServerFailed(f"Redis was not ready within {START_SECONDS} s: see {self.home / 'log'}.")
            time.sleep(0.02)


def find_server() -> str | None:
    """The installed program."""
    return shutil.which("redis-server")


def how_to_get_one() -> str:
    return (
        "No Redis: give REDIS_URL=redis://user:password@host:6379/0, or install a server"
        " (Debian, Ubuntu: apt install redis-server; macOS: brew install redis)."
    )


def speaks_redis(host: str, port: int) -> bool:
    """Whether a Redis answers there, be it that it wants a password first."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) in (b"+PONG\r\n", b"-NOAUTH")
    except OSError:
        return False
