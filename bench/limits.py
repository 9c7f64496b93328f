"""What the machine could do at most, measured in the same run: an empty HTTP answer, a small durable transaction."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from chassis.servers.child import pick_port
from chassis.servers.postgres_binaries import find_binaries

from bench.client import Client, Timings
from bench.shoppers import asking

CONNECTIONS = 16


async def bare_app(scope: dict[str, object], receive: object, send: object) -> None:
    """The cheapest JSON answer an ASGI app can give."""
    assert callable(send)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"15")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"hello":"you"}'})


async def bare(seconds: float) -> float:
    """Requests a second of a uvicorn with that app, in a process of its own."""
    port = pick_port()
    command = [sys.executable, "-m", "uvicorn", "bench.limits:bare_app", "--port", str(port), "--log-level", "warning"]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--lifespan", "off"]
    process = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[1])
    clients = [Client("127.0.0.1", port, Timings()) for _ in range(CONNECTIONS)]
    try:
        while True:
            try:
                await clients[0].call("", "GET", "/")
                break
            except OSError:
                await asyncio.sleep(0.1)
        rate, _ = await asking(clients, lambda client: client.call("", "GET", "/"), seconds)
        return rate
    finally:
        for client in clients:
            client.close()
        process.terminate()
        await process.wait()


async def pgbench(url: str, seconds: float) -> float:
    """Transactions a second of pgbench's simple-update, 16 clients, in an empty database at ``url``."""
    program = str(find_binaries() / "pgbench")
    environment = {**os.environ, "PGOPTIONS": "-c jit=off"}
    making = ["-i", "-q", "-s", "10"]
    running = ["-N", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2", "-T", str(max(1, round(seconds)))]
    for arguments in (making, running):
        process = await asyncio.create_subprocess_exec(
            program, *arguments, url, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, errors = await process.communicate()
        if process.returncode:
            raise RuntimeError(errors.decode())
    found = re.search(rb"tps = ([0-9.]+) \(without", out)
    assert found
    return float(found[1])
