"""A private RabbitMQ node in a folder: an installed ``rabbitmq-server``, run without systemd and beside any other.

The folder holds ``mnesia`` (the data), ``log``, ``rabbitmq.conf``, ``password`` and ``port``. Everything listens on
loopback, the node's Erlang distribution and its name daemon (epmd) too, on the two ports after the broker's.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from chassis.servers import child
from chassis.servers.failed import ServerFailed, disk_full, explained

START_SECONDS = 90
STOP_SECONDS = 30
PORT_SECONDS = 10
NODE = "soko@localhost"
GREETING = b"AMQP\x00\x00\x09\x01"

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = soko
default_pass = {password}
vm_memory_high_watermark.absolute = 1GiB
disk_free_limit.absolute = 50MB
log.file.level = warning
"""


class PrivateRabbit:
    """One node, owned by this process: it ends when this process ends, even by kill -9. Errors are ``ServerFailed``."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The node's process, None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def log(self) -> Path:
        return self.home / "log" / "start"

    def start(self) -> None:
        """Start the node and wait until it talks AMQP, which takes about 5 s. Call it from the main thread."""
        if self.pid:
            return
        program = find_server()
        if program is None:
            raise ServerFailed(how_to_get_one())
        try:
            self._prepare()
            self._wait_for_orphan()
            self._launch(program)
        except OSError as error:
            raise explained(error, self.home) from error

    def url(self) -> str:
        """The address of the node, with user and password."""
        return f"amqp://soko:{self._password()}@127.0.0.1:{self.port}/"

    def running_url(self) -> str:
        """The address of the node that another process runs in this folder."""
        try:
            self.port = int((self.home / "port").read_text())
            return self.url()
        except (OSError, ValueError):
            raise ServerFailed(f"No RabbitMQ runs in {self.home}.") from None

    def stop(self) -> None:
        """Stop the node, and its name daemon."""
        self._end()
        self.port = 0

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for ending in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(ending)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break
        self._stop_names()

    def kill(self) -> None:
        """End the node as a power cut would, for tests."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _prepare(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if not (self.home / "password").exists():
            (self.home / "password").touch(mode=0o600)
            (self.home / "password").write_text(secrets.token_urlsafe(24) + "\n")
        for folder in (self.home / "mnesia", self.home / "log"):
            folder.mkdir(exist_ok=True, mode=0o700)
        (self.home / "enabled_plugins").write_text("[].\n")

    def _password(self) -> str:
        return (self.home / "password").read_text().strip()

    def _wait_for_orphan(self) -> None:
        """A killed owner's node stops by itself; start only when it has. Where the kernel did not tell it, we do."""
        pid = self._running_pid()
        if pid is not None and not child.wait_gone(pid, 3):
            os.kill(pid, signal.SIGTERM)
            if not child.wait_gone(pid, STOP_SECONDS):
                raise ServerFailed(
                    f"An older RabbitMQ (process {pid}) still runs on {self.home}: end it, then try again."
                )
        self._stop_names()

    def _running_pid(self) -> int | None:
        """The process that the pid file names, if it is a node of this folder."""
        try:
            pid = int((self.home / "pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if child.runs_on(pid, self.home) else None

    def _launch(self, program: Path) -> None:
        until = time.monotonic() + START_SECONDS
        self.port = self._known_port() if self.port else self._three_ports()
        configuration = self.home / "rabbitmq.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(CONFIGURATION.format(port=self.port, password=self._password()))
        command = child.ending_with_owner([str(program)], signal.SIGTERM)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                start_new_session=True,
            )
        while not speaks_amqp("127.0.0.1", self.port):
            if self._process.poll() is not None:
                raise self._failure()
            if time.monotonic() > until:
                self._end()
                raise ServerFailed(f"RabbitMQ was not ready within {START_SECONDS} s: see {self.log.parent}.")
            time.sleep(0.05)

    def _known_port(self) -> int:
        """The port where clients look for the node, once it and the two after it are free again."""
        until = time.monotonic() + PORT_SECONDS
        while not all(map(child.is_free, range(self.port, self.port + 3))):
            if time.monotonic() > until:
                raise ServerFailed(
                    f"Port {self.port}, where RabbitMQ was and is looked for, is taken, or one of the next two."
                )
            self._stop_names()
            time.sleep(0.1)
        return self.port

    def _three_ports(self) -> int:
        """The kept port, or a new one, with the two after it free."""
        kept = self.home / "port"
        for _ in range(100):
            port = child.free_port(kept)
            if child.is_free(port + 1) and child.is_free(port + 2):
                return port
            kept.unlink()
        raise ServerFailed("No three free ports in a row were found on 127.0.0.1.")

    def _environment(self) -> dict[str, str]:
        home, port = str(self.home), self.port
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": home,
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(port + 1),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(port + 2),
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_FEATURE_FLAGS_FILE": f"{home}/feature_flags",
            "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RUNNING_UNDER_SYSTEMD": "true",
            # Schedulers that wait must not spin: the machine has other work.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} -noinput"
            " +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def _stop_names(self) -> None:
        """End the name daemon of an earlier start; it refuses while a node is registered."""
        daemon = shutil.which("epmd")
        if daemon is None or not (self.home / "port").exists():
            return
        port = int((self.home / "port").read_text()) + 2
        environment = {**os.environ, "ERL_EPMD_ADDRESS": "127.0.0.1"}
        subprocess.run([daemon, "-port", str(port), "-kill"], env=environment, capture_output=True, check=False)

    def _failure(self) -> ServerFailed:
        said = self.log.read_text(errors="replace")
        if "enospc" in said or "No space left" in said:
            return disk_full(self.home)
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith("error")), lines[-1] if lines else "it said nothing")
        return ServerFailed(f"RabbitMQ did not start in {self.home}: {reason} (see {self.log.parent}).")


def find_server() -> Path | None:
    """The installed program. Not Debian's wrapper on the path, which changes to a user of its own."""
    return next((path for path in _places() if path.is_file()), None)


def _places() -> Iterator[Path]:
    yield Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    yield from sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"), reverse=True)
    for folder in (
        "/opt/homebrew/sbin",
        "/opt/homebrew/opt/rabbitmq/sbin",
        "/usr/local/sbin",
        "/usr/lib64/rabbitmq/bin",
    ):
        yield Path(folder) / "rabbitmq-server"
    on_path = shutil.which("rabbitmq-server")
    if on_path and on_path != "/usr/sbin/rabbitmq-server":
        yield Path(on_path)


def how_to_get_one() -> str:
    return (
        "No RabbitMQ: give RABBITMQ_URL=amqp://user:password@host:5672/, or install a server"
        " (Debian, Ubuntu: apt install rabbitmq-server; macOS: brew install rabbitmq)."
    )


def speaks_amqp(host: str, port: int) -> bool:
    """Whether an AMQP 0-9-1 server answers there: its first frame begins with 1."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(GREETING)
            return connection.recv(1) == b"\x01"
    except OSError:
        return False
