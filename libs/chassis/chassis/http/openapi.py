"""A service's OpenAPI document: FastAPI's, with what a route's dependencies, access and path mean for its clients."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from soko_contracts.problems import ProblemType

from chassis.http.auth import CART_HEADER, guest_cart
from chassis.http.etag import precondition, tagging
from chassis.http.idempotency import HEADER, LONGEST, idempotency
from chassis.http.prefer import prefer_wait
from chassis.http.problems import (
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_REQUIRED,
    IDEMPOTENCY_KEY_REUSED,
    MALFORMED,
    MEDIA_TYPE,
    NOT_FOUND,
    PRECONDITION_FAILED,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION,
    problems,
)
from chassis.http.routing import Route
from chassis.http.streams import HEADER as STREAM_HEADER
from chassis.http.streams import MEDIA_TYPE as STREAM
from chassis.http.streams import event, last_event_id

Call = Callable[..., Any]

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `type` is explained at its own address.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/validation"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
    "additionalProperties": True,
}

SECURITY: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cartToken": {"type": "apiKey", "in": "header", "name": CART_HEADER},
}


def _header(description: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}}


SENT: Final[dict[str, dict[str, Any]]] = {
    "ETag": _header("The version of what is answered, for `If-None-Match` and `If-Match`.", examples=['"7"']),
    "Idempotency-Replayed": _header("`true` where an earlier request with this key took the effect.", enum=["true"]),
    "RateLimit": _header("What is left, and for how many seconds.", examples=['"default";r=0;t=12']),
    "RateLimit-Policy": _header("How many requests in how many seconds.", examples=['"default";q=6000;w=60']),
    "Retry-After": _header("Seconds to wait before the next try.", examples=["1"]),
    "WWW-Authenticate": _header("What would be taken.", examples=['Bearer realm="soko"']),
    CART_HEADER: _header("A guest's first write makes the cart and this token for it: keep it, and send it along."),
}
"""Headers of answers, by name: the document's ``components.headers``."""


def _parameter(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, **_header(description, **schema)}


def _key(*, required: bool) -> dict[str, Any]:
    said = "Names this intent: the same key again takes effect once. Kept for 24 hours."
    return _parameter(HEADER, said, required=required, minLength=1, maxLength=LONGEST)


KEYED: Final[frozenset[Call]] = frozenset((idempotency(), idempotency(required=True)))
READ: Final[dict[Call, dict[str, Any]]] = {
    idempotency(): _key(required=False),
    idempotency(required=True): _key(required=True),
    prefer_wait: _parameter(
        "Prefer",
        "`wait=N`: hold the answer for up to N seconds, 20 at most, until it is settled.",
        examples=["wait=10"],
    ),
    precondition: _parameter(
        "If-Match", "The `ETag` of what is to be changed; another one there by now is a 412.", examples=['"7"']
    ),
    last_event_id: _parameter(
        STREAM_HEADER, "Takes a stream up again behind this event.", pattern="^[0-9]{1,19}$", examples=["4711"]
    ),
    guest_cart: _parameter(
        CART_HEADER, "The cart of a guest.", required=True, minLength=16, maxLength=128, examples=["q1Zr" * 8]
    ),
}
"""Headers that dependencies read without FastAPI knowing."""

_IF_NONE_MATCH: Final = _parameter("If-None-Match", "The `ETag` of what you have: a 304 if that is it.")
_NOT_MODIFIED: Final = {"description": "You have it already."}
_SHOWN_STREAM: Final = event(5, "happened", {"id": 5}).decode()


def document(app: FastAPI) -> dict[str, Any]:
    """The document of ``app``: paths of other services' ears (``/internal``) are not in it."""
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = SECURITY
    components["headers"] = SENT
    _show_lists(schemas)
    for route in app.routes:
        if isinstance(route, Route) and route.include_in_schema:
            for method in route.methods or ():
                _complete(made["paths"][route.path_format][method.lower()], route)
    return made


