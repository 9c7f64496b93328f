"""Clients that do not behave, on raw sockets, and the good ones whom the shop has to go on serving meanwhile."""

import asyncio
import contextlib
import re
import resource
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from killing import RunningShop, buy

HOST = b"Host: 127.0.0.1\r\n"
PATIENT_SECONDS = 3.0
"""What anybody may wait for a page while others misbehave, on two busy cores. Idle it takes some milliseconds."""
MEMORY = 300 * 2**20
"""What all of them together may cost the shop, in bytes."""

Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Served:
    """What good clients got meanwhile."""

    seconds: list[float] = field(default_factory=list)
    orders: int = 0
    failures: list[str] = field(default_factory=list)
    began_with: int = 0
    most_memory: int = 0


@asynccontextmanager
async def others(shop: RunningShop, session: aiohttp.ClientSession, sku: str) -> AsyncIterator[Served]:
    """Somebody looks at products and somebody buys, over and over, each on new connections and kept ones.

    At the end: nobody was refused, nobody waited long, and the shop's memory stayed within bounds.
    """
    served, over = Served(began_with=memory(shop)), asyncio.Event()

    async def look() -> None:
        while not over.is_set():
            began = time.monotonic()
            try:
                async with (
                    aiohttp.ClientSession() as fresh,
                    fresh.get(f"{shop.url}/api/v1/products?limit=5", timeout=aiohttp.ClientTimeout(15)) as answer,
                ):
                    await answer.read()
                    if answer.status != 200:
                        served.failures.append(str(answer.status))
            except (aiohttp.ClientError, TimeoutError) as error:
                served.failures.append(repr(error))
            served.seconds.append(time.monotonic() - began)
            served.most_memory = max(served.most_memory, memory(shop))
            await asyncio.sleep(0.05)

    async def shop_on() -> None:
        while not over.is_set():
            await buy(session, shop.url, sku)
            served.orders += 1

    tasks = [asyncio.create_task(look()), asyncio.create_task(shop_on())]
    try:
        yield served
    finally:
        over.set()
        await asyncio.gather(*tasks)
    assert served.failures == []
    assert served.orders > 0
    slowest = sorted(served.seconds)[int(len(served.seconds) * 0.95)]
    assert slowest < PATIENT_SECONDS, f"p95 {slowest:.2f} s of {len(served.seconds)}"
    grown = served.most_memory - served.began_with
    assert grown < MEMORY, f"{grown / 2**20:.0f} MiB more"


def memory(shop: RunningShop) -> int:
    """Bytes that the shop's process holds."""
    status = Path(f"/proc/{shop.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def open_files_allowed(wanted: int) -> int:
    """Raise this process's own limit; how many of the ``wanted`` connections it can have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else wanted + 1000
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return min(wanted, most - 500)


@asynccontextmanager
async def connected(shop: RunningShop, count: int) -> AsyncIterator[list[Socket]]:
    """So many connections, and all of them closed hard at the end."""
    port = int(shop.url.rpartition(":")[2])
    found: list[Socket] = []

    async def one() -> None:
        found.append(await asyncio.open_connection("127.0.0.1", port))

    try:
        for _ in range(0, count, 200):
            await asyncio.gather(*(one() for _ in range(min(200, count - len(found)))))
        yield found
    finally:
        for _, writer in found:
            hang_up(writer)


def hang_up(writer: asyncio.StreamWriter) -> None:
    """Go away without a word: a reset, not an end."""
    end: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def drip(at: Socket, first: bytes, drop: bytes, every: float = 1.0) -> bytes:
    """Send ``first``, then ``drop`` again and again, until the shop hangs up; what it said."""
    reader, writer = at
    writer.write(first)
    said = asyncio.create_task(reader.read())
    while not said.done():
        with contextlib.suppress(ConnectionError):
            writer.write(drop)
        await asyncio.wait({said}, timeout=every)
    with contextlib.suppress(ConnectionError):
        return said.result()
    return b""


async def each(sockets: Sequence[Socket], do: Callable[[Socket], Awaitable[bytes]], within: float) -> list[bytes]:
    """Do it on every one of them at once. Raises TimeoutError."""
    async with asyncio.timeout(within):
        return list(await asyncio.gather(*map(do, sockets)))
