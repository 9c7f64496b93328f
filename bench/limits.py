"""What the machine could do at most, measured in the same run: an empty HTTP answer, a small durable transaction."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from chassis.servers.postgres_binaries import find_binaries

SECONDS = 5


async def bare_app(scope: dict[str, object], receive: object, send: object) -> None:
    """The cheapest JSON answer an ASGI app can give."""
    assert callable(send)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"15")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"hello":"you"}'})


def start_bare(port: int) -> subprocess.Popen[bytes]:
    """A uvicorn with that app, as a process of its own."""
    command = [sys.executable, "-m", "uvicorn", "bench.limits:bare_app", "--port", str(port), "--log-level", "warning"]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--lifespan", "off"]
    return subprocess.Popen(command, cwd=Path(__file__).parents[1])


async def pgbench(url: str) -> float:
    """Transactions a second of pgbench's simple-update, 16 clients, on the shop's own server."""
    program = str(find_binaries() / "pgbench")
    server, _, _ = url.rpartition("/")
    environment = {**os.environ, "PGOPTIONS": "-c jit=off"}
    for arguments in (["-i", "-q", "-s", "10"], ["-N", "-M", "prepared", "-c", "16", "-j", "2", "-T", str(SECONDS)]):
        process = await asyncio.create_subprocess_exec(
            program, *arguments, f"{server}/bench_limit", env=environment, stdout=-1, stderr=-1
        )
        out, errors = await process.communicate()
        if process.returncode:
            raise RuntimeError(errors.decode())
    found = re.search(rb"tps = ([0-9.]+) \(without", out)
    assert found
    return float(found[1])
