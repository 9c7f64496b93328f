"""The document that clients read."""

from typing import Any

import pytest
from chassis.http import (
    CONFLICT,
    Answer,
    Body,
    Caller,
    Listing,
    Peer,
    Precondition,
    Router,
    Tags,
    anyone,
    cart_holder,
    create_app,
    guest_cart,
    idempotency,
    known,
    last_event_id,
    precondition,
    prefer_wait,
    problem_type,
    problems,
    right,
    service_only,
    signed_in,
    tagging,
)
from chassis.once import Once
from fastapi import Depends
from pydantic import ConfigDict

SOLD_OUT = problem_type("test-openapi-sold-out", 409, "Sold out", when="None is left.", client="Come back.")


class Kettle(Body):
    name: str


class KettleAnswer(Answer):
    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "jiko"}]})

    id: str


router = Router(prefix="/api/v1", tags=["Kettles"])


@router.post(
    "/kettles",
    operation_id="boil",
    summary="Boil",
    status_code=201,
    responses=problems(SOLD_OUT, CONFLICT),
)
async def boil(
    body: Kettle,
    caller: Caller = Depends(cart_holder),
    once: Once = Depends(idempotency(required=True)),
    prefer: float = Depends(prefer_wait),
) -> KettleAnswer:
    return KettleAnswer(id=body.name)


@router.get("/kettles/{id}", operation_id="see", summary="See")
async def see(
    id: str,  # noqa: A002
    caller: Caller = Depends(right("orders:read")),
    tags: Tags = Depends(tagging),
) -> KettleAnswer:
    return KettleAnswer(id=id)


@router.get("/kettles", operation_id="list_kettles", summary="List")
async def everything(caller: Caller = Depends(anyone)) -> Listing[KettleAnswer]:
    return Listing(items=[], total=0, next=None, previous=None)


@router.patch("/kettles/{id}", operation_id="change", summary="Change", responses=problems(CONFLICT))
async def change(
    id: str,  # noqa: A002
    body: Kettle,
    caller: Caller = Depends(signed_in),
    before: Precondition = Depends(precondition),
    tags: Tags = Depends(tagging),
) -> KettleAnswer:
    return KettleAnswer(id=id)


@router.get("/boiling", operation_id="follow", summary="Follow", response_model=KettleAnswer)
async def follow(seen: int | None = Depends(last_event_id), caller: Caller = Depends(known)) -> Any:
    return KettleAnswer(id="jiko")


@router.post("/kettles/merge", operation_id="merge", summary="Merge", status_code=204, response_model=None)
async def merge(guest: str = Depends(guest_cart), caller: Caller = Depends(signed_in)) -> None:
    return None


internal = Router(prefix="/internal/v1")


@internal.get("/kettles", operation_id="internal_kettles", summary="For services")
async def for_services(peer: Peer = Depends(service_only)) -> int:
    return 1


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app("kettle", [router, internal], state={}).openapi()


def test_every_operation_says_who_may(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert paths["/api/v1/kettles"]["post"]["security"] == [{}, {"bearer": []}, {"cartToken": []}]
    assert paths["/api/v1/kettles"]["get"]["security"] == [{}, {"bearer": []}]
    assert paths["/api/v1/kettles/{id}"]["get"]["security"] == [{"bearer": []}]
    assert paths["/api/v1/kettles/{id}"]["get"]["x-access"] == "orders:read"
    assert set(document["components"]["securitySchemes"]) == {"bearer", "cartToken"}


def test_every_operation_has_its_own_problems_and_those_all_share(document: dict[str, Any]) -> None:
    boil, see = document["paths"]["/api/v1/kettles"]["post"], document["paths"]["/api/v1/kettles/{id}"]["get"]
    assert set(boil["responses"]) == {"201", "400", "401", "409", "413", "415", "422"}
    assert set(see["responses"]) == {"200", "304", "401", "403", "404", "422"}
    conflicts = boil["responses"]["409"]["content"]["application/problem+json"]
    assert set(conflicts["examples"]) == {"conflict", "idempotency-in-flight", "test-openapi-sold-out"}
    assert conflicts["schema"] == {"$ref": "#/components/schemas/Problem"}
    bad = boil["responses"]["400"]["content"]["application/problem+json"]
    assert set(bad["examples"]) == {"malformed-request", "idempotency-key-required"}


def test_problems_are_described_once_and_the_frameworks_are_gone(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "Problem" in schemas
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    assert "HTTPValidationError" not in str(document["paths"])


def test_headers_that_a_route_reads_are_told(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/v1/kettles"]["post"]["parameters"]
    assert {each["name"]: each["required"] for each in parameters} == {"Idempotency-Key": True, "Prefer": False}


def test_what_services_ask_each_other_is_not_told(document: dict[str, Any]) -> None:
    assert not [path for path in document["paths"] if path.startswith("/internal")]


def test_whoever_changes_a_version_may_name_it(document: dict[str, Any]) -> None:
    change = document["paths"]["/api/v1/kettles/{id}"]["patch"]
    assert {each["name"] for each in change["parameters"]} == {"id", "If-Match"}
    assert {"412", "200"} <= set(change["responses"])
    assert sent(change, "200") == {"ETag"}


def test_whoever_has_a_version_need_not_get_it_again(document: dict[str, Any]) -> None:
    see = document["paths"]["/api/v1/kettles/{id}"]["get"]
    assert {each["name"] for each in see["parameters"]} == {"id", "If-None-Match"}
    assert "content" not in see["responses"]["304"]
    assert (sent(see, "200"), sent(see, "304")) == ({"ETag"}, {"ETag"})


def test_a_stream_is_told_beside_what_is_read_once(document: dict[str, Any]) -> None:
    follow = document["paths"]["/api/v1/boiling"]["get"]
    assert set(follow["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert {each["name"] for each in follow["parameters"]} == {"Last-Event-ID"}
    assert follow["security"] == [{"bearer": []}, {"cartToken": []}]


def test_a_route_about_a_guests_cart_asks_for_its_token(document: dict[str, Any]) -> None:
    (token,) = document["paths"]["/api/v1/kettles/merge"]["post"]["parameters"]
    assert (token["name"], token["required"]) == ("X-Cart-Token", True)


def test_headers_that_come_with_an_answer_are_told(document: dict[str, Any]) -> None:
    boil = document["paths"]["/api/v1/kettles"]["post"]
    assert sent(boil, "201") == {"Idempotency-Replayed"}
    assert sent(boil, "401") == {"WWW-Authenticate"}
    assert sent(boil, "409") == {"Retry-After"}


def sent(operation: dict[str, Any], status: str) -> set[str]:
    return set(operation["responses"][status].get("headers", ()))


def test_a_list_shows_one_of_what_it_lists(document: dict[str, Any]) -> None:
    shown = document["components"]["schemas"]["Listing_KettleAnswer_"]["examples"]
    assert shown == [{"items": [{"id": "jiko"}], "total": 1, "next": None, "previous": None}]


def test_every_operation_refuses_parameters_it_does_not_know(document: dict[str, Any]) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert all("422" in operation["responses"] for operation in operations)


def test_what_only_a_person_may_do_can_be_forbidden(document: dict[str, Any]) -> None:
    assert "403" in document["paths"]["/api/v1/kettles/{id}"]["patch"]["responses"]
