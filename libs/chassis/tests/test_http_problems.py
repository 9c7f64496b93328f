"""Problem documents and their registry."""

import json

import pytest
from chassis.http import CONFLICT, NOT_FOUND, PROBLEMS, VALIDATION, Problem, invalid, problem_type, problems
from chassis.http.problems import exported, pointer


def test_every_problem_says_when_it_comes_and_what_the_client_does() -> None:
    for slug, kind in PROBLEMS.items():
        assert slug == kind.slug == slug.lower()
        assert 400 <= kind.status < 600
        assert kind.when.endswith(".")
        assert kind.client.endswith(".")


def test_the_same_problem_may_be_registered_twice_and_another_under_its_name_may_not() -> None:
    again = problem_type(CONFLICT.slug, 409, CONFLICT.title, when=CONFLICT.when, client=CONFLICT.client)
    assert again is CONFLICT
    with pytest.raises(ValueError, match="two different problems are called conflict"):
        problem_type("conflict", 409, "Conflict", when="Otherwise.", client="Nothing.")
    assert PROBLEMS["conflict"] is CONFLICT


def test_the_registry_can_be_shown_as_data() -> None:
    shown = {kind["slug"]: kind for kind in exported()}
    assert shown["not-found"] == {
        "type": "/problems/not-found",
        "slug": "not-found",
        "status": 404,
        "title": "Not found",
        "when": NOT_FOUND.when,
        "client": NOT_FOUND.client,
        "headers": (),
    }
    assert list(shown) == sorted(PROBLEMS)


def test_a_document_names_its_type_the_place_the_request_and_what_is_known_besides() -> None:
    problem = Problem(CONFLICT, "Only 3 are left.", shortages=[{"sku": "KET-1", "available": 3}])
    assert json.loads(problem.document(instance="/api/v1/orders", request_id="r-1")) == {
        "type": "/problems/conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "Only 3 are left.",
        "instance": "/api/v1/orders",
        "request_id": "r-1",
        "shortages": [{"sku": "KET-1", "available": 3}],
    }


def test_members_of_the_standard_cannot_be_overwritten_by_further_ones() -> None:
    problem = Problem(CONFLICT, "No.", status=200, type="/problems/other")
    document = json.loads(problem.document(instance="/", request_id=None))
    assert (document["status"], document["type"]) == (409, "/problems/conflict")
    assert "request_id" not in document


def test_an_invalid_field_is_named_by_pointer_and_rule() -> None:
    problem = invalid("/shipping_address/city", "must not be empty")
    assert problem.kind is VALIDATION
    document = json.loads(problem.document(instance="/", request_id=None))
    assert document["errors"] == [{"pointer": "/shipping_address/city", "detail": "must not be empty"}]
    assert document["detail"] == "/shipping_address/city must not be empty."


def test_pointers_escape_slashes_and_tildes() -> None:
    assert pointer("attributes", "a/b~c", 0) == "/attributes/a~1b~0c/0"


def test_problems_of_one_status_stand_together_in_the_api_description() -> None:
    other = problem_type("test-out-of-kettles", 409, "No kettles", when="None is left.", client="Buy tea.")
    try:
        responses = problems(CONFLICT, other, NOT_FOUND)
    finally:
        del PROBLEMS[other.slug]
    assert set(responses) == {404, 409}
    content = responses[409]["content"]["application/problem+json"]
    assert set(content["examples"]) == {"conflict", "test-out-of-kettles"}
