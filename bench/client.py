"""A small HTTP/1.1 client that costs little: the load comes from the machine that is measured."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, cast

import httptools
import orjson


@dataclass(slots=True)
class Answered:
    """One answer."""

    status: int
    body: bytes
    headers: dict[bytes, bytes]

    def json(self) -> Any:
        return orjson.loads(self.body)


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answered] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._body: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, but not by inheritance

    def data_received(self, data: bytes) -> None:
        assert self._parser is not None
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server hung up"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        assert self._parser is not None
        assert self._answer is not None
        if not self._answer.done():
            answer = Answered(self._parser.get_status_code(), b"".join(self._body), self._headers)
            self._answer.set_result(answer)

    async def request(self, head: bytes, body: bytes) -> Answered:
        """Send one request and wait for its answer."""
        assert self._transport is not None
        self._body, self._headers = [], {}
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(head + body)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass
class Timings:
    """How long each kind of call took, in seconds."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        self.seconds.setdefault(name, []).append(seconds)


class Client:
    """One shopper's connection to ``host:port``; every call is timed under its name."""

    def __init__(self, host: str, port: int, timings: Timings) -> None:
        self._host, self._port, self.timings = host, port, timings
        self._connection: Connection | None = None
        self.headers: dict[str, str] = {}

    async def call(
        self, name: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answered:
        """One request; ``body`` is sent as JSON."""
        if self._connection is None or self._connection.lost:  # a server closes what says nothing for a while
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(Connection, self._host, self._port)
        data = b"" if body is None else orjson.dumps(body)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}", f"Content-Length: {len(data)}"]
        if data:
            lines.append("Content-Type: application/json")
        lines += [f"{key}: {value}" for key, value in {**self.headers, **(headers or {})}.items()]
        started = time.perf_counter()
        answer = await self._connection.request(("\r\n".join(lines) + "\r\n\r\n").encode(), data)
        self.timings.add(name, time.perf_counter() - started)
        return answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
