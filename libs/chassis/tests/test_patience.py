"""What a connection may take that the door has had enough of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.fixtures import until
from chassis.patience import HEAD_SECONDS, UNREAD_SECONDS, Patient, sweep
from chassis.web import WebServer, listen, web_server
from starlette.types import ASGIApp, Receive, Scope, Send

GET = b"GET / HTTP/1.1\r\nHost: soko.test\r\n\r\n"


class Endless:
    """Answers for ever; ``left`` says that it has been told to stop."""

    def __init__(self) -> None:
        self.left = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not self.left:
            await send({"type": "http.response.body", "body": b"a" * 65536, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[tuple[WebServer, int]]:
    """The app on a port, where time passes only for ``sweep``."""
    listening = listen("127.0.0.1", 0)
    server = web_server(app)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await server.ready.wait()
        yield server, listening.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def connections(server: WebServer) -> list[Patient]:
    """Those that are open."""
    return [each for each in server.server_state.connections if isinstance(each, Patient)]


async def test_an_answer_that_nobody_reads_on_is_given_up() -> None:
    app = Endless()
    async with serving(app) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(GET)

        async def full() -> bool:
            return any(each.flow.write_paused for each in connections(server))

        await until(full)
        now = asyncio.get_running_loop().time()
        sweep(connections(server), now)
        sweep(connections(server), now + UNREAD_SECONDS - 1)
        assert len(connections(server)) == 1
        sweep(connections(server), now + UNREAD_SECONDS + 1)

        async def gone() -> bool:
            return not connections(server)

        await until(gone)
        app.left = True
        writer.transport.abort()


async def test_a_client_that_waits_for_its_answer_is_not_hurried() -> None:
    """Its request is here: how long the answer takes is ours to say."""
    go = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await go.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with serving(app) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)

        async def asked() -> bool:
            return any(each.cycle is not None for each in connections(server))

        await until(asked)
        sweep(connections(server), asyncio.get_running_loop().time() + 10 * HEAD_SECONDS)
        go.set()
        assert await asyncio.wait_for(reader.readline(), 10) == b"HTTP/1.1 204 No Content\r\n"
        writer.close()


async def test_the_rest_of_a_head_is_waited_for_again_after_an_answer() -> None:
    """A second request that begins and does not end is as late as a first one."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with serving(app) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert await reader.readline() == b"HTTP/1.1 204 No Content\r\n"
        assert await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET / HT")

        async def begun() -> bool:
            return any(each.begun == 2 for each in connections(server))

        await until(begun)
        sweep(connections(server), asyncio.get_running_loop().time() + HEAD_SECONDS + 1)
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 408")
        writer.close()
