"""From what a route raises to the problem document that answers it: the one place."""

import logging
from typing import Any, Final

from soko_contracts.problems import ProblemType
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from chassis.database import is_away
from chassis.decider import Refused
from chassis.http.context import CONTEXT
from chassis.http.problems import (
    CONFLICT,
    FORBIDDEN,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_REUSED,
    INTERNAL,
    MALFORMED,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    PROBLEMS,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION,
    Problem,
    invalid,
    pointer,
)
from chassis.idempotency import KeyInFlight, KeyReused
from chassis.writing import Conflict

log = logging.getLogger(__name__)

RETRY_SOON: Final = {"Retry-After": "1"}
DATA_EXCEPTION: Final = "22"
"""PostgreSQL's class of errors about values."""

BY_STATUS: Final = {
    400: MALFORMED,
    401: UNAUTHENTICATED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    409: CONFLICT,
    413: TOO_LARGE,
    415: UNSUPPORTED_MEDIA_TYPE,
    422: VALIDATION,
    503: UNAVAILABLE,
}


def from_foreseen(error: Exception) -> Problem | None:
    """The problem that routes raise, or mean by what they raise; None for what nobody foresaw."""
    match error:
        case Problem():
            return error
        case Refused():
            return from_refused(error)
        case KeyReused():
            return Problem(IDEMPOTENCY_KEY_REUSED)
        case KeyInFlight():
            return Problem(IDEMPOTENCY_IN_FLIGHT, headers=RETRY_SOON)
        case Conflict():
            log.warning("a race was lost in every round: %s", error)
            return Problem(CONFLICT, "Another request changed it at the same time.", headers=RETRY_SOON)
        case HTTPException():
            kind = BY_STATUS.get(error.status_code, MALFORMED if error.status_code < 500 else INTERNAL)
            return Problem(kind, headers=error.headers)
    return None


def from_unforeseen(service: str, request: str, error: Exception) -> Problem:
    """What no route expected, logged: the database is away, a value does not fit it, or the code has a mistake.

    ``request`` is method and path.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if is_away(error):
        log.warning("%s: the database cannot do it: %r", request, cause)
        return Problem(UNAVAILABLE, f"The {service} service cannot work now.", headers=RETRY_SOON, service=service)
    log.exception("%s: nobody foresaw this", request, exc_info=error)
    if str(getattr(cause, "sqlstate", "")).startswith(DATA_EXCEPTION):
        return Problem(VALIDATION, "A value is outside of what can be stored.")
    return Problem(INTERNAL)


def from_refused(refused: Refused) -> Problem:
    """The problem that a rule's no is registered as."""
    kind = PROBLEMS.get(refused.slug)
    if kind is None:
        log.error("the problem %s is not registered", refused.slug)
        kind = ProblemType(refused.slug, 409, "Refused", refused.detail, CONFLICT.client)
    problem = Problem(kind, refused.detail)
    problem.extra = dict(refused.extra)
    return problem


def from_validation(errors: list[dict[str, Any]]) -> Problem:
    """422 with a pointer for each field, from pydantic's errors."""
    found = [(_pointer(error["loc"]), _rule(error)) for error in errors]
    if len(found) == 1:
        return invalid(*found[0])
    return Problem(VALIDATION, f"{len(found)} rules are broken: see errors.", errors=found)


def _pointer(loc: tuple[str | int, ...]) -> str:
    return pointer(*(loc[1:] if loc[:1] == ("body",) else loc))


def _rule(error: dict[str, Any]) -> str:
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a known field"
        case "value_error":
            return str(error["msg"]).removeprefix("Value error, ")
        case _:
            message = str(error["msg"])
            for long, short in (("Input should be", "must be"), ("String should", "must"), ("Value should", "must")):
                message = message.replace(long, short)
            return message


async def send_problem(scope: Scope, send: Send, problem: Problem) -> None:
    """The answer that says ``problem``."""
    body = _document(scope, problem)
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **problem.headers}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _document(scope: Scope, problem: Problem) -> bytes:
    context = scope.get(CONTEXT)
    return problem.document(instance=scope["path"], request_id=context.request_id if context else None)
