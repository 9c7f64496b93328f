"""Every request: its ids, its story, its health, and what is answered when something breaks."""

import json
import logging
import re
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
import structlog
from chassis.context import Context
from chassis.decider import Refused
from chassis.http import (
    CONFLICT,
    NOT_FOUND,
    Answer,
    Caller,
    Health,
    Problem,
    Router,
    anyone,
    create_app,
    current_service,
    problem_type,
    request_context,
)
from chassis.http.middleware import Entry
from chassis.idempotency import KeyInFlight, KeyReused
from chassis.metrics import REGISTRY
from chassis.writing import Conflict
from fastapi import Depends
from fastapi.responses import StreamingResponse

SOLD_OUT = problem_type("test-sold-out", 409, "Sold out", when="None is left.", client="Come back.")
EMPTY = problem_type("test-card-declined", 402, "Declined", when="The card was declined.", client="Use another.")

ERRORS: dict[str, Exception] = {
    "problem": Problem(NOT_FOUND, "No such kettle.", headers={"Retry-After": "7"}),
    "refused": Refused("test-sold-out", "Only 3 are left.", available=3),
    "refused-elsewise": Refused("test-card-declined", "The card was declined."),
    "unregistered": Refused("test-nobody-knows", "No."),
    "members": Refused("test-sold-out", "No.", errors=["a"], headers=1, kind=2),
    "reused": KeyReused(),
    "in-flight": KeyInFlight(),
    "lost": Conflict("stream order-1"),
    "bug": RuntimeError("the secret recipe"),
    "away": ConnectionRefusedError("5432"),
    "away-in-a-query": sa.exc.DBAPIError("select", {}, Exception()),
    "disk-full": asyncpg.DiskFullError("could not extend file"),
    "too-big": asyncpg.NumericValueOutOfRangeError("integer out of range"),
}
ERRORS["away-in-a-query"].__cause__ = asyncpg.ConnectionDoesNotExistError("gone")


class Story(Answer):
    request_id: str
    correlationid: str
    causationid: str
    traceparent: str | None
    logged: dict[str, str]


router = Router(prefix="/api/v1")


@router.get("/story", operation_id="story", summary="Story")
async def story(context: Context = Depends(request_context), caller: Caller = Depends(anyone)) -> Story:
    return Story(
        request_id=context.request_id,
        correlationid=context.correlationid,
        causationid=context.causationid,
        traceparent=context.traceparent,
        logged=structlog.contextvars.get_contextvars(),
    )


@router.get("/errors/{name}", operation_id="fail", summary="Fail")
async def fail(name: str, caller: Caller = Depends(anyone)) -> int:
    raise ERRORS[name]


@router.get("/service", operation_id="service", summary="Service")
async def which(service: str = Depends(current_service), caller: Caller = Depends(anyone)) -> str:
    return service


@router.get("/half", operation_id="half", summary="Half")
async def half(caller: Caller = Depends(anyone)) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("torn")

    return StreamingResponse(parts())


class Nobody:
    """Authentication where no one has logged in."""

    async def caller(self, bearer: str | None, cart_token: str | None) -> Caller:
        return Caller()


class Checks:
    """A service's health, as a test wants it."""

    health = Health(True)

    async def __call__(self) -> Health:
        return self.health


checks = Checks()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    state = {"authentication": Nobody(), "service": "the kettle service"}
    app = create_app("kettle", [router], state=state, ready=checks)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_request_gets_an_id_a_trace_and_its_time(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/story")
    said = answer.json()
    assert re.fullmatch(r"[0-9a-f]{32}", said["request_id"])
    assert answer.headers["x-request-id"] == said["request_id"] == said["correlationid"] == said["causationid"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", said["traceparent"])
    assert answer.headers["traceparent"] == said["traceparent"]
    assert re.fullmatch(r"kettle;dur=\d+\.\d\d", answer.headers["server-timing"])


async def test_ids_that_came_with_the_request_are_taken(client: httpx.AsyncClient) -> None:
    headers = {"X-Request-ID": "mobile-7f.1", "X-Correlation-ID": "checkout-1", "traceparent": TRACE}
    answer = await client.get("/api/v1/story", headers=headers)
    said = answer.json()
    assert (said["request_id"], said["correlationid"], said["causationid"]) == (
        "mobile-7f.1",
        "checkout-1",
        "mobile-7f.1",
    )
    assert said["traceparent"] == TRACE
    assert answer.headers["x-request-id"] == "mobile-7f.1"


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, "<script>", "é"])
async def test_ids_that_could_break_a_log_or_a_header_are_replaced(client: httpx.AsyncClient, bad: str) -> None:
    headers = {name: bad.encode() for name in (b"X-Request-ID", b"traceparent", b"X-Correlation-ID")}
    said = (await client.get("/api/v1/story", headers=headers)).json()
    assert re.fullmatch(r"[0-9a-f]{32}", said["request_id"])
    assert said["correlationid"] == said["request_id"]


