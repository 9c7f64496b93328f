"""The OpenAPI document is whole: whoever reads it knows what to send, what comes back, and every way to be refused."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from chassis.http.problems import MEDIA_TYPE, PROBLEMS
from surface import JSON, UNGUARDED, Endpoint, document, may_be_null, not_null, public, resolved

OPEN_ENDED = ("Prefer", "If-Match", "If-None-Match")
"""Headers whose length only the server's limit on all of a request's headers bounds."""
LONGEST_UNBOUND = ("date-time", "uuid")
"""Formats that bound a text by themselves."""


def test_every_route_is_in_the_document_and_nothing_else_is() -> None:
    told = {f"{method.upper()} {path}" for path, item in document()["paths"].items() for method in item}
    assert told == {str(each) for each in public()}


def test_no_two_operations_share_an_id() -> None:
    counted = Counter(each.operation_id for each in public())
    assert [name for name, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("endpoint", public(), ids=str)
def test_an_operation_says_what_it_is_for_and_shows_what_goes_in_and_comes_out(endpoint: Endpoint) -> None:
    said, missing = endpoint.said, []
    if not said.get("operationId") or not said.get("summary") or not said.get("tags"):
        missing.append("an id, a summary or a tag")
    for content in said.get("requestBody", {}).get("content", {}).values():
        if not shown(content):
            missing.append("an example of its body")
    for status, response in endpoint.responses.items():
        for media_type, content in response.get("content", {}).items():
            if "schema" not in content:
                missing.append(f"what {media_type} holds at {status}")
            if media_type == JSON and status.startswith("2") and not shown(content):
                missing.append(f"an example of its {status}")
    assert missing == []


def shown(content: Mapping[str, Any]) -> bool:
    """Whether there is an example of it."""
    schema = not_null(content.get("schema", {}))
    return any(content.get(name) or schema.get(name) for name in ("example", "examples"))


@pytest.mark.parametrize("endpoint", public(), ids=str)
def test_an_operation_names_its_problems_and_each_is_in_the_registry(endpoint: Endpoint) -> None:
    wanted = {422, 429, 503, 504}
    if not endpoint.path.startswith(UNGUARDED):
        wanted |= {401}
    if any(each["name"] == "Idempotency-Key" for each in endpoint.those_in("header")):
        wanted |= {409}
    if endpoint.body is not None:
        wanted |= {400, 413} if "webhooks" in endpoint.path else {400, 413, 415}
    if ":" in endpoint.access:
        wanted |= {403}
    if endpoint.names:
        wanted |= {404}
    assert wanted <= endpoint.statuses
    for status, response in endpoint.responses.items():
        if int(status) >= 400:
            examples = response["content"][MEDIA_TYPE]["examples"]
            for slug, example in examples.items():
                assert PROBLEMS[slug].status == int(status)
                assert example["value"]["type"] == f"/problems/{slug}"


@pytest.mark.parametrize("endpoint", public(), ids=str)
def test_every_text_that_comes_in_has_an_end_and_no_object_takes_more_than_it_says(endpoint: Endpoint) -> None:
    open_ended: list[str] = []
    for parameter in endpoint.parameters:
        open_ended += unbound(parameter["schema"], parameter["name"])
    # What a provider writes is the provider's.
    if endpoint.body is not None and "webhooks" not in endpoint.path:
        open_ended += unbound(endpoint.body, "")
    # A path is bounded by what a server reads of a request's first line.
    paths = {each["name"] for each in endpoint.those_in("path")}
    assert [where for where in open_ended if where not in paths] == []


def unbound(schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """Where a client may send as much as a body holds."""
    schema = not_null(schema)
    for each in schema.get("anyOf", ()):
        yield from unbound(each, where)
    match schema.get("type"):
        case "string":
            ends = {"maxLength", "enum", "const"} & schema.keys() or schema.get("format") in LONGEST_UNBOUND
            if not ends and not bounded(schema.get("pattern", "")) and where not in OPEN_ENDED:
                yield where
        case "array":
            if "maxItems" not in schema and "enum" not in resolved(schema["items"]):
                yield f"{where}[]"
            yield from unbound(schema["items"], f"{where}[]")
        case "object":
            if schema.get("additionalProperties") is not False and "patternProperties" not in schema:
                yield f"{where}{{}}"
            if "patternProperties" in schema and "maxProperties" not in schema:
                yield f"{where}{{}}"
            for name, inner in (*schema.get("properties", {}).items(), *schema.get("patternProperties", {}).items()):
                yield from unbound(inner, f"{where}/{name}")


def bounded(pattern: str) -> bool:
    """Whether a pattern matches texts of some lengths only: it is anchored and repeats nothing without end."""
    classes = re.sub(r"\[(\\.|[^\]])*\]", "c", pattern)
    return pattern.startswith("^") and pattern.endswith("$") and not re.search(r"[*+]|,}", re.sub(r"\\.", "c", classes))


def test_what_may_be_null_is_told_from_what_may_be_left_out() -> None:
    """A field that must be there and an answer's field that is always there are ``required``."""
    for name, schema in document()["components"]["schemas"].items():
        for field in schema.get("required", ()):
            assert field in schema["properties"], f"{name}.{field}"
    assert may_be_null(document()["components"]["schemas"]["OrderAnswer"]["properties"]["reason"])


def test_money_is_the_same_everywhere() -> None:
    schemas = document()["components"]["schemas"]
    assert [name for name in schemas if name.endswith("Money")] == ["Money"]
    assert schemas["Money"]["properties"]["amount"]["type"] == "string"
