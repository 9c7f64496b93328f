"""How a route answers: what it depends on is put in order once, where it is declared, and not at every request.

FastAPI reads the signatures, checks parameters and makes the document. Its own way through a request costs several
times what our routes need of it: see ADR 23.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response
from fastapi._compat import ModelField
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_typed_return_annotation, request_params_to_args
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from chassis.http.errors import from_validation

JSON: Final = b"content-type", b"application/json"

_MISSING: Final = object()
"""Stands for what a dependency would have answered, had its parameters been right."""
_UNTOUCHABLE: Final = (str, int, float, bool, tuple, frozenset, type(None))
_NO_PARAMETER: Final = (
    "background_tasks_param_name",
    "cookie_params",
    "header_params",
    "http_connection_param_name",
    "security_scopes_param_name",
    "websocket_param_name",
)
_NO_OPTION: Final = (
    "response_model_include",
    "response_model_exclude",
    "response_model_exclude_unset",
    "response_model_exclude_defaults",
    "response_model_exclude_none",
)
"""What FastAPI would do and nobody here asks for."""

Call = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Step:
    """One dependency, or the route's own function, last.

    ``needs`` are the steps that come first, ``given`` the names of its arguments with the steps that answer them.
    ``unasked`` are its query parameters where a request has no query.
    """

    call: Call
    needs: tuple[int, ...]
    given: tuple[tuple[str, int], ...]
    request: str | None
    response: str | None
    path: Sequence[ModelField]
    query: Sequence[ModelField]
    unasked: Mapping[str, Any] | None
    body: ModelField | None


class Plan:
    """The steps of one route. Raises ``ValueError`` where it asks FastAPI for what no route here has."""

    def __init__(self, route: APIRoute) -> None:
        self._steps: list[_Step] = []
        self._answer = route.response_field
        self._status = route.status_code or 200
        _refuse(route)
        self._sort(route.dependant, {})
        self._tells = any(step.response for step in self._steps)
        self._reads = route.body_field is not None

    def _sort(self, dependant: Dependant, sorted_: dict[Call, int]) -> int:
        """Put ``dependant`` behind all that it needs; its place. What several need is asked for once."""
        assert dependant.call is not None
        if dependant.call in sorted_:
            return sorted_[dependant.call]
        places = [(each.name, self._sort(each, sorted_)) for each in dependant.dependencies]
        self._steps.append(
            _Step(
                dependant.call,
                tuple(place for _, place in places),
                tuple((name, place) for name, place in places if name is not None),
                dependant.request_param_name,
                dependant.response_param_name,
                dependant.path_params,
                dependant.query_params,
                _unasked(dependant.query_params),
                dependant.body_params[0] if dependant.body_params else None,
            )
        )
        sorted_[dependant.call] = len(self._steps) - 1
        return sorted_[dependant.call]

    async def __call__(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. Raises whatever a step raises, and the 422 that names all that is wrong with the parameters."""
        body = await _read(request) if self._reads else _MISSING
        told: Response | None = None
        if self._tells:
            told = Response(status_code=204)  # one that says nothing of its length and type
            told.status_code = self._status
        found: list[Any] = []
        errors: list[Any] = []
        for step in self._steps:
            values = {name: found[place] for name, place in step.given}
            missing = bool(errors) and any(found[place] is _MISSING for place in step.needs)
            for field in step.path:
                missing |= _take(values, errors, _checked(field, request.path_params[field.alias], "path", field.alias))
            if step.query:
                if step.unasked is not None and not scope["query_string"]:
                    values.update(step.unasked)
                else:
                    missing |= _take(values, errors, request_params_to_args(step.query, request.query_params))
            if step.request is not None:
                values[step.request] = request
            if step.response is not None:
                values[step.response] = told
            if step.body is not None:
                missing |= _take(values, errors, _checked(step.body, body, "body"))
            found.append(_MISSING if missing else await step.call(**values))
        if errors:
            raise from_validation(errors)
        answer = found[-1]
        if isinstance(answer, Response):
            await answer(scope, receive, send)
        else:
            await self._say(answer, told, send)

    async def _say(self, answer: Any, told: Response | None, send: Send) -> None:
        headers, body = [JSON], b""
        if self._answer is not None:
            value, errors = self._answer.validate(answer, loc=("response",))
            if errors:
                # Where it differs, not what stands there: that may be personal.
                raise TypeError(f"an answer that is not as it was declared: {[each['loc'] for each in errors]}")
            body = self._answer.serialize_json(value)
            headers.append((b"content-length", b"%d" % len(body)))
        status = self._status
        if told is not None:
            headers += told.raw_headers
            status = told.status_code
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _read(request: Request) -> Any:
    """What the body says as JSON; ``_MISSING`` without one."""
    return await request.json() if await request.body() else _MISSING


def _checked(field: ModelField, value: Any, *at: str) -> tuple[dict[str, Any], list[Any]]:
    """The argument by its name, and what is wrong with it."""
    if value is _MISSING:
        if field.field_info.is_required():
            return {}, [{"type": "missing", "loc": at, "msg": "Field required"}]
        return {field.name: field.get_default()}, []
    checked, errors = field.validate(value, loc=at)
    return {field.name: checked}, errors


def _take(values: dict[str, Any], errors: list[Any], read: tuple[dict[str, Any], list[Any]]) -> bool:
    """Add what was read; whether something is wrong with it."""
    values.update(read[0])
    errors += read[1]
    return bool(read[1])


def _unasked(query: Sequence[ModelField]) -> Mapping[str, Any] | None:
    """The parameters where none is given. None where that is an error, or a value that one request could change."""
    values, errors = request_params_to_args(query, QueryParams())
    alike = not errors and all(isinstance(value, _UNTOUCHABLE) for value in values.values())
    return values if alike else None


def _refuse(route: APIRoute) -> None:
    """Raises ``ValueError`` on what is not planned for."""
    found = [name for name in _NO_OPTION if getattr(route, name)]
    if route.body_field is not None and (route._embed_body_fields or isinstance(route.body_field.field_info, Form)):
        found.append("a body that is not one JSON value")
    if route.response_field is not None and not isinstance(route.response_class, DefaultPlaceholder):
        found.append("a model and a class for its answers")
    if route.response_field is None and route.status_code != 204 and not _gives_response(route):
        found.append("no model for its answers")
    for dependant in flat(route.dependant):
        found += [name for name in _NO_PARAMETER if getattr(dependant, name)]
        if dependant is not route.dependant and dependant.body_params:
            found.append("a body in a dependency")
        if not dependant.use_cache:
            found.append("use_cache=False")
    if found:
        raise ValueError(f"{route.path} has what no route here can have: {', '.join(found)}")


def _gives_response(route: APIRoute) -> bool:
    declared = get_typed_return_annotation(route.endpoint)
    return isinstance(declared, type) and issubclass(declared, Response)


def flat(dependant: Dependant) -> Iterator[Dependant]:
    """It and all that it depends on."""
    yield dependant
    for inner in dependant.dependencies:
        yield from flat(inner)
