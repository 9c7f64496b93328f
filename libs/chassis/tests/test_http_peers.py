"""Services ask each other, in one process."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chassis.context import Context
from chassis.fixtures import Clock
from chassis.http import VALIDATION, Answer, Caller, PeerAnswer, Peers, Problem, ServiceTokens, invalid
from chassis.http.middleware import Entry
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CONTEXT = Context("r-1", "story-1", "r-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


async def echo(request: Request) -> Response:
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": request.query_params.multi_items(),
            "headers": dict(request.headers),
            "body": (await request.body()).decode(),
        },
        headers={"ETag": '"1"'},
    )


async def streamed(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"one ", b"two ", b"three"):
            yield part

    return StreamingResponse(parts(), 201)


async def answers(request: Request) -> Response:
    status = int(request.path_params["status"])
    body = {"service": "payment"} if "named" in request.query_params else {}
    return JSONResponse(body, status)


async def never(request: Request) -> Response:
    await asyncio.get_running_loop().create_future()
    return Response()


async def wrong(request: Request) -> Response:
    raise RuntimeError("a mistake")


CATALOG = Entry(
    Starlette(
        routes=[
            Route("/answers/{status}", answers),
            Route("/never", never),
            Route("/wrong", wrong),
            Route("/streamed", streamed),
            Route("/{rest:path}", echo, methods=["GET", "POST", "PUT"]),
        ]
    ),
    "catalog",
)


class Line(Answer):
    sku: str


@pytest.fixture
def peers(clock: Clock) -> Peers:
    return Peers({"catalog": CATALOG}).asking_as(ServiceTokens("cart", "shared", clock))


async def test_a_question_arrives_with_its_path_and_query(peers: Peers) -> None:
    answer = await peers.get("catalog", "/internal/v1/variants/a%2Fb%20c?sku=A&sku=B%26C")
    assert (answer.status, answer.ok, answer.headers["etag"]) == (200, True, '"1"')
    asked = answer.json()
    assert asked["method"] == "GET"
    assert asked["path"] == "/internal/v1/variants/a/b c"
    assert asked["query"] == [["sku", "A"], ["sku", "B&C"]]
    assert asked["body"] == ""


async def test_a_body_is_sent_as_json(peers: Peers) -> None:
    asked = (await peers.post("catalog", "/close", {"lines": [Line(sku="KET-1")], "version": 3})).json()
    assert asked["body"] == '{"lines":[{"sku":"KET-1"}],"version":3}'
    assert asked["headers"]["content-type"] == "application/json"
    assert (await peers.request("PUT", "catalog", "/close")).json()["method"] == "PUT"


async def test_the_caller_the_request_and_the_asking_service_are_passed_on(peers: Peers, clock: Clock) -> None:
    caller = Caller(user_id="u-1", bearer="the-token", cart_token="the-cart")
    answer = await peers.get("catalog", "/x", caller=caller, context=CONTEXT, headers={"Idempotency-Key": "k"})
    sent: dict[str, Any] = answer.json()["headers"]
    assert sent["authorization"] == "Bearer the-token"
    assert sent["x-cart-token"] == "the-cart"
    assert sent["x-request-id"] == "r-1"
    assert sent["x-correlation-id"] == "story-1"
    assert sent["traceparent"] == CONTEXT.traceparent
    assert sent["idempotency-key"] == "k"
    assert ServiceTokens("catalog", "shared", clock).verify(sent["x-service-token"]) == "cart"


async def test_nothing_is_passed_on_that_was_not_there(peers: Peers) -> None:
    sent = (await peers.get("catalog", "/x", caller=Caller())).json()["headers"]
    assert not {"authorization", "x-cart-token", "x-correlation-id"} & set(sent)


async def test_an_answer_in_parts_is_put_together(peers: Peers) -> None:
    answer = await peers.get("catalog", "/streamed")
    assert (answer.status, answer.body) == (201, b"one two three")


async def test_a_no_is_an_answer(peers: Peers) -> None:
    answer = await peers.get("catalog", "/answers/404")
    assert (answer.status, answer.ok) == (404, False)


def answered(status: int, body: Any, **headers: str) -> PeerAnswer:
    return PeerAnswer(status, headers, json.dumps(body).encode())


def test_a_no_of_another_service_can_be_passed_on_as_it_is() -> None:
    document = {
        **json.loads(invalid("/phone", "is required").document(instance="/internal/v1/x", request_id="r-0")),
        "attempts": 5,
    }
    problem = answered(422, document, **{"retry-after": "3"}).problem(order="o-1")
    assert problem.kind is VALIDATION
    assert problem.errors == (("/phone", "is required"),)
    assert problem.extra == {"attempts": 5, "order": "o-1"}
    assert problem.headers == {"retry-after": "3"}
    assert json.loads(problem.document(instance="/api/v1/y", request_id="r-1"))["instance"] == "/api/v1/y"


@pytest.mark.parametrize("body", [{"type": "/problems/known-elsewhere", "title": "Elsewhere"}, {}, [], "no", None])
def test_a_no_in_unknown_words_keeps_its_status(body: Any) -> None:
    assert answered(409, body).problem().kind.status == 409


async def ask_in_vain(peers: Peers, name: str, path: str) -> Problem:
    with pytest.raises(Problem) as raised:
        await peers.get(name, path)
    return raised.value


async def test_a_service_that_is_not_there_is_named(peers: Peers) -> None:
    problem = await ask_in_vain(peers, "order", "/")
    assert (problem.kind.status, problem.extra) == (503, {"service": "order"})
    assert problem.headers == {"Retry-After": "1"}


@pytest.mark.parametrize("path", ["/answers/500", "/answers/502", "/answers/503", "/wrong"])
async def test_a_service_that_fails_is_named(peers: Peers, path: str) -> None:
    problem = await ask_in_vain(peers, "catalog", path)
    assert (problem.kind.status, problem.extra) == (503, {"service": "catalog"})


async def test_what_a_service_says_it_lacks_is_named_in_its_place(peers: Peers) -> None:
    assert (await ask_in_vain(peers, "catalog", "/answers/503?named")).extra == {"service": "payment"}
    problem = await ask_in_vain(peers, "catalog", "/answers/504?named")
    assert (problem.kind.status, problem.extra) == (504, {"service": "payment"})


async def test_a_service_that_is_silent_is_not_waited_for_forever(clock: Clock) -> None:
    problem = await ask_in_vain(Peers({"catalog": CATALOG}, within=0.05), "catalog", "/never")
    assert (problem.kind.status, problem.extra) == (504, {"service": "catalog"})


async def test_services_that_join_later_are_found() -> None:
    apps: dict[str, Any] = {}
    peers = Peers(apps)
    apps["catalog"] = CATALOG
    assert (await peers.get("catalog", "/x")).ok
