"""A TCP proxy between the services and a server: any one service can be cut off, left without an answer, or slowed.

Linux only: ``/proc`` tells whose a connection is, so that all services can be given the same address.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Literal

Condition = Literal["cut", "silent", "slow"]
"""``cut``: what is open breaks and nothing new opens. ``silent``: nothing breaks and nothing arrives, until it does.
``slow``: a fifth of a second for there and back, 640 KiB a second at most."""

CHUNK = 64 * 1024
SLOW_SECONDS = 0.1


class Wire:
    """Passes on what comes to ``port``; ``processes`` says who may come, by process id."""

    def __init__(self, target: int, processes: Callable[[], Mapping[int, str]]) -> None:
        self.port = 0
        self._target, self._processes = target, processes
        self._conditions: defaultdict[str, Counter[Condition]] = defaultdict(Counter)
        self._open: defaultdict[str, set[asyncio.StreamWriter]] = defaultdict(set)
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Break all that is open."""
        if self._server:
            self._server.close()
        for who in list(self._open):
            self._break(who)

    @contextlib.asynccontextmanager
    async def suffering(self, condition: Condition, who: str) -> AsyncIterator[None]:
        """``condition`` is what the service ``who`` finds while this lasts; of several, each of them."""
        self._conditions[who][condition] += 1
        if condition == "cut":
            self._break(who)
        try:
            yield
        finally:
            self._conditions[who][condition] -= 1
            async with self._changed:
                self._changed.notify_all()

    def _break(self, who: str) -> None:
        for writer in self._open[who]:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        who = owner(writer.get_extra_info("peername")[1], self._processes())
        if self._conditions[who]["cut"]:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=CHUNK)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._open[who] |= both
        try:
            await asyncio.gather(self._pump(who, reader, far_writer), self._pump(who, far_reader, writer))
        finally:
            self._open[who] -= both
            for end in both:
                end.transport.abort()

    async def _pump(self, who: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._pass(who)
                writer.write(data)
                await writer.drain()
        await self._pass(who)
        writer.close()

    async def _pass(self, who: str) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._conditions[who]["silent"])
        if self._conditions[who]["slow"]:
            await asyncio.sleep(SLOW_SECONDS)


def owner(port: int, processes: Mapping[int, str]) -> str:
    """The name of the process that connected from ``port``; empty when it is none of them."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    sockets = {f"socket:[{fields[9]}]" for fields in map(str.split, lines) if fields[1].endswith(f":{port:04X}")}
    for pid, name in processes.items():
        with contextlib.suppress(OSError):
            if any(held(descriptor) in sockets for descriptor in Path(f"/proc/{pid}/fd").iterdir()):
                return name
    return ""


def held(descriptor: Path) -> str:
    """What a file descriptor of ``/proc`` stands for; empty when it has been closed meanwhile."""
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""
