"""Messages and calls that were given up, of all services: seen, tried again, or dropped."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from chassis.http import (
    NOT_FOUND,
    Answer,
    Listing,
    Moment,
    Paging,
    Router,
    ordering,
    paging,
    problems,
    right,
)
from chassis.http.problems import UNAVAILABLE, UPSTREAM_TIMEOUT
from fastapi import Depends, Path, Query, Response
from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from gateway.operators.asking import MISSING, Asking, ServiceName, asking, segment

router = Router(prefix="/api/v1/ops", tags=["Operators"])

AWAY = problems(NOT_FOUND, UNAVAILABLE, UPSTREAM_TIMEOUT)
LETTER: JsonDict = {
    "id": "order-message-4711",
    "service": "order",
    "kind": "message",
    "name": "payment.captured.v1",
    "handler": "captured",
    "key": "order-0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
    "tries": 8,
    "error": "UnknownName: nothing here is called 'captured.v2'",
    "received_at": "2026-03-01T12:00:01Z",
    "parked_at": "2026-03-01T12:02:10Z",
    "correlation_id": "7d1f0e5c9b3a4f6e8d2c1b0a99887766",
    "data": {"order_id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6", "amount": 524800, "method": "card"},
}

LetterId = Annotated[str, Path(max_length=200, description="As the list names it.", examples=[LETTER["id"]])]


class DeadLetterAnswer(Answer):
    """A message, timer or call that failed in all its tries. It holds back later messages of its `key`.

    `data` shows ids and codes; what is personal or secret shows its type only. `error` is that of the last try.
    """

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [LETTER]})

    id: str
    service: str
    kind: Literal["message", "call"]
    name: str
    handler: str
    key: str
    tries: int
    error: str | None
    received_at: datetime
    parked_at: datetime
    correlation_id: str
    data: Any


class DeadLetters(Listing[DeadLetterAnswer]):
    """One page of what is parked, in all services that answered."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [{"items": [LETTER], "total": 1, "next": None, "previous": None, "missing": []}]
        },
    )

    missing: list[str] = Field(description=MISSING)


Text = Annotated[str, StringConstraints(max_length=200)]
NAMES = Query(max_length=20, description="Only these types of message, or these calls.")
KEYS = Query(max_length=20, description="Only what holds these keys: a stream's name, mostly.")


@router.get("/dead-letters", operation_id="list_dead_letters", summary="What is parked, in all services")
async def list_dead_letters(
    service: Annotated[list[ServiceName] | None, Query(description="Only of these services.")] = None,
    name: Annotated[list[Text] | None, NAMES] = None,
    key: Annotated[list[Text] | None, KEYS] = None,
    parked_after: Annotated[Moment | None, Query(description="This moment included.")] = None,
    parked_before: Annotated[Moment | None, Query(description="This moment excluded.")] = None,
    order: list[tuple[str, bool]] = Depends(ordering("parked_at", default="parked_at")),
    page: Paging = Depends(paging()),
    ask: Asking = Depends(asking(right("ops:write"))),
) -> DeadLetters:
    """Oldest first, unless asked otherwise. A service that is away is named in `missing`."""
    newest_first = order[0][1]
    wanted: list[tuple[str, str]] = [
        ("first", str(page.offset + page.limit)),
        ("newest_first", str(newest_first).lower()),
        *(("name", each) for each in name or ()),
        *(("key", each) for each in key or ()),
    ]
    for parameter, moment in (("parked_after", parked_after), ("parked_before", parked_before)):
        if moment is not None:
            wanted.append((parameter, moment.isoformat()))
    answers, missing = await ask.all(f"/ops/dead-letters?{urlencode(wanted)}", service)
    found = [_letter(service, row) for service, answer in answers.items() for row in answer["items"]]
    found.sort(key=lambda letter: (letter.parked_at, letter.id), reverse=newest_first)
    total = sum(answer["total"] for answer in answers.values())
    listed = page.answer(found[page.offset : page.offset + page.limit], total, ask.request)
    return DeadLetters(**dict(listed), missing=missing)


@router.post(
    "/dead-letters/{letter_id}/replay",
    operation_id="replay_dead_letter",
    summary="Try a parked message again",
    status_code=204,
    response_class=Response,
    responses=AWAY,
)
async def replay_dead_letter(letter_id: LetterId, ask: Asking = Depends(asking(right("ops:write")))) -> Response:
    """From the first try, at once. Where it fails again it is parked again."""
    return await _settle(ask, "POST", letter_id, "/replay")


@router.delete(
    "/dead-letters/{letter_id}",
    operation_id="drop_dead_letter",
    summary="Give a parked message up for good",
    status_code=204,
    response_class=Response,
    responses=AWAY,
)
async def drop_dead_letter(letter_id: LetterId, ask: Asking = Depends(asking(right("ops:write")))) -> Response:
    """What waited behind it goes on without it."""
    return await _settle(ask, "DELETE", letter_id, "")


async def _settle(ask: Asking, method: str, letter_id: str, what: str) -> Response:
    service, _, own = letter_id.partition("-")
    await ask.one(method, service, f"/ops/dead-letters/{segment(own)}{what}")
    return Response(status_code=204)


def _letter(service: str, row: dict[str, Any]) -> DeadLetterAnswer:
    return DeadLetterAnswer(
        **{name: row[name] for name in ("name", "handler", "key", "tries", "error", "parked_at", "data")},
        id=f"{service}-{row['id']}",
        service=service,
        kind="message" if row["id"].startswith("message-") else "call",
        received_at=row["since"],
        correlation_id=row["correlationid"],
    )
