"""A shop to measure: started as its user starts it, in a folder of its own, and what it uses of the machine."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.servers.child import pick_port

from bench.client import Client, Timings

HOST = "127.0.0.1"
OPEN_SECONDS = 180
TICKS = os.sysconf("SC_CLK_TCK")
PARTS = {"postgres": "PostgreSQL", "beam.smp": "RabbitMQ"}


@dataclass
class Shop:
    """One running shop; ``opened`` is how many seconds its first start took."""

    home: Path
    port: int
    process: "subprocess.Popen[bytes]"
    opened: float = 0.0

    def client(self, timings: Timings | None = None, port: int = 0) -> Client:
        """A connection to the gateway, or to another port."""
        return Client(HOST, port or self.port, timings or Timings())

    def database(self, name: str = "postgres") -> str:
        """A database on its embedded server."""
        folder = self.home / "postgres"
        password, port = (folder / "password").read_text().strip(), (folder / "port").read_text().strip()
        return f"postgresql://postgres:{password}@{HOST}:{port}/{name}"

    def port_of(self, service: str) -> int:
        """Where one of its processes listens."""
        found: list[dict[str, Any]] = json.loads((self.home / "processes.json").read_text())
        return next(int(one["port"]) for one in found if one["name"] == service)

    def seconds(self) -> dict[str, float]:
        """Seconds of CPU that its processes have used so far, by what they are; ``client`` is this process."""
        used = defaultdict[str, float](float)
        for pid, name in self._processes():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            used[name] += sum(map(int, fields[11:15])) / TICKS  # its own, and those of its children that have ended
        used["client"] = sum(os.times()[:2])
        return used

    def memory(self) -> dict[str, float]:
        """MiB of memory that its processes use, shared pages divided among those that share them (PSS)."""
        used = defaultdict[str, float](float)
        for pid, name in self._processes():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            used[name] += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
        return used

    def connections(self) -> int:
        """Processes of PostgreSQL: one a connection, and a handful of its own."""
        return sum(name == "PostgreSQL" for _, name in self._processes())

    def _processes(self) -> list[tuple[int, str]]:
        children: dict[int, list[tuple[int, str]]] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                head, _, tail = path.read_text().rpartition(")")
            except OSError:
                continue
            pid, _, name = head.partition(" (")
            children.setdefault(int(tail.split()[1]), []).append((int(pid), PARTS.get(name, "shop")))
        found, look = [(self.process.pid, "shop")], [self.process.pid]
        while look:
            below = children.get(look.pop(), [])
            found += below
            look += [pid for pid, _ in below]
        return found


@asynccontextmanager
async def open_shop(mode: str) -> AsyncIterator[Shop]:
    """``mode`` is ``run`` or ``processes``. Without rate limits; gone afterwards."""
    home, port = folder(), pick_port()
    shop = Shop(home, port, start(home, mode, port))
    try:
        shop.opened = await _opened(shop)
        yield shop
    finally:
        shop.process.send_signal(signal.SIGINT)
        try:
            shop.process.wait(60)
        except subprocess.TimeoutExpired:
            shop.process.kill()
    shutil.rmtree(home, ignore_errors=True)


def folder() -> Path:
    """A new one, that the server's user may pass through."""
    home = Path(tempfile.mkdtemp(prefix="soko-bench-"))
    home.chmod(0o755)
    return home


def start(home: Path, mode: str, port: int) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "PORT": str(port),
        "SOKO_HOME": str(home),
        "SOKO_ENV": "development",
        "SOKO_RATE_LIMITS": "off",
        "METRICS_PORT": "0",
    }
    with (home / "bench.log").open("wb") as log:
        return subprocess.Popen([sys.executable, "-m", "soko", mode], env=environment, stdout=log, stderr=log)


async def _opened(shop: Shop) -> float:
    started = time.perf_counter()
    while time.perf_counter() - started < OPEN_SECONDS:
        if shop.process.poll() is not None:
            raise SystemExit(f"the shop did not start: {(shop.home / 'bench.log').read_text()}")
        client = shop.client()
        try:
            if (await client.call("", "GET", "/api/v1/products?page_size=1")).status == 200:
                return time.perf_counter() - started
        except OSError:
            pass
        finally:
            client.close()
        await asyncio.sleep(0.2)
    raise SystemExit(f"the shop did not open within {OPEN_SECONDS} s: see {shop.home}/bench.log")
