"""The router of a service: what a route forgets to say is an error at import, what a client sends too much is a 422."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Final, get_args, get_origin

from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from chassis.http.auth import Access, PeerAccess
from chassis.http.plan import Plan, flat
from chassis.http.problems import NOT_FOUND, Problem, invalid, pointer
from chassis.http.received import NUL, Received

MIB: Final = 1024 * 1024
BODY_LIMIT: Final = "x-body-limit"


def body_limit(size: int) -> dict[str, int]:
    """For a route's ``openapi_extra``: it takes bodies up to ``size`` bytes, not 1 MiB."""
    return {BODY_LIMIT: size}


class OpenQuery:
    """A dependency that takes query parameters by prefix: ``Depends(OpenQuery("attributes."))``.

    Answers the values by what follows the prefix: ``{"colour": ["red", "blue"]}``.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    async def __call__(self, request: Request) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            if name.startswith(self.prefix):
                found.setdefault(name.removeprefix(self.prefix), []).append(value)
        return found


class Route(APIRoute):
    """One operation: declares its access and id, refuses unknown query parameters and unreadable bodies."""

    access: Access | PeerAccess
    dependants: list[Dependant]
    """The route's own and those of all its dependencies."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.dependants = list(flat(self.dependant))
        self.access = _access(self, self.dependants)
        # Who may not ask is told that first, not what is wrong with the question.
        self.dependant.dependencies.sort(key=lambda each: not any(_is_access(inner) for inner in flat(each)))
        _check(self, self.dependants)
        if isinstance(self.access, PeerAccess):
            self.include_in_schema = False
        parameters = list(_query_parameters(self.dependants))
        self._known = frozenset(name for name, _ in parameters)
        self._single = frozenset(name for name, several in parameters if not several)
        self._prefixes = tuple(each.call.prefix for each in self.dependants if isinstance(each.call, OpenQuery))
        self._limit = int((self.openapi_extra or {}).get(BODY_LIMIT, MIB))
        self._plan = Plan(self)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "\0" in scope["path"]:
            raise Problem(NOT_FOUND)
        request = Received(scope, receive, send, self._limit, self.body_field is not None)
        if scope["query_string"]:
            self._check_query(request)
        await self._plan(request, scope, receive, send)

    def _check_query(self, request: Request) -> None:
        asked = set[str]()
        for name, value in request.query_params.multi_items():
            if name not in self._known and not (self._prefixes and name.startswith(self._prefixes)):
                raise invalid(pointer("query", name), "is not a known parameter")
            if name in asked and name in self._single:
                raise invalid(pointer("query", name), "must be given once")
            if "\0" in value:
                raise invalid(pointer("query", name), NUL)
            asked.add(name)


class Router(APIRouter):
    """``Router(prefix="/api/v1", tags=["Orders"])``: an APIRouter of such routes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"route_class": Route, "redirect_slashes": False, **options})


def _is_access(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Access | PeerAccess)


def _access(route: APIRoute, dependants: list[Dependant]) -> Access | PeerAccess:
    declared = {each.call for each in dependants if isinstance(each.call, Access | PeerAccess)}
    if len(declared) != 1:
        raise ValueError(f"{_name(route)} declares {len(declared) or 'no'} accesses, and must declare one")
    return declared.pop()


def _check(route: APIRoute, dependants: list[Dependant]) -> None:
    if not route.operation_id:
        raise ValueError(f"{_name(route)} has no operation_id")
    if not route.summary:
        raise ValueError(f"{_name(route)} has no summary")
    for each in dependants:
        call = each.call
        # FastAPI runs plain functions in threads: slow, and without the event loop.
        if not _is_async(call):
            raise ValueError(f"{_name(route)}: {call!r} must be async")


def _is_async(call: Any) -> bool:
    return any(
        inspect.iscoroutinefunction(each)
        for each in (call, getattr(call, "__call__", None))  # noqa: B004 - wanted is the method, not whether there is one
    )


def _query_parameters(dependants: list[Dependant]) -> Iterator[tuple[str, bool]]:
    """Each parameter's name, and whether it may be repeated."""
    for dependant in dependants:
        for param in dependant.query_params:
            model = param.field_info.annotation
            if isinstance(model, type) and issubclass(model, BaseModel):
                for name, inner in model.model_fields.items():
                    yield inner.alias or name, _several(inner.annotation)
            else:
                yield param.alias, _several(model)


def _several(annotation: Any) -> bool:
    if get_origin(annotation) in (list, tuple, set, frozenset, Sequence):
        return True
    return any(_several(part) for part in get_args(annotation))


def _name(route: APIRoute) -> str:
    return f"{'/'.join(sorted(route.methods or ()))} {route.path}"