async def test_log_lines_of_a_request_carry_its_ids_and_no_longer_than_it_lasts(client: httpx.AsyncClient) -> None:
    said = (await client.get("/api/v1/story", headers={"X-Request-ID": "r-1"})).json()
    ids = {"request_id": "r-1", "correlationid": "r-1", "causationid": "r-1"}
    assert said["logged"] == {"service": "kettle", **ids}
    assert structlog.contextvars.get_contextvars() == {}


@pytest.mark.parametrize(
    ("name", "status", "type_"),
    [
        ("problem", 404, "not-found"),
        ("refused", 409, "test-sold-out"),
        ("refused-elsewise", 402, "test-card-declined"),
        ("unregistered", 409, "test-nobody-knows"),
        ("members", 409, "test-sold-out"),
        ("reused", 422, "idempotency-key-reused"),
        ("in-flight", 409, "idempotency-in-flight"),
        ("lost", 409, "conflict"),
        ("bug", 500, "internal"),
        ("away", 503, "service-unavailable"),
        ("away-in-a-query", 503, "service-unavailable"),
        ("disk-full", 503, "service-unavailable"),
        ("too-big", 422, "validation"),
    ],
)
async def test_whatever_a_route_raises_is_answered_by_a_problem(
    client: httpx.AsyncClient, name: str, status: int, type_: str
) -> None:
    answer = await client.get(f"/api/v1/errors/{name}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"/problems/{type_}"
    assert document["instance"] == f"/api/v1/errors/{name}"
    assert document["request_id"] == answer.headers["x-request-id"]


async def test_a_refusal_shows_its_words_and_members(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/v1/errors/refused")).json()
    assert (document["title"], document["detail"], document["available"]) == ("Sold out", "Only 3 are left.", 3)


async def test_a_problem_sends_its_headers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/errors/problem")).headers["retry-after"] == "7"
    assert (await client.get("/api/v1/errors/in-flight")).headers["retry-after"] == "1"


async def test_a_mistake_in_the_code_is_logged_and_never_shown(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await client.get("/api/v1/errors/bug")
    assert "secret recipe" not in answer.text
    assert "Traceback" not in answer.text
    assert "secret recipe" in caplog.text


async def test_an_answer_that_breaks_off_is_not_made_to_look_whole(client: httpx.AsyncClient) -> None:
    with pytest.raises(RuntimeError, match="torn"):
        await client.get("/api/v1/half")


async def test_a_process_lives_and_says_whether_it_is_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}
    checks.health = Health(True)
    assert (await client.get("/health/ready")).json() == {"status": "ready", "degraded": []}


async def test_what_others_lack_degrades_and_only_what_the_process_lacks_makes_it_unready(
    client: httpx.AsyncClient,
) -> None:
    checks.health = Health(True, ("broker", "identity"))
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "degraded", "degraded": ["broker", "identity"]})
    checks.health = Health(False, reason="the database cannot be reached")
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", "degraded": [], "reason": "the database cannot be reached"}


async def test_a_route_gets_its_service(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/service")).json() == "the kettle service"


async def test_answers_are_counted_and_timed_by_operation(client: httpx.AsyncClient) -> None:
    labels = {"service": "kettle", "operation": "story", "status": "200"}
    before = REGISTRY.get_sample_value("soko_http_seconds_count", labels) or 0
    await client.get("/api/v1/story")
    assert REGISTRY.get_sample_value("soko_http_seconds_count", labels) == before + 1


async def test_an_answer_is_one_log_line_without_path_or_query(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = await client.get("/health/live?secret=1")
    (line,) = [record for record in caplog.records if record.message == "answered"]
    assert (vars(line)["method"], vars(line)["status"]) == ("GET", answer.status_code)
    assert "secret" not in str(vars(line))


async def test_an_app_behind_another_takes_its_ids_and_adds_its_time() -> None:
    inner = create_app("kettle", [router], state={"authentication": Nobody()})
    outer = Entry(inner, "gateway")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=outer), base_url="http://test") as client:
        answer = await client.get("/api/v1/story")
    assert answer.headers.get_list("x-request-id") == [answer.json()["request_id"]]
    assert answer.headers.get_list("traceparent") == [answer.json()["traceparent"]]
    inner_time, outer_time = answer.headers.get_list("server-timing")
    assert inner_time.startswith("kettle;dur=")
    assert outer_time.startswith("gateway;dur=")


def test_problems_are_what_their_documents_say() -> None:
    document = json.loads(Problem(CONFLICT).document(instance="/", request_id=None))
    assert document["detail"] == CONFLICT.when
