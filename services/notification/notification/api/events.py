"""The public feed over HTTP: page by page, or as a stream that goes on."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from functools import cache
from inspect import cleandoc
from typing import Annotated, Any
from urllib.parse import urlencode

from chassis.http import (
    Answer,
    Caller,
    Router,
    current_service,
    invalid,
    last_event_id,
    right,
    streamed,
    wants_stream,
)
from chassis.http.streams import LAST, QUIET_SECONDS
from chassis.service import Service
from fastapi import Depends, Query, Request, Response
from pydantic import ConfigDict, StringConstraints
from pydantic.config import JsonDict
from soko_contracts import MESSAGES, adapter

from notification import feed
from notification.tail import Tail, told

router = Router(prefix="/api/v1", tags=["Events"])

PAGE = 100

Type = Annotated[str, StringConstraints(max_length=100)]

EXAMPLE: JsonDict = {
    "position": 4711,
    "id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
    "type": "cart.opened.v1",
    "source": "cart",
    "subject": "0198c0de-5f00-7aaa-8bbb-ccccddddeeee",
    "sequence": 1,
    "time": "2026-03-01T12:00:00Z",
    "correlationid": "6f0c4c9c",
    "data": {"cart_id": "0198c0de-5f00-7aaa-8bbb-ccccddddeeee", "customer_id": None, "lines": []},
}


class EventAnswer(Answer):
    """One event of the shop. ``sequence`` counts the events about ``subject``, ``position`` all there are."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    position: int
    id: str
    type: str
    source: str
    subject: str
    sequence: int
    time: datetime
    correlationid: str
    data: dict[str, Any]


class EventsAnswer(Answer):
    """Go on with ``after=position``: so far the feed was looked through. ``next`` is null while there is no more."""

    items: list[EventAnswer]
    position: int
    next: str | None


class EventType(Answer):
    """One type of event, what it says, and the JSON Schema of its ``data``."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "payment.voided.v1",
                    "source": "payment",
                    "description": "What was promised is given back.",
                    "data_schema": {"type": "object", "properties": {"payment_id": {"type": "string"}}},
                }
            ]
        },
    )

    type: str
    source: str
    description: str
    data_schema: dict[str, Any]


class EventTypes(Answer):
    """All there are."""

    items: list[EventType]


@router.get(
    "/events",
    operation_id="list_events",
    summary="The public feed, from a position on",
    response_model=EventsAnswer,
)
async def list_events(
    request: Request,
    after: Annotated[int, Query(ge=0, le=LAST, description="The last position you know; 0 is the very beginning.")] = 0,
    types: Annotated[list[Type] | None, Query(alias="type", max_length=100, description="Only these types.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    seen: int | None = Depends(last_event_id),
    caller: Caller = Depends(right("events:read")),
    service: Service = Depends(current_service),
) -> EventsAnswer | Response:
    """Positions never change and have no gaps. Events come at least once in this order, so keep the last position.

    With `Accept: text/event-stream` it goes on as they happen; `Last-Event-ID` takes it up again.
    """
    wanted = types or []
    for name in wanted:
        if name not in _event_types():
            raise invalid("/query/type", f"{name} is no event type: see /api/v1/event-types")
    if wants_stream(request):
        return streamed(_stream(service, request.app.state.tail, after if seen is None else seen, wanted))
    page = await feed.read(service, after, wanted, limit)
    more = [("after", str(page.position)), *(("type", name) for name in wanted), ("limit", str(limit))]
    following = None if page.whole else f"{request.url.path}?{urlencode(more)}"
    items = [EventAnswer.model_construct(**feed.shown(row)) for row in page.rows]
    return EventsAnswer(items=items, position=page.position, next=following)


async def _stream(service: Service, tail: Tail, after: int, types: list[str]) -> AsyncIterator[bytes]:
    """Server-sent events; between them, and while nothing happens, a comment with the position reached."""
    yield b": from %d\n\n" % after
    while True:
        held = tail.since(after, types)
        if held is None:
            page = await feed.read(service, after, types, PAGE)
            held = [told(row).text for row in page.rows], page.position
            whole = page.whole
        else:
            whole = held[1] >= tail.newest
        texts, after = held
        if texts:
            yield b"".join(texts)
        elif whole:
            yield b": at %d\n\n" % after
        if whole:
            await tail.grown(service, after, QUIET_SECONDS)


@router.get(
    "/event-types",
    operation_id="list_event_types",
    summary="What events there are",
)
async def list_event_types(caller: Caller = Depends(right("events:read"))) -> EventTypes:
    """Every type with its schema."""
    return EventTypes(items=list(_event_types().values()))


@cache
def _event_types() -> dict[str, EventType]:
    return {
        type_: EventType(
            type=type_,
            source=type_.partition(".")[0],
            description=cleandoc(message.__doc__ or ""),
            data_schema=adapter(message).json_schema(),
        )
        for type_, message in _sorted_events()
    }


def _sorted_events() -> Iterator[tuple[str, Any]]:
    for type_, message in sorted(MESSAGES.items()):
        if message.KIND == "event":
            yield type_, message
