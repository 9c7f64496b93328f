"""A process that is told to stop while requests are under way."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from chassis import web
from chassis.fixtures import until
from chassis.servers.child import pick_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route


async def think(request: Request) -> StreamingResponse:
    """Takes for ever, before its answer or, with ``?begun``, in the middle of it."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.Event().wait()

    if "begun" not in request.query_params:
        await asyncio.Event().wait()
    return StreamingResponse(parts())


async def broken_off(path: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str | None, bytes]:
    """What is answered to a request that takes longer than a stop waits: status, Retry-After, body."""
    monkeypatch.setattr(web, "GRACEFUL_SECONDS", 0.1)
    port = pick_port()
    server = web.web_server(Starlette(routes=[Route("/", think)]))
    serving = asyncio.create_task(server.serve(sockets=[web.listen("127.0.0.1", port)]))
    await server.ready.wait()

    async def asked() -> bool:
        return bool(server.server_state.tasks)

    try:
        async with aiohttp.ClientSession() as session:
            asking = asyncio.create_task(session.get(f"http://127.0.0.1:{port}{path}"))
            await until(asked)
            server.should_exit = True
            async with await asking as answer:
                return answer.status, answer.headers.get("Retry-After"), await answer.read()
    finally:
        server.should_exit = True
        await serving


async def test_what_is_broken_off_may_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    status, again, body = await broken_off("/", monkeypatch)
    assert (status, again) == (503, "1")
    assert b"/problems/service-unavailable" in body


async def test_an_answer_that_has_begun_is_not_made_to_look_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await broken_off("/?begun", monkeypatch)


NEVER_ENDS = """
import asyncio
from chassis import main, web
from chassis.settings import ProcessSettings
from starlette.applications import Starlette

async def serve():
    try:
        listening = web.listen("127.0.0.1", 0)
        await main.serve_until_told(
            Starlette(), listening, ProcessSettings(metrics_port=0), ready=lambda: print("ready", flush=True)
        )
    finally:
        await asyncio.Event().wait()

main.STOPS_WITHIN = 0.5
asyncio.run(serve())
"""


async def test_a_process_that_cannot_come_to_an_end_ends_all_the_same() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", NEVER_ENDS, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGTERM)
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode == 1
    assert b"did not stop within" in said
