"""From what a route raises to the problem document that answers it: the one place."""

import logging
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
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


def install(app: FastAPI) -> None:
    """Have ``app`` answer what its routes raise with problem documents."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for expected in (KeyReused, KeyInFlight, Conflict):
        app.add_exception_handler(expected, _expected)


async def _problem(request: Request, problem: Any) -> Response:
    return answered(request.scope, problem)


async def _refused(request: Request, refused: Any) -> Response:
    return answered(request.scope, from_refused(refused))


async def _expected(request: Request, error: Any) -> Response:
    match error:
        case KeyReused():
            problem = Problem(IDEMPOTENCY_KEY_REUSED)
        case KeyInFlight():
            problem = Problem(IDEMPOTENCY_IN_FLIGHT, headers=RETRY_SOON)
        case _:
            log.warning("a race was lost in every round: %s", error)
            problem = Problem(CONFLICT, "Another request changed it at the same time.", headers=RETRY_SOON)
    return answered(request.scope, problem)


async def _http(request: Request, error: Any) -> Response:
    # FastAPI turns whatever interrupts its reading of the body into a 400 of its own.
    if isinstance(error.__cause__, Problem):
        return answered(request.scope, error.__cause__)
    kind = BY_STATUS.get(error.status_code, MALFORMED if error.status_code < 500 else INTERNAL)
    return answered(request.scope, Problem(kind, headers=error.headers))


async def _validation(request: Request, error: Any) -> Response:
    return answered(request.scope, from_validation(error.errors()))


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


def answered(scope: Scope, problem: Problem) -> Response:
    """The answer that says ``problem``."""
    return Response(_document(scope, problem), problem.kind.status, headers=problem.headers, media_type=MEDIA_TYPE)


async def send_problem(scope: Scope, send: Send, problem: Problem) -> None:
    """The same without a framework around it."""
    body = _document(scope, problem)
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **problem.headers}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _document(scope: Scope, problem: Problem) -> bytes:
    context = scope.get(CONTEXT)
    return problem.document(instance=scope["path"], request_id=context.request_id if context else None)
