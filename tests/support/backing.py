"""A PostgreSQL and a RabbitMQ in a process of their own, started again when they die: ``python backing.py FOLDER``.

The database lives on a small file system in memory where this machine lets us mount one, so that it can be filled. It
is mounted for that process alone, and gone with it.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.fixtures import until
from chassis.servers import child
from chassis.servers.postgres import EmbeddedPostgres
from chassis.servers.rabbitmq import PrivateRabbit
from soko.children import Child

ROOM = 1024 * 1024 * 1024
WITH_A_DISK = 'mount -t tmpfs -o size="$1",mode=755 soko-test "$2" && shift 2 && exec "$@"'
STARTS_WITHIN = 120
CHUNK = b"\0" * 1024 * 1024


@dataclass
class BackingServers:
    """Both servers, and the file system below the database."""

    home: Path
    process: "subprocess.Popen[bytes]"
    no_disk: str
    """Why there is no small file system; empty when there is one."""

    @classmethod
    def start(cls, home: Path) -> "BackingServers":
        """Start them in the folder ``home``; wait until they are ``there``."""
        folder = home / "postgres"
        folder.mkdir()
        command = [sys.executable, __file__, str(home)]
        no_disk = why_no_disk(folder)
        if not no_disk:
            command = [*mounted(folder), *command]
        command = child.ending_with_owner(command, signal.SIGTERM)
        with (home / "backing.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return cls(home, process, no_disk)

    async def there(self) -> None:
        """Wait until both answer."""

        async def both() -> bool:
            assert self.process.poll() is None, (self.home / "backing.log").read_text()[-3000:]
            return len(self.state()) == 2

        await until(both, STARTS_WITHIN)

    def state(self) -> dict[str, dict[str, Any]]:
        """``pid``, ``port`` and ``url`` of ``postgresql`` and ``rabbitmq``; ``pid`` is null while one is dead."""
        try:
            return dict(json.loads((self.home / "backing.json").read_text()))
        except FileNotFoundError:
            return {}

    @property
    def _ballast(self) -> Path:
        return Path(f"/proc/{self.process.pid}/root{self.home}/postgres/ballast")

    def fill_disk(self) -> None:
        """Leave the database no room at all."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (len(CHUNK), 4096):
                try:
                    while file.write(CHUNK[:size]):
                        pass
                except OSError:
                    continue

    def free_disk(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    async def stop(self) -> None:
        """End both."""
        self.process.terminate()
        await asyncio.to_thread(self.process.wait, 60)


def mounted(folder: Path) -> list[str]:
    """The beginning of a command that sees a small file system at ``folder``."""
    return ["unshare", "--mount", "sh", "-c", WITH_A_DISK, "sh", str(ROOM), str(folder)]


def why_no_disk(folder: Path) -> str:
    """Why no small file system can be mounted here; empty when it can."""
    if shutil.which("unshare") is None:
        return "there is no command unshare"
    tried = subprocess.run([*mounted(folder), "true"], capture_output=True, text=True, check=False)
    said = tried.stderr.strip().splitlines()
    return said[-1] if tried.returncode and said else ""


def keep(home: Path) -> None:
    """Run both until SIGTERM, and write down who they are whenever that changes."""
    # Room for little history: what is written again and again must not fill the disk by itself.
    postgres = EmbeddedPostgres(home / "postgres", {"max_wal_size": "128MB", "unix_socket_directories": ""})
    rabbit = PrivateRabbit(home / "rabbitmq")
    children = [Child("postgresql", postgres, told), Child("rabbitmq", rabbit, told)]
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    for each in children:
        each.start()
    urls = {"postgresql": postgres.url("postgres"), "rabbitmq": rabbit.url()}
    written = None
    while not stopping:
        state = {
            each.name: {"pid": each.server.pid, "port": each.server.port, "url": urls[each.name]} for each in children
        }
        if state != written:
            written = state
            (home / "backing.new").write_text(json.dumps(state))
            os.replace(home / "backing.new", home / "backing.json")
        time.sleep(0.05)
        for each in children:
            each.look()
    for each in children:
        each.server.stop()


def told(what: str) -> None:
    """Into the log."""
    print(time.strftime("%H:%M:%S"), what, flush=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
