"""Event streams: taken up where they broke off, and ended at once when the process stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from chassis.http import Caller, Router, anyone, create_app, event, last_event_id, streamed, wants_stream
from chassis.http.streams import Streams
from chassis.http.upstream import Upstream
from chassis.web import listen, web_server
from fastapi import Depends, FastAPI, Request, Response
from starlette.types import ASGIApp

STREAM = {"Accept": "text/event-stream"}
router = Router()


async def counting(after: int) -> AsyncIterator[bytes]:
    yield event(after + 1, "counted", {"n": after + 1})
    await asyncio.Event().wait()


@router.get("/numbers", operation_id="count", summary="Count", response_model=int)
async def numbers(
    request: Request, seen: int | None = Depends(last_event_id), caller: Caller = Depends(anyone)
) -> int | Response:
    return streamed(counting(seen or 0)) if wants_stream(request) else seen or 0


@router.get("/slow", operation_id="slow", summary="Slow")
async def slow(request: Request, caller: Caller = Depends(anyone)) -> str:
    request.app.state.begun.set()
    await request.app.state.closed.wait()
    return "done"


class Guests:
    """Authentication in a shop where nobody has an account."""

    async def caller(self, bearer: str | None, cart_token: str | None) -> Caller:
        return Caller()


class Served:
    """An app on a port, stopped as a process stops it."""

    def __init__(self, app: ASGIApp) -> None:
        self.streams = Streams(app)
        self.server = web_server(self.streams)
        self.socket = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    async def __aenter__(self) -> "Served":
        self.serving = asyncio.create_task(self.server.serve(sockets=[self.socket]))
        await self.server.ready.wait()
        return self

    async def stop(self) -> None:
        self.streams.close()
        self.server.should_exit = True
        await self.serving

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()


def app() -> FastAPI:
    events = {name: asyncio.Event() for name in ("begun", "closed")}
    return create_app("numbers", [router], state={"authentication": Guests(), **events})


@asynccontextmanager
async def following(url: str, **headers: str) -> AsyncIterator[AsyncIterator[str]]:
    async with (
        httpx.AsyncClient(timeout=3) as client,
        client.stream("GET", f"{url}/numbers", headers={**STREAM, **headers}) as answer,
    ):
        yield answer.aiter_lines()


async def test_a_stream_is_taken_up_behind_the_last_event_seen() -> None:
    async with Served(app()) as served, following(served.url, **{"Last-Event-ID": "41"}) as lines:
        assert [await anext(lines) for _ in range(3)] == ["id: 42", "event: counted", 'data: {"n":42}']


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "٣", str(2**63), ""])
async def test_what_is_no_events_id_is_invalid(given: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app()), base_url="http://numbers") as client:
        answer = await client.get("/numbers", headers={b"Last-Event-ID": given.encode()})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/header/Last-Event-ID")


async def test_streams_end_whole_and_at_once_when_the_process_stops() -> None:
    async with Served(app()) as served, following(served.url) as one, following(served.url) as other:
        assert [await anext(one), await anext(other)] == ["id: 1", "id: 1"]
        async with asyncio.timeout(2):
            await served.stop()
        for lines in (one, other):
            # An answer that broke off would raise here.
            assert [line async for line in lines][-2:] == [": closing; connect again", ""]


async def test_what_is_no_stream_is_finished_first() -> None:
    slow = app()
    async with Served(slow) as served, httpx.AsyncClient(base_url=served.url) as client, asyncio.timeout(2):
        asked = asyncio.create_task(client.get("/slow", headers=STREAM))
        await slow.state.begun.wait()
        served.streams.close()
        slow.state.closed.set()
        assert (await asked).json() == "done"


async def test_a_stream_through_a_proxy_ends_whole_whichever_of_the_two_stops() -> None:
    for stops_behind in (True, False):
        async with Served(app()) as behind:
            upstream = Upstream("numbers", [behind.url])
            async with Served(upstream) as front, following(front.url) as lines:
                assert await anext(lines) == "id: 1"
                async with asyncio.timeout(2):
                    await (behind if stops_behind else front).stop()
                assert [line async for line in lines][-2:] == [": closing; connect again", ""]
            await upstream.connections.close()
