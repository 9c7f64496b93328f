"""A real PostgreSQL server in a folder: nothing to install, nothing to set up.

The folder holds ``data`` (the cluster), ``password``, ``port`` and ``log``. The server listens on loopback only and
asks for the password, since a port on loopback is open to every user of the machine.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from chassis import memory
from chassis.servers import child
from chassis.servers.failed import ServerFailed, disk_full, explained, no_permission
from chassis.servers.postgres_binaries import find_binaries, major_version

NEEDS_BYTES = 200 * 1024 * 1024
ROOM_TO_SPEAK = 64 * 1024
LOG_BYTES = 10 * 1024 * 1024
START_SECONDS = 60
STOP_SECONDS = 30
PORT_SECONDS = 10
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.65535")

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    # Each possible connection has its share of the lock tables, whether it is used or not.
    "max_connections": "200",
    # What does not fit is in the system's cache, one copy away.
    "shared_buffers": "24MB",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_checkpoints": "off",
    # A lost machine's connections, and the locks they hold, are gone in 20 s.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


class EmbeddedPostgres:
    """One server, owned by this process: it ends when this process ends, even by kill -9.

    ``settings`` are added to the server's own (``{"fsync": "off"}`` in tests). Every error is ``ServerFailed``.
    """

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.home = home.resolve()
        self.settings = {**SETTINGS, "unix_socket_directories": self._sockets(), **(settings or {})}
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.home / "data"

    def _sockets(self) -> str:
        """Where the server's socket is: in its own folder, which nobody else may enter. None where its name is too
        long for the system.
        """
        folder = str(self.data)
        return folder if len(folder.encode()) <= LONGEST_SOCKET_FOLDER else ""

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def pid(self) -> int | None:
        """The server's process, None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Make the cluster if there is none, start the server, wait until it answers. Call it from the main thread."""
        if self.pid:
            return
        binaries = find_binaries()
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            if not self.data.exists():
                self._initialise(binaries)
            self._check_version(binaries)
            self._wait_for_orphan()
            self._launch(binaries)
        except OSError as error:
            raise explained(error, self.home) from error

    def url(self, database: str) -> str:
        """The address of ``database``, with user and password: by the server's socket, where it has one.

        A round trip by a socket costs a third less than one by TCP, on both sides.
        """
        user = f"postgres:{quote((self.home / 'password').read_text().strip())}"
        if folder := self.settings["unix_socket_directories"]:
            return f"postgresql://{user}@/{quote(database)}?host={quote(folder)}&port={self.port}"
        return f"postgresql://{user}@127.0.0.1:{self.port}/{quote(database)}"

    def running_url(self, database: str) -> str:
        """The address of ``database`` on the server that another process runs in this folder."""
        try:
            self.port = int((self.home / "port").read_text())
            return self.url(database)
        except (OSError, ValueError):
            raise ServerFailed(f"No PostgreSQL runs in {self.home}.") from None

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, what is committed is on disk."""
        self._end()
        self.port = 0

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(ending)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return

    def kill(self) -> None:
        """End the server as a power cut would, for tests."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _initialise(self, binaries: Path) -> None:
        """``initdb`` beside the place and renamed into it, so that a half-made cluster is never taken for one."""
        if shutil.disk_usage(self.home).free < NEEDS_BYTES:
            raise disk_full(self.home)
        made, password = self.home / "data.new", self.home / "password"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        child.give_to_nobody(made)
        child.give_to_nobody(password)
        command = [str(binaries / "initdb"), "-D", str(made), "-U", "postgres", "--pwfile", str(password)]
        command += ["-A", "scram-sha-256", "-E", "utf8", "--locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run(
            child.unprivileged(command, made, binaries), cwd=self.home, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise self._failure(done.stderr)
        made.rename(self.data)

    def _check_version(self, binaries: Path) -> None:
        made = int((self.data / "PG_VERSION").read_text())
        here = major_version(binaries)
        if made != here:
            raise ServerFailed(
                f"{self.data} was made by PostgreSQL {made}, {binaries} is version {here}:"
                f" name a folder with version {made} in SOKO_PG_BIN."
            )

    def _wait_for_orphan(self) -> None:
        """A killed owner's server stops by itself; start only when it has. Where the kernel did not tell it, we do."""
        pid = self._running_pid()
        if pid is None or child.wait_gone(pid, 2):
            return
        try:
            os.kill(pid, signal.SIGINT)
        except ProcessLookupError:
            return
        if not child.wait_gone(pid, STOP_SECONDS):
            raise ServerFailed(
                f"An older PostgreSQL (process {pid}) still runs on {self.data}: end it, then start again."
            )

    def _running_pid(self) -> int | None:
        """The process that ``postmaster.pid`` names, if it is a server of this cluster."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        return pid if child.runs_on(pid, self.data) else None

    def _launch(self, binaries: Path) -> None:
        until = time.monotonic() + START_SECONDS
        known = self.port
        if known and not child.wait_free(known, PORT_SECONDS):
            raise ServerFailed(f"Port {known}, where PostgreSQL is looked for, is taken by another program.")
        while True:
            self.port = known or child.free_port(self.home / "port")
            output = self._attempt(binaries, until)
            if output is None:
                return
            transient = "Address already in use" in output or "could not create any TCP/IP sockets" in output
            # Backends of a killed server hold its shared memory until they notice, which takes them a moment.
            transient = transient or "shared memory block" in output or "postmaster.pid" in output
            if not transient or time.monotonic() > until:
                raise self._failure(output)
            time.sleep(0.1)

    def _attempt(self, binaries: Path, until: float) -> str | None:
        """Start once: None when the server is ready, else what it said before it ended."""
        command = [str(binaries / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        command = child.unprivileged(command, self.data, binaries)
        command = child.ending_with_owner(command, signal.SIGINT)
        began = self.log.stat().st_size if self.log.exists() else 0
        if began > LOG_BYTES:
            self.log.replace(self.home / "log.old")
            began = 0
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                env={**os.environ, **memory.CHILD},
                start_new_session=True,
            )
        self._process = process
        while process.poll() is None:
            if self._is_ready(process.pid):
                return None
            if time.monotonic() > until:
                self._end()
                raise ServerFailed(f"PostgreSQL was not ready within {START_SECONDS} s: see {self.log}.")
            time.sleep(0.01)
        self._process = None
        return self.log.read_bytes()[began:].decode(errors="replace")

    def _is_ready(self, pid: int) -> bool:
        """What pg_ctl reads: the eighth line of ``postmaster.pid``."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _failure(self, output: str) -> ServerFailed:
        # On a disk without any room it cannot even write what is wrong.
        if "No space left on device" in output or shutil.disk_usage(self.home).free < ROOM_TO_SPEAK:
            return disk_full(self.home)
        if "Permission denied" in output:
            return no_permission(self.home)
        lines = [line for line in output.splitlines() if "FATAL" in line or "error" in line] or output.splitlines()
        return ServerFailed(
            f"PostgreSQL did not start on {self.data}: {lines[-1].strip() if lines else 'it said nothing'}"
        )
