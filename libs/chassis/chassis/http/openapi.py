"""A service's OpenAPI document: FastAPI's, with what every route of the shop has in common said on each."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from chassis.http.idempotency import HEADER, LONGEST, idempotency
from chassis.http.prefer import prefer_wait
from chassis.http.problems import (
    FORBIDDEN,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_REQUIRED,
    IDEMPOTENCY_KEY_REUSED,
    MALFORMED,
    MEDIA_TYPE,
    NOT_FOUND,
    PRECONDITION_FAILED,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION,
    ProblemType,
    problems,
)
from chassis.http.routing import Route

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
    "cartToken": {"type": "apiKey", "in": "header", "name": "X-Cart-Token"},
}

_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Names this intent: the same key again takes effect once. Kept for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
}

_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of what is to be changed; another one there by now is a 412.",
    "schema": {"type": "string", "examples": ['"7"']},
}

HEADERS: Final[dict[Any, dict[str, Any]]] = {
    idempotency(): _KEY,
    idempotency(required=True): {**_KEY, "required": True},
    prefer_wait: {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "`wait=N`: hold the answer for up to N seconds, 20 at most, until it is settled.",
        "schema": {"type": "string", "examples": ["wait=10"]},
    },
}
"""What dependencies read from headers without FastAPI knowing."""


def document(app: FastAPI) -> dict[str, Any]:
    """The document of ``app``: paths of other services' ears (``/internal``) are not in it."""
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = SECURITY
    _show_lists(schemas)
    for route in app.routes:
        if isinstance(route, Route) and route.include_in_schema:
            for method in route.methods or ():
                _complete(made["paths"][route.path_format][method.lower()], route)
    return made


def _show_lists(schemas: dict[str, Any]) -> None:
    """What shows lists of something, shows one with an example of it."""
    for schema in schemas.values():
        items = schema.get("properties", {}).get("items", {}).get("items", {})
        shown = schemas.get(items.get("$ref", "").rpartition("/")[2], {}).get("examples")
        if shown and "examples" not in schema:
            rest = {"total": 1, "next": None, "previous": None}
            schema["examples"] = [{"items": shown[:1], **{n: v for n, v in rest.items() if n in schema["properties"]}}]


def _complete(operation: dict[str, Any], route: Route) -> None:
    operation["security"] = _security(route)
    operation["x-access"] = str(route.access)
    headers = [HEADERS[each.call] for each in route.dependants if each.call in HEADERS]
    if str(PRECONDITION_FAILED.status) in operation["responses"]:
        headers.append(_IF_MATCH)
    if headers:
        operation["parameters"] = [*operation.get("parameters", ()), *headers]
    responses = operation["responses"]
    if _is_default(responses.get("422")):
        del responses["422"]
    for status, response in problems(*_common(operation, route)).items():
        told = responses.setdefault(str(status), response)
        examples = told.get("content", {}).get(MEDIA_TYPE, {}).get("examples")
        if examples is not None and told is not response:
            for slug, example in response["content"][MEDIA_TYPE]["examples"].items():
                examples.setdefault(slug, example)


def _is_default(response: Any) -> bool:
    return bool(response) and "HTTPValidationError" in str(response)


def _security(route: Route) -> list[dict[str, list[str]]]:
    match route.access.kind:
        case "anyone":
            return [{}, {"bearer": []}]
        case "cart_holder":
            return [{}, {"bearer": []}, {"cartToken": []}]
        case _:
            return [{"bearer": []}]


def _common(operation: dict[str, Any], route: Route) -> list[ProblemType]:
    # A query parameter too many is a 422 on every route.
    kinds = [VALIDATION]
    if "requestBody" in operation:
        kinds += [MALFORMED, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE]
    if "{" in route.path_format:
        kinds.append(NOT_FOUND)
    calls = {each.call for each in route.dependants}
    if idempotency(required=True) in calls:
        kinds.append(IDEMPOTENCY_KEY_REQUIRED)
    if calls & {idempotency(), idempotency(required=True)}:
        kinds += [IDEMPOTENCY_IN_FLIGHT, IDEMPOTENCY_KEY_REUSED]
    kinds.append(UNAUTHENTICATED)
    # Some of what only a person may do is refused to a client of the API.
    if route.access.right or route.access.kind == "signed_in":
        kinds.append(FORBIDDEN)
    return kinds
