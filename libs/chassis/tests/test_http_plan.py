"""What a route depends on: in which order it is asked, what comes of wrong parameters, what a route may not have."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from chassis.http import Answer, Body, Caller, Router, anyone, create_app, signed_in
from fastapi import BackgroundTasks, Cookie, Depends, Form, Header, Query, Request, Response
from starlette.types import Message, Scope

asked: list[str] = []


class Wish(Body):
    name: str = "nothing"


class Told(Answer):
    name: str


async def first(page: Annotated[int, Query(ge=1)] = 1) -> int:
    asked.append("first")
    return page


async def second(response: Response, page: int = Depends(first)) -> str:
    asked.append("second")
    response.headers["X-Second"] = "yes"
    return f"second of {page}"


async def third(size: Annotated[int, Query(le=9)] = 5) -> int:
    asked.append("third")
    return size


router = Router(prefix="/api/v1")


@router.get("/asked/{number}", operation_id="ask", summary="Ask")
async def ask(
    number: int,
    response: Response,
    page: int = Depends(first),
    text: str = Depends(second),
    size: int = Depends(third),
    caller: Caller = Depends(anyone),
) -> dict[str, Any]:
    asked.append("route")
    response.status_code = 203
    return {"number": number, "page": page, "text": text, "size": size}


@router.post("/wishes", operation_id="wish", summary="Wish", status_code=201)
async def wish(body: Wish = Wish(name="the usual"), caller: Caller = Depends(anyone)) -> Told:
    return Told(name=body.name)


@router.post("/secrets", operation_id="secret", summary="Secret", dependencies=[Depends(third)])
async def secret(body: Wish, caller: Caller = Depends(signed_in)) -> Told:
    return Told(name=body.name)


@router.get("/wrong", operation_id="wrong", summary="Wrong", response_model=Told)
async def wrong(caller: Caller = Depends(anyone)) -> Any:
    return {"title": "not what was declared"}


@router.get("/headers", operation_id="headers", summary="Headers")
async def headers(request: Request, caller: Caller = Depends(anyone)) -> list[Any]:
    got = request.headers
    return [got["X-One"], got.get("x-one"), got.getlist("X-ONE"), got.get("x-none"), "x-none" in got, "x-one" in got]


@router.delete("/wishes", operation_id="forget", summary="Forget", status_code=204)
async def forget(response: Response, caller: Caller = Depends(anyone)) -> None:
    response.headers["X-Forgotten"] = "yes"


class Nobody:
    """Authentication where no one has logged in."""

    async def caller(self, bearer: str | None, cart_token: str | None) -> Caller:
        return Caller()


APP = create_app("plans", [router], state={"authentication": Nobody()})


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    asked.clear()
    transport = httpx.ASGITransport(app=APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_what_several_need_is_asked_for_once_and_before_them(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/asked/7?page=3")
    assert answer.json() == {"number": 7, "page": 3, "text": "second of 3", "size": 5}
    assert asked == ["first", "second", "third", "route"]


async def test_an_answer_has_the_status_and_the_headers_that_were_set_on_the_way(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/asked/7")
    assert (answer.status_code, answer.headers["x-second"]) == (203, "yes")
    assert answer.headers["content-length"] == str(len(answer.content))
    gone = await client.delete("/api/v1/wishes")
    assert (gone.status_code, gone.headers["x-forgotten"], gone.content) == (204, "yes", b"")
    assert "content-length" not in gone.headers


async def test_all_wrong_parameters_are_named_and_nobody_is_asked_who_needs_one(client: httpx.AsyncClient) -> None:
    assert pointers(await client.get("/api/v1/asked/seven?page=0&size=10")) == [
        "/query/page",
        "/query/size",
        "/path/number",
    ]
    assert asked == []
    assert pointers(await client.get("/api/v1/asked/7?page=0")) == ["/query/page"]
    assert asked == ["third"]


async def test_a_body_that_may_be_left_out(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/wishes")).json() == {"name": "the usual"}
    assert (await client.post("/api/v1/wishes", json={})).json() == {"name": "nothing"}
    assert (await client.post("/api/v1/wishes", json={"name": "tea"})).json() == {"name": "tea"}


async def test_who_may_not_ask_is_told_that_before_what_is_wrong_with_the_body(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/secrets?size=10", json={"nobody": 1})
    assert (answer.status_code, asked) == (401, [])


async def test_an_answer_that_is_not_as_declared_is_our_mistake(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/wrong")).status_code == 500


async def test_headers_are_found_whatever_their_case_the_first_of_several(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/headers", headers=[("X-One", "a"), ("x-one", "b")])
    assert answer.json() == ["a", "a", ["a", "b"], None, False, True]


async def test_a_path_that_was_answered_before_still_knows_its_methods(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await client.post("/api/v1/wishes")).status_code == 201
        assert (await client.delete("/api/v1/wishes")).status_code == 204
        refused = await client.get("/api/v1/wishes")
        assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, POST")


async def test_a_body_that_breaks_off_is_malformed() -> None:
    pieces: list[Message] = [
        {"type": "http.request", "body": b'{"name": ', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return pieces.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope: Scope = {"type": "http", "method": "POST", "path": "/api/v1/wishes", "query_string": b"", "headers": headers}
    await APP(scope, receive, send)
    assert sent[0]["status"] == 400


def declare(function: Any, **options: Any) -> None:
    Router().post("/things", operation_id="things", summary="Things", **options)(function)


def test_a_route_cannot_ask_for_what_nobody_hands_over() -> None:
    async def later(tasks: BackgroundTasks, caller: Caller = Depends(anyone)) -> int:
        return 1

    async def form(name: Annotated[str, Form()], caller: Caller = Depends(anyone)) -> int:
        return 1

    async def cookie(name: Annotated[str, Cookie()], caller: Caller = Depends(anyone)) -> int:
        return 1

    async def header(name: Annotated[str, Header()], caller: Caller = Depends(anyone)) -> int:
        return 1

    async def two(one: Wish, other: Wish, caller: Caller = Depends(anyone)) -> int:
        return 1

    async def again(page: int = Depends(first, use_cache=False), caller: Caller = Depends(anyone)) -> int:
        return 1

    async def opened() -> AsyncIterator[int]:
        yield 1

    async def closes(one: int = Depends(opened), caller: Caller = Depends(anyone)) -> int:
        return one

    for function in (later, form, cookie, header, two, again, closes):
        with pytest.raises(ValueError, match=r"/things( has what no route here can have|: .* must be async)"):
            declare(function)
    with pytest.raises(ValueError, match="/things"):
        declare(wish, response_model_exclude_none=True)
    with pytest.raises(ValueError, match="/things"):
        declare(forget, status_code=200)
