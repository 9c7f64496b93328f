"""An order's standing and its stories, made one story and put in plain words. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from chassis.http import Answer
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from gateway.operators.asking import MISSING

Kind = Literal["event", "handled", "waiting", "parked", "calling", "sending", "timer"]

EXAMPLE: JsonDict = {
    "id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
    "number": "SO-1017",
    "status": "awaiting_payment",
    "payment_status": "processing",
    "reason": None,
    "says": [
        "Order SO-1017 is awaiting_payment, its payment processing.",
        "Since 2026-03-01 12:00:01 UTC it waits for an answer of payment 0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e7 (card), "
        "from payment; if that has not come by 2026-03-01 12:15:01 UTC, it is cancelled (payment_timeout), unless "
        "money is on its way.",
        "The next timer is payment-window of order, at 2026-03-01 12:15:01 UTC.",
    ],
    "awaited": [
        {
            "what": "an answer of payment 0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e7 (card)",
            "whom": "payment",
            "since": "2026-03-01T12:00:01Z",
            "until": "2026-03-01T12:15:01Z",
            "otherwise": "it is cancelled (payment_timeout), unless money is on its way",
        }
    ],
    "next_timer": None,
    "held_by": [],
    "story": [
        {
            "at": "2026-03-01T12:00:00Z",
            "service": "order",
            "kind": "event",
            "name": "placed.v1",
            "says": "placed.v1 happened (order-0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6, version 1)",
        }
    ],
    "missing": [],
}


class Awaited(Answer):
    """What the order waits for, of whom (a service, the customer, the staff); `otherwise` follows at `until`."""

    what: str
    whom: str
    since: datetime
    until: datetime | None
    otherwise: str | None


class Entry(Answer):
    """One thing that happened (`event`, `handled`) or that is still to be done (all other kinds).

    `at` is when it happened or arrived, of a timer when it is due; `due_at` the next try. `letter` names what is parked
    for `/ops/dead-letters`. `data` shows ids and codes, nothing personal.
    """

    at: datetime
    service: str
    kind: Kind
    name: str
    says: str
    key: str | None = None
    version: int | None = None
    handler: str | None = None
    tries: int = 0
    note: str | None = None
    error: str | None = None
    due_at: datetime | None = None
    parked_at: datetime | None = None
    letter: str | None = None
    correlationid: str | None = None
    data: Any = None


class Explanation(Answer):
    """Why the order is where it is. While the order service is away, its own part is null."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    id: str
    number: str | None
    status: str | None
    payment_status: str | None
    reason: str | None
    says: list[str] = Field(description="The answer in plain words, the most important first.")
    awaited: list[Awaited]
    next_timer: Entry | None
    held_by: list[Entry] = Field(description="What was given up, and holds what comes after it.")
    story: list[Entry] = Field(description="From the first to the last, timers to come at the end.")
    missing: list[str] = Field(description=MISSING)


def explained(
    id_: str,
    standing: Mapping[str, Any] | None,
    stories: Mapping[str, Sequence[Mapping[str, Any]]],
    missing: Sequence[str],
) -> Explanation:
    """One explanation from what the order service and all services said."""
    story = sorted(
        (_entry(service, each) for service, entries in stories.items() for each in entries),
        key=lambda entry: (entry.kind == "timer", entry.at),
    )
    known = standing or dict.fromkeys(("number", "status", "payment_status", "reason"))
    awaited = [Awaited(**each) for each in standing["awaited"]] if standing else []
    timers = [entry for entry in story if entry.kind == "timer"]
    return Explanation(
        id=id_,
        number=known["number"],
        status=known["status"],
        payment_status=known["payment_status"],
        reason=known["reason"],
        says=list(_words(known, awaited, story, timers, missing)),
        awaited=awaited,
        next_timer=timers[0] if timers else None,
        held_by=[entry for entry in story if entry.kind == "parked"],
        story=story,
        missing=list(missing),
    )


def _words(
    known: Mapping[str, Any],
    awaited: Sequence[Awaited],
    story: Sequence[Entry],
    timers: Sequence[Entry],
    missing: Sequence[str],
) -> Iterable[str]:
    if known["status"]:
        reason = f" ({known['reason']})" if known["reason"] else ""
        yield f"Order {known['number']} is {known['status']}{reason}, its payment {known['payment_status']}."
    for each in awaited:
        follows = f"; if that has not come by {_shown(each.until)}, {each.otherwise}" if each.until else ""
        yield f"Since {_shown(each.since)} it waits for {each.what}, from {each.whom}{follows}."
    if known["status"] and not awaited:
        yield "It waits for nothing."
    for entry in story:
        if entry.kind not in ("event", "handled", "timer"):
            yield f"In {entry.service}, {entry.says}."
    if timers and awaited:
        yield f"The next timer is {timers[0].name} of {timers[0].service}, at {_shown(timers[0].at)}."
    for service in missing:
        yield f"The {service} service could not be asked: what it knows is not in this story."


def _entry(service: str, told: Mapping[str, Any]) -> Entry:
    letter = f"{service}-{told['letter']}" if told.get("kind") == "parked" else None
    entry = Entry(**{**told, "letter": letter}, service=service, says="")
    return entry.model_copy(update={"says": _says(entry)})


def _says(entry: Entry) -> str:
    match entry.kind:
        case "event":
            return f"{entry.name} happened ({entry.key}, version {entry.version})"
        case "handled":
            failed = f" after {entry.tries} failed tries" if entry.tries else ""
            return f"{entry.name} was worked off by {entry.handler}{failed}" + (f": {entry.note}" if entry.note else "")
        case "parked":
            return (
                f"{entry.name} was given up after {entry.tries} tries ({entry.error}) and holds what comes after it "
                f"for {entry.key}: replay or drop {entry.letter}"
            )
        case "waiting" if entry.tries:
            return f"{entry.name} has failed {entry.tries} times ({entry.error}), next try at {_shown(entry.due_at)}"
        case "waiting":
            return f"{entry.name} waits to be worked off, since {_shown(entry.at)}"
        case "calling":
            failed = f", last answer: {entry.error}" if entry.error else ""
            return f"{entry.name} is being asked outside, try {entry.tries} from {_shown(entry.due_at)}{failed}"
        case "sending":
            return f"{entry.name} has not left yet, since {_shown(entry.at)}"
        case "timer":
            return f"timer {entry.name} of {entry.key} is due at {_shown(entry.at)}"


def _shown(at: datetime | None) -> str:
    assert at is not None
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