def tell(operation: dict[str, Any], kinds: Iterable[ProblemType]) -> None:
    """Say that the operation may be refused like this, beside what it says already."""
    responses = operation["responses"]
    for status, response in problems(*kinds).items():
        told = responses.setdefault(str(status), response)
        if told is response or MEDIA_TYPE not in told.get("content", {}):
            continue
        there = told["content"][MEDIA_TYPE]["examples"]
        (new,) = (content["examples"] for content in response["content"].values())
        if not new.keys() <= there.keys():
            told["description"] = f"{told['description']}; {response['description']}"
        told["content"][MEDIA_TYPE]["examples"] = {**new, **there}
        if "headers" in response:
            told["headers"] = {**told.get("headers", {}), **response["headers"]}


def _show_lists(schemas: dict[str, Any]) -> None:
    """What shows lists of something, shows one with an example of it."""
    for schema in schemas.values():
        items = schema.get("properties", {}).get("items", {}).get("items", {})
        shown = schemas.get(items.get("$ref", "").rpartition("/")[2], {}).get("examples")
        if shown and "examples" not in schema:
            rest = {"total": 1, "next": None, "previous": None}
            schema["examples"] = [{"items": shown[:1], **{n: v for n, v in rest.items() if n in schema["properties"]}}]


def _complete(operation: dict[str, Any], route: Route) -> None:
    calls = [each.call for each in route.dependants if each.call]
    responses = operation["responses"]
    operation["security"] = _security(route)
    operation["x-access"] = str(route.access)
    headers = [READ[call] for call in dict.fromkeys(calls) if call in READ]
    if tagging in calls:
        if route.methods == {"GET"}:
            headers.append(_IF_NONE_MATCH)
            responses["304"] = dict(_NOT_MODIFIED)
        _sends(responses, "ETag")
    if KEYED.intersection(calls):
        _sends(responses, "Idempotency-Replayed")
    if last_event_id in calls:
        responses["200"]["content"][STREAM] = {"schema": {"type": "string"}, "example": _SHOWN_STREAM}
    if headers:
        operation["parameters"] = [*operation.get("parameters", ()), *headers]
    if _is_default(responses.get("422")):
        del responses["422"]
    tell(operation, _common(operation, route, calls))


def _sends(responses: dict[str, Any], header: str) -> None:
    """Every answer that shows something comes with ``header``, and so does the one that says you have it."""
    for status, response in responses.items():
        if status == "304" or (status.startswith("2") and "content" in response):
            response.setdefault("headers", {})[header] = {"$ref": f"#/components/headers/{header}"}


def _is_default(response: Any) -> bool:
    return bool(response) and "HTTPValidationError" in str(response)


def _security(route: Route) -> list[dict[str, list[str]]]:
    match route.access.kind:
        case "anyone":
            return [{}, {"bearer": []}]
        case "cart_holder":
            return [{}, {"bearer": []}, {"cartToken": []}]
        case "known":
            return [{"bearer": []}, {"cartToken": []}]
        case _:
            return [{"bearer": []}]


def _common(operation: dict[str, Any], route: Route, calls: list[Call]) -> list[ProblemType]:
    # A query parameter too many is a 422 on every route.
    kinds = [VALIDATION]
    if "requestBody" in operation:
        kinds += [MALFORMED, TOO_LARGE]
    if route.body_field is not None:
        kinds.append(UNSUPPORTED_MEDIA_TYPE)
    if "{" in route.path_format:
        kinds.append(NOT_FOUND)
    if idempotency(required=True) in calls:
        kinds.append(IDEMPOTENCY_KEY_REQUIRED)
    if KEYED.intersection(calls):
        kinds += [IDEMPOTENCY_IN_FLIGHT, IDEMPOTENCY_KEY_REUSED]
    if precondition in calls:
        kinds.append(PRECONDITION_FAILED)
    return [*kinds, *route.access.refusals]
