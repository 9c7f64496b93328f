"""An ASGI app behind uvicorn, with the signals left to whoever runs it."""

import asyncio
import errno
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis import memory
from chassis.http.errors import RETRY_SOON, send_problem
from chassis.http.problems import UNAVAILABLE, Problem
from chassis.patience import Patient, allow_many_files, sweep
from chassis.servers import ServerFailed

GARBAGE_AFTER = 10_000
GRACEFUL_SECONDS = 5
KEEP_ALIVE_SECONDS = 65
"""Longer than any proxy in front keeps an idle connection: it must not send into one that we are closing."""


DEAD_PEERS = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + [
    (socket.IPPROTO_TCP, getattr(socket, name), value)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)
]
"""A client whose machine is gone says nothing: its connection ends after a minute. Accepted sockets inherit this."""


class WebServer(uvicorn.Server):
    """Runs until ``should_exit`` is set; then requests under way are finished. ``ready`` says that it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        allow_many_files()
        await super().startup(sockets)
        # What is loaded by now stays: left to the collector it would be walked again and again while requests wait.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_AFTER)
        memory.give_back()
        self.ready.set()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % 10 == 0:
            sweep(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """The socket to serve on. Raises ``ServerFailed`` when the port is taken or not ours to take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for level, option, value in DEAD_PEERS:
        listening.setsockopt(level, option, value)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        if isinstance(error, PermissionError):
            raise ServerFailed(f"Port {port} may not be used by this user: set PORT to one above 1023.") from error
        if error.errno != errno.EADDRINUSE:
            raise ServerFailed(f"HOST={host} cannot be listened on: {error.strerror or error}.") from error
        raise ServerFailed(f"Port {port} on {host} is taken by another program: end it, or set PORT.") from error
    return listening


class Breakable:
    """``app``, whose requests may be broken off when the process stops: who asked is told to ask again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            # Where the answer has begun, uvicorn refuses another, and the connection is closed in the middle of it.
            with suppress(RuntimeError):
                await send_problem(scope, send, Problem(UNAVAILABLE, "It is about to stop.", headers=RETRY_SOON))
                return
            raise


def web_server(app: ASGIApp) -> WebServer:
    """What serves ``app``."""
    return WebServer(
        uvicorn.Config(
            Breakable(app),
            loop="none",
            http=Patient,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
    )
