"""What a router asks of its routes, and what its routes ask of requests."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Any

import httpx
import pytest
from chassis.http import (
    Answer,
    Body,
    Caller,
    Moment,
    Money,
    OpenQuery,
    Paging,
    Router,
    anyone,
    body_limit,
    create_app,
    paging,
    right,
    signed_in,
)
from chassis.http.testing import Operation, walk
from fastapi import Depends, Query, Request
from pydantic import Field


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Address(Body):
    city: str = Field(min_length=1)
    country: str


class Place(Body):
    name: str
    address: Address
    colours: tuple[Colour, ...] = ()
    quantity: int = Field(1, ge=1, le=10)
    at: Moment | None = None
    price: Money | None = None


class Placed(Answer):
    name: str


router = Router(prefix="/api/v1", tags=["Places"])


@router.post("/places", operation_id="place", summary="Place", status_code=201)
async def place(body: Place, caller: Caller = Depends(anyone)) -> Placed:
    return Placed(name=body.name)


@router.get("/places", operation_id="list_places", summary="List")
async def places(
    caller: Caller = Depends(anyone),
    colour: Annotated[list[Colour] | None, Query()] = None,
    search: str = "",
    attributes: dict[str, list[str]] = Depends(OpenQuery("attributes.")),
) -> dict[str, Any]:
    return {"colour": colour, "search": search, "attributes": attributes}


@router.get("/places/featured", operation_id="featured", summary="Featured")
async def featured(caller: Caller = Depends(anyone)) -> Placed:
    return Placed(name="featured")


@router.get("/places/{id}", operation_id="get_place", summary="Get")
async def get(id: str, caller: Caller = Depends(anyone)) -> Placed:  # noqa: A002 - the path's word
    return Placed(name=id)


@router.get("/secrets", operation_id="list_secrets", summary="List")
async def secrets(page: Paging = Depends(paging()), caller: Caller = Depends(signed_in)) -> Placed:
    return Placed(name="secret")


@router.delete("/places/{id}", operation_id="remove_place", summary="Remove", status_code=204)
async def remove(id: str, caller: Caller = Depends(right("catalog:write"))) -> None:  # noqa: A002
    return None


@router.post("/pictures", operation_id="upload", summary="Upload", openapi_extra=body_limit(2_000_000))
async def upload(request: Request, caller: Caller = Depends(anyone)) -> int:
    return sum([len(chunk) async for chunk in request.stream()])


@router.post("/raw", operation_id="raw", summary="Raw")
async def raw(request: Request, caller: Caller = Depends(anyone)) -> int:
    return len(await request.body())


class Nobody:
    """Authentication where no one has logged in."""

    async def caller(self, bearer: str | None, cart_token: str | None) -> Caller:
        return Caller()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("places", [router], state={"authentication": Nobody()})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


GOOD = {"name": "Kiosk", "address": {"city": "Nairobi", "country": "KE"}}
JSON = {"content-type": "application/json"}


def errors(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [(error["pointer"], error["detail"]) for error in answer.json()["errors"]]


async def test_a_good_request_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/places", json=GOOD)
    assert (answer.status_code, answer.json()) == (201, {"name": "Kiosk"})


async def test_every_broken_field_is_named_with_its_rule(client: httpx.AsyncClient) -> None:
    body = {"address": {"city": "", "county": "x"}, "colours": ["red", "green"], "quantity": 11, "extra/field": 1}
    answer = await client.post("/api/v1/places", json=body)
    assert answer.status_code == 422
    assert sorted(errors(answer)) == [
        ("/address/city", "must have at least 1 character"),
        ("/address/country", "is required"),
        ("/address/county", "is not a known field"),
        ("/colours/1", "must be 'red' or 'blue'"),
        ("/extra~1field", "is not a known field"),
        ("/name", "is required"),
        ("/quantity", "must be less than or equal to 10"),
    ]


@pytest.mark.parametrize("price", [{"amount": 12.5, "currency": "KES"}, {"amount": "12,50", "currency": "KES"}])
async def test_money_that_is_no_decimal_text_is_named(client: httpx.AsyncClient, price: object) -> None:
    answer = await client.post("/api/v1/places", json={**GOOD, "price": price})
    assert [pointer for pointer, _ in errors(answer)] == ["/price/amount"]


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "yesterday"])
async def test_a_time_needs_an_offset_and_a_place_in_the_calendar(client: httpx.AsyncClient, at: str) -> None:
    answer = await client.post("/api/v1/places", json={**GOOD, "at": at})
    assert [pointer for pointer, _ in errors(answer)] == ["/at"]


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"name": NaN}', b'{"name": "\xff"}', b'{"name": "\\ud800"}', b"[" * 100_000, b"{'name': 1}", b" "],
)
async def test_broken_json_is_a_problem(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post("/api/v1/places", content=content, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-request")


@pytest.mark.parametrize("content", [b"null", b"[]", b'"x"', b"1", b""])
async def test_json_that_is_no_object_is_invalid(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post("/api/v1/places", content=content, headers=JSON)
    assert answer.status_code == 422
    assert errors(answer)[0][0] == ""


async def test_a_character_that_postgresql_cannot_keep_is_refused_where_it_stands(client: httpx.AsyncClient) -> None:
    body = {"name": "\\u0000 in letters", "address": {"city": "Nai\0robi", "country": "KE"}}
    answer = await client.post("/api/v1/places", json=body)
    assert [pointer for pointer, _ in errors(answer)] == ["/address/city"]
    assert (await client.post("/api/v1/places", json={**GOOD, "name": "\\u0000 in letters"})).status_code == 201
    assert (await client.get("/api/v1/places?search=%00")).status_code == 422
    assert (await client.get("/api/v1/places/a%00b")).status_code == 404


@pytest.mark.parametrize("type_", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_a_body_that_does_not_say_it_is_json_is_refused(client: httpx.AsyncClient, type_: str | None) -> None:
    headers = {"content-type": type_} if type_ else {}
    answer = await client.post("/api/v1/places", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")


@pytest.mark.parametrize(
    "type_", ["application/json; charset=utf-8", "application/merge-patch+json", "APPLICATION/JSON"]
)
async def test_json_may_be_called_by_its_other_names(client: httpx.AsyncClient, type_: str) -> None:
    answer = await client.post("/api/v1/places", content=b'{"name": 1}', headers={"content-type": type_})
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["/api/v1/places", "/api/v1/raw"])
async def test_a_body_above_the_limit_is_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, content=b" " * (1024 * 1024 + 1), headers=JSON)
    assert (answer.status_code, answer.json()["limit"]) == (413, 1024 * 1024)


async def test_a_body_is_counted_when_its_length_is_not_said(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    answer = await client.post("/api/v1/raw", content=endless())
    assert answer.status_code == 413


async def test_a_route_may_take_more(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/pictures", content=b"x" * 1_500_000)).json() == 1_500_000
    assert (await client.post("/api/v1/pictures", content=b"x" * 2_000_001)).status_code == 413


async def test_an_unknown_query_parameter_is_refused_on_every_route(client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/api/v1/places?colr=red"), await client.post("/api/v1/places?dry=1", json=GOOD)):
        assert answer.status_code == 422
        assert errors(answer)[0][1] == "is not a known parameter"


async def test_who_may_not_ask_is_not_told_what_is_wrong_with_the_question(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/secrets?page=1&limit=1")).status_code == 401


async def test_a_filter_may_be_repeated_and_a_single_value_may_not(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/places?colour=red&colour=blue&attributes.size=L&attributes.size=M")
    assert answer.json() == {"colour": ["red", "blue"], "search": "", "attributes": {"size": ["L", "M"]}}
    assert errors(await client.get("/api/v1/places?search=a&search=b")) == [("/query/search", "must be given once")]


@pytest.mark.parametrize("path", ["/api/v1/places/", "/api/v1/places//", "/api/v1/places/?search="])
async def test_a_trailing_slash_means_the_same(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


async def test_the_first_declared_of_two_routes_that_match_answers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/places/featured")).json() == {"name": "featured"}
    assert (await client.get("/api/v1/places/other")).json() == {"name": "other"}


async def test_a_method_that_is_not_there_is_told_which_are(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/api/v1/places/1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")
    assert answer.json()["type"] == "/problems/method-not-allowed"


async def test_a_path_that_is_written_out_is_no_other_routes_parameter(client: httpx.AsyncClient) -> None:
    for method in ("DELETE", "PATCH", "OPTIONS"):
        answer = await client.request(method, "/api/v1/places/featured")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_head_is_answered_like_get(client: httpx.AsyncClient) -> None:
    assert (await client.head("/api/v1/places/1")).status_code == 200


async def test_a_path_that_is_not_there_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v2/places")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_a_route_without_an_access_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="GET /things declares no accesses"):

        @Router().get("/things", operation_id="things", summary="Things")
        async def things() -> int:
            return 1


def test_a_route_with_two_accesses_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="GET /things declares 2 accesses"):

        @Router(dependencies=[Depends(signed_in)]).get("/things", operation_id="things", summary="Things")
        async def things(caller: Caller = Depends(anyone)) -> int:
            return 1


def test_a_route_needs_an_id_and_a_summary() -> None:
    async def things(caller: Caller = Depends(anyone)) -> int:
        return 1

    with pytest.raises(ValueError, match="no operation_id"):
        Router().get("/things", summary="Things")(things)
    with pytest.raises(ValueError, match="no summary"):
        Router().get("/things", operation_id="things")(things)


def test_a_route_and_its_dependencies_are_async() -> None:
    def things(caller: Caller = Depends(anyone)) -> int:
        return 1

    with pytest.raises(ValueError, match="must be async"):
        Router().get("/things", operation_id="things", summary="Things")(things)


def test_two_operations_of_an_app_cannot_have_one_id() -> None:
    with pytest.raises(ValueError, match="operation ids that stand twice: place"):
        create_app("places", [router, router], state={})


def test_an_unknown_right_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="kettles:boil"):
        right("kettles:boil")


def test_a_walk_over_an_app_finds_every_operation_with_its_access() -> None:
    found = list(walk(create_app("places", [router], state={})))
    assert Operation("POST", "/api/v1/places", "place", "anyone") in found
    assert Operation("DELETE", "/api/v1/places/{id}", "remove_place", "catalog:write") in found
    assert len(found) == len(router.routes)
