"""What happened to an order so far, what happens while one looks, and where its parcels are."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chassis.http import Answer, Money, Router, event, last_event_id, streamed, wants_stream
from chassis.http.streams import QUIET_SECONDS
from chassis.service import Service
from fastapi import Depends
from fastapi.responses import Response
from pydantic import ConfigDict

from order import queries
from order.api.answers import SHIPMENT, ShipmentAnswer, order_answer, shown_as
from order.api.asking import Asking, asking
from order.api.fields import OrderId
from order.domain import order
from order.following import Followers
from order.state import Order
from order.timeline import Entry, entry

router = Router(prefix="/api/v1", tags=["Orders"])


class EntryAnswer(Answer):
    """Something that happened to the order. What else there is depends on the kind."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 5,
                    "at": "2026-03-01T12:00:01Z",
                    "kind": "payment_captured",
                    "payment_id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e7",
                    "amount": {"amount": "5248.00", "currency": "KES"},
                }
            ]
        },
    )

    id: int
    at: datetime
    kind: str


class TimelineAnswer(Answer):
    """From the first to the last."""

    items: list[EntryAnswer]


class TrackingAnswer(Answer):
    """Where the order's parcels are."""

    model_config = shown_as({"number": "SO-1017", "status": "confirmed", "shipments": [SHIPMENT]})

    number: str
    status: str
    shipments: list[ShipmentAnswer]


@router.get(
    "/orders/{order_id}/timeline",
    operation_id="get_order_timeline",
    summary="What happened to an order",
    response_model=TimelineAnswer,
)
async def get_order_timeline(
    order_id: OrderId, ask: Asking = Depends(asking()), seen: int | None = Depends(last_event_id)
) -> Any:
    """With `Accept: text/event-stream` it goes on as things happen; `Last-Event-ID` takes it up again."""
    row = await ask.seen(order_id)
    if wants_stream(ask.request):
        return streamed(_stream(ask.service, ask.request.app.state.followers, row["id"], seen or 0))
    entries, _, _ = await _read(ask.service, row["id"], order.initial, 0)
    return TimelineAnswer(items=[EntryAnswer(**_shown(each, row["currency"])) for each in entries])


@router.get(
    "/orders/{order_id}/tracking",
    operation_id="track_order",
    summary="Where an order's parcels are",
    response_model=TrackingAnswer,
)
async def track_order(order_id: OrderId, ask: Asking = Depends(asking())) -> TrackingAnswer | Response:
    """Without names and addresses."""
    shown = order_answer(await ask.seen(order_id), personal=False)
    return TrackingAnswer(number=shown.number, status=shown.status, shipments=shown.shipments)


async def _read(service: Service, order_id: str, state: Order, after: int) -> tuple[Sequence[Entry], Order, int]:
    """The entries beyond a version, with the order and its version after them. ``state`` is the order there."""
    stream = order.name(order_id)
    codec = service.aggregates.of(stream).codec
    entries: list[Entry] = []
    for row in await service.database.pool.fetch(queries.HISTORY, stream, after):
        happened, after = codec.decode(row["type"], row["data"]), row["version"]
        state = order.evolve(state, happened)
        told = entry(happened, state, after, row["recorded_at"])
        if told:
            entries.append(told)
    return entries, state, after


def _shown(told: Entry, currency: str) -> Mapping[str, Any]:
    amounts = {name: Money.of(told.data[name], currency) for name in ("total", "amount") if name in told.data}
    return {"id": told.version, "at": told.at, "kind": told.kind, **told.data, **amounts}


async def _stream(service: Service, followers: Followers, order_id: str, seen: int) -> AsyncIterator[bytes]:
    """Server-sent events, those after ``seen`` first; while nothing happens, a comment now and then."""
    state, version = order.initial, 0
    yield b": the story so far\n\n"
    while True:
        entries, state, version = await _read(service, order_id, state, version)
        fresh = [
            event(told.version, told.kind, EntryAnswer(**_shown(told, state.totals.currency)).model_dump(mode="json"))
            for told in entries
            if told.version > seen
        ]
        yield b"".join(fresh) or b": nothing new\n\n"
        await followers.moved(service, order.name(order_id), version, QUIET_SECONDS)
