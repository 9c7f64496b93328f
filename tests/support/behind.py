"""What may stand behind a proxy, and whoever asks through it: a pytest plugin for tests of what is passed on."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from chassis.http import Connections, Upstream
from starlette.types import Message, Scope

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A real server; its address."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that speaks as badly as a test wants."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens: it is taken, so that no other server of the test gets it."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{mute.getsockname()[1]}"


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    connections = Connections(connect=0.3, silence=0.3)
    yield connections
    await connections.close()


@dataclass
class Client:
    """Whoever asks: sends a body in parts, keeps what comes back, may hang up."""

    parts: list[bytes] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    cut: bool = False

    async def receive(self) -> Message:
        if self.parts:
            part = self.parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self.parts) or self.cut}
        if not self.cut:
            await self.hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.body" and message.get("body"):
            self.came.set()

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name.decode(), value.decode()) for name, value in self.messages[0]["headers"]]

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    def json(self) -> Any:
        return json.loads(self.body)


def scope(method: str = "GET", path: str = "/x", headers: dict[str, str] | None = None) -> Scope:
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }


async def ask(upstream: Upstream, method: str = "GET", path: str = "/x", body: bytes = b"", **headers: str) -> Client:
    client = Client([body])
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        sent["content-length"] = str(len(body))
    await upstream(scope(method, path, sent), client.receive, client.send)
    return client


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    body = await request.read()
    said = {
        "method": request.method,
        "path": request.raw_path,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": body.decode(),
    }
    return web.json_response(said, status=201, headers={"ETag": '"1"', "Keep-Alive": "timeout=5", "X-Two": "a"})
