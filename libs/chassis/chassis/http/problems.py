"""Every way a request can be answered with a no: one registry, and RFC 9457 documents made from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import orjson
from soko_contracts.problems import ProblemType

MEDIA_TYPE: Final = "application/problem+json"
STANDARD: Final = frozenset(("type", "title", "status", "detail", "instance", "request_id", "errors"))
"""The members that every document may have; others belong to its type."""


PROBLEMS: dict[str, ProblemType] = {}
"""The registry, by slug."""


def registered(kind: ProblemType) -> ProblemType:
    """Put a kind of problem into the registry. Two services may have the same one; two different ones raise."""
    if PROBLEMS.setdefault(kind.slug, kind) != kind:
        raise ValueError(f"two different problems are called {kind.slug}")
    return PROBLEMS[kind.slug]


def problem_type(
    slug: str, status: int, title: str, *, when: str, client: str, headers: tuple[str, ...] = ()
) -> ProblemType:
    """Make and register a kind of problem."""
    return registered(ProblemType(slug, status, title, when, client, headers))


def exported() -> list[dict[str, Any]]:
    """The registry as data, by slug: what ``GET /problems`` lists."""
    return [{"type": kind.uri, **asdict(kind)} for _, kind in sorted(PROBLEMS.items())]


class Problem(Exception):
    """A request is answered with this problem.

    ``errors`` are pairs of JSON pointer and rule; ``headers`` go out with the answer; ``extra`` are further members of
    the document.
    """

    def __init__(
        self,
        kind: ProblemType,
        detail: str | None = None,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.kind, self.detail = kind, detail or kind.when
        self.errors, self.headers, self.extra = tuple(errors), dict(headers or {}), extra
        super().__init__(self.detail)

    def document(self, *, instance: str, request_id: str | None) -> bytes:
        """The body of the answer. ``instance`` is the path that was asked."""
        members: dict[str, Any] = {
            **self.extra,
            "type": self.kind.uri,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "instance": instance,
        }
        if request_id:
            members["request_id"] = request_id
        if self.errors:
            members["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in self.errors]
        return orjson.dumps(members, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Iterable):
        return list(value)
    return str(value)


def invalid(pointer: str, detail: str) -> Problem:
    """422 for one field: ``invalid("/shipping_address/city", "must not be empty")``."""
    return Problem(VALIDATION, f"{pointer or 'The body'} {detail}.", errors=[(pointer, detail)])


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) from its parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def problems(*kinds: ProblemType) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route: these kinds, by status, for the OpenAPI document."""
    by_status: dict[int | str, list[ProblemType]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _response(same) for status, same in by_status.items()}


def _response(kinds: Sequence[ProblemType]) -> dict[str, Any]:
    examples = {
        kind.slug: {
            "summary": kind.title,
            "value": {
                "type": kind.uri,
                "title": kind.title,
                "status": kind.status,
                "detail": kind.when,
                "instance": "/api/v1/…",
                "request_id": "0198c0de5f7e7cc4b1d8f1a2b3c4d5e6",
            },
        }
        for kind in kinds
    }
    headers = {name: {"$ref": f"#/components/headers/{name}"} for kind in kinds for name in kind.headers}
    return {
        "description": "; ".join(f"{kind.title} (`{kind.slug}`)" for kind in kinds),
        **({"headers": headers} if headers else {}),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }


MALFORMED = problem_type(
    "malformed-request",
    400,
    "The request cannot be read",
    when="The body is not JSON, or the request breaks HTTP's own rules.",
    client="Correct the request; the same one again gets the same answer.",
)
IDEMPOTENCY_KEY_REQUIRED = problem_type(
    "idempotency-key-required",
    400,
    "Idempotency-Key is missing",
    when="The route needs an Idempotency-Key header and there is none.",
    client="Send a new random key with each new intent, and the same key when trying again.",
)
UNAUTHENTICATED = problem_type(
    "unauthenticated",
    401,
    "Not logged in",
    when="The route needs an access token and there is none, or it is expired, revoked or broken.",
    client="Refresh the token or log in, then try again.",
    headers=("WWW-Authenticate",),
)
FORBIDDEN = problem_type(
    "forbidden",
    403,
    "Not allowed",
    when="The caller is known and lacks the right that the route asks for.",
    client="Ask for the right; trying again does not help.",
)
NOT_FOUND = problem_type(
    "not-found",
    404,
    "Not found",
    when="There is no such thing, or it is another customer's.",
    client="Check the id and the path.",
)
METHOD_NOT_ALLOWED = problem_type(
    "method-not-allowed",
    405,
    "Method not allowed",
    when="The path exists, the method on it does not.",
    client="Use a method that the Allow header lists.",
)
CONFLICT = problem_type(
    "conflict",
    409,
    "Conflict",
    when="The request contradicts the state of the thing as it is now.",
    client="Read the thing again and decide anew.",
)
IDEMPOTENCY_IN_FLIGHT = problem_type(
    "idempotency-in-flight",
    409,
    "The same request is being worked on",
    when="A request with this Idempotency-Key has begun and is not done.",
    client="Wait as Retry-After says and send the same request again.",
    headers=("Retry-After",),
)
PRECONDITION_FAILED = problem_type(
    "precondition-failed",
    412,
    "Changed in the meantime",
    when="If-Match names a version that is not the current one.",
    client="Read the thing again, and repeat the change on what it is now.",
    headers=("ETag",),
)
TOO_LARGE = problem_type(
    "too-large",
    413,
    "Too large",
    when="The body is larger than the route takes.",
    client="Send less at once.",
)
UNSUPPORTED_MEDIA_TYPE = problem_type(
    "unsupported-media-type",
    415,
    "Unsupported media type",
    when="The body's Content-Type is not one that the route reads.",
    client="Send application/json, or what the route's documentation names.",
)
VALIDATION = problem_type(
    "validation",
    422,
    "Invalid input",
    when="A field, parameter or header breaks a rule; errors name each by JSON pointer.",
    client="Correct what errors point at.",
)
IDEMPOTENCY_KEY_REUSED = problem_type(
    "idempotency-key-reused",
    422,
    "Idempotency-Key was used for another request",
    when="The key came before with another body.",
    client="Use a new key for a new intent.",
)
RATE_LIMITED = problem_type(
    "rate-limited",
    429,
    "Too many requests",
    when="The caller or address sent more requests than its limit.",
    client="Wait as Retry-After says.",
    headers=("Retry-After", "RateLimit", "RateLimit-Policy"),
)
INTERNAL = problem_type(
    "internal",
    500,
    "Something went wrong",
    when="The service failed in a way it does not know; request_id finds it in the logs.",
    client="Try again later; tell the operator the request_id if it stays.",
)
UNAVAILABLE = problem_type(
    "service-unavailable",
    503,
    "A service is down",
    when="A service needed for the answer cannot be reached; service names it.",
    client="Try again after Retry-After, with the same Idempotency-Key.",
    headers=("Retry-After",),
)
UPSTREAM_TIMEOUT = problem_type(
    "upstream-timeout",
    504,
    "A service does not answer",
    when="A service took the request and was silent for too long; service names it.",
    client="Try again with the same Idempotency-Key: the effect may have happened.",
)


def unavailable(service: str) -> Problem:
    """503 naming the service that cannot be reached."""
    detail = f"The {service} service cannot be reached."
    return Problem(UNAVAILABLE, detail, headers={"Retry-After": "1"}, service=service)


def silent(service: str) -> Problem:
    """504 naming the service that took the request and does not answer."""
    return Problem(UPSTREAM_TIMEOUT, f"The {service} service does not answer.", service=service)
