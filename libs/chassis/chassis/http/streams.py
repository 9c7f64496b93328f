"""Event streams (``text/event-stream``): how a route gives one, and how all of them end when the process stops."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.problems import invalid

MEDIA_TYPE: Final = "text/event-stream"
HEADER: Final = "Last-Event-ID"
QUIET_SECONDS: Final = 15.0
"""A stream says something at least so often, so that nobody in between takes it for dead."""
LAST: Final = 2**63 - 1
GOODBYE: Final = b": closing; connect again\n\n"


async def last_event_id(request: Request) -> int | None:
    """``seen: int | None = Depends(last_event_id)``: where a client takes a stream up again. 422 for what is no id."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if not given.isascii() or not given.isdecimal() or int(given) > LAST:
        raise invalid(f"/header/{HEADER}", "must be an event's id")
    return int(given)


def wants_stream(request: Request) -> bool:
    """Whether the client would rather follow than read once."""
    return MEDIA_TYPE in request.headers.get("accept", "")


def event(id_: int, kind: str, data: Any) -> bytes:
    """One event as it stands in a stream."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (id_, kind.encode(), orjson.dumps(data, option=orjson.OPT_UTC_Z))


def streamed(events: AsyncIterator[bytes]) -> StreamingResponse:
    """The answer that goes on."""
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type=MEDIA_TYPE, headers=headers)


class Streams:
    """Wraps a process's app. Once it closes, each open event stream ends like any answer: whole, with a last comment.

    Left open, streams would hold the stop until its grace is over and then break off. Their readers come again with
    ``Last-Event-ID`` either way.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = set[asyncio.Timeout]()
        self._closed = False

    def close(self) -> None:
        """End what is open, and whatever is opened yet."""
        self._closed = True
        for limit in self._open:
            _end(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _may_stream(scope):
            await self._app(scope, receive, send)
            return

        async def watched(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start" and _streams(message):
                self._open.add(limit)
                if self._closed:
                    _end(limit)

        try:
            async with asyncio.timeout(None) as limit:
                await self._app(scope, receive, watched)
        except TimeoutError:
            if not limit.expired():
                raise
            await send({"type": "http.response.body", "body": GOODBYE})
        finally:
            self._open.discard(limit)


def _end(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


def _may_stream(scope: Scope) -> bool:
    return any(name == b"accept" and MEDIA_TYPE.encode() in value for name, value in scope["headers"])


def _streams(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(MEDIA_TYPE.encode()) for name, value in start["headers"]
    )
