"""Starting a server as a child process: without root's rights, ended when its owner ends, on a port of its own."""

import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

NOBODY = 65534
SERVER_PORTS = range(12_000, 32_000)


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def give_to_nobody(path: Path) -> None:
    """As root, hand ``path`` to the user that servers run as."""
    if is_root():
        os.chown(path, NOBODY, NOBODY)


def unprivileged(command: Sequence[str], *folders: Path) -> list[str]:
    """``command`` as the user ``nobody`` when we are root, which PostgreSQL refuses to be.

    A folder on the way to ``folders`` may be closed to others (``/root`` is): rather than open it to everyone, the
    server then keeps the single capability of walking through closed folders.
    """
    if not is_root():
        return list(command)
    drop = [required_setpriv(), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if not all(_passable(folder) for folder in folders):
        capability = _walking_capability()
        drop += [f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
    return [*drop, *command]


def ending_with_owner(command: Sequence[str], death_signal: signal.Signals) -> list[str]:
    """``command``, sent ``death_signal`` by the kernel when its owner dies, however it dies.

    The kernel watches the thread that started the child, not the process: from any other thread than the main one the
    child would die too early, so there it is started without.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return list(command)
    name = death_signal.name.removeprefix("SIG")
    if command[0] == setpriv:
        return [setpriv, f"--pdeathsig={name}", *command[1:]]
    return [setpriv, f"--pdeathsig={name}", *command]


def required_setpriv() -> str:
    from chassis.servers.failed import ServerFailed

    found = shutil.which("setpriv")
    if found is None:
        raise ServerFailed("Root needs the command setpriv (package util-linux) to run a server as another user.")
    return found


def _passable(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents) if path.exists())


def _walking_capability() -> str:
    """``dac_read_search`` where we hold it; containers often hold only the wider ``dac_override``."""
    status = Path("/proc/self/status")
    bounding = 0
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("CapBnd:"))
        bounding = int(line.split()[1], 16)
    return "dac_read_search" if bounding & (1 << 2) else "dac_override"


def free_port(kept: Path) -> int:
    """The port written in ``kept`` when it is free, else a new one, written there."""
    try:
        port = int(kept.read_text())
    except (FileNotFoundError, ValueError):
        port = 0
    if not port or not is_free(port):
        port = pick_port()
        kept.write_text(f"{port}\n")
    return port


def pick_port() -> int:
    """A free port of loopback, below those that outgoing connections are given.

    From among those, a client that keeps trying to reach a server that is down would one day be given the server's own
    port, connect to itself, and keep the server from coming back.
    """
    for _ in range(100):
        port = secrets.choice(SERVER_PORTS)
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_free(port: int, seconds: float) -> bool:
    """Wait until nobody listens on ``port``; false when somebody still does after ``seconds``."""
    until = time.monotonic() + seconds
    while not is_free(port):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def wait_taken(port: int, seconds: float) -> bool:
    """Wait until somebody listens on ``port``; false when nobody does after ``seconds``."""
    until = time.monotonic() + seconds
    while is_free(port):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """Whether a process runs under ``pid``: one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return Path("/proc").is_dir() is False


def runs_on(pid: int, folder: Path) -> bool:
    """Whether ``pid`` runs and names ``folder`` in its command line: the number of a dead server may be reused."""
    if not alive(pid):
        return False
    try:
        return os.fsencode(folder) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        if Path("/proc/self").exists():
            return False
    asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
    return os.fsencode(folder) in asked.stdout


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait until ``pid`` is gone; false when it still runs after ``seconds``."""
    until = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
