"""Finds a route among many: only those that look like the path are asked, and a 405 says what its path allows."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import Receive, Scope, Send

_TOLD_BY: Final = 2
"""Routes differ in the segment after ``/api/v1``."""

_REMEMBERED: Final = 500

Look = tuple[int, str | None]
Shape = tuple[int, ...]
"""How much each segment of a route's path leaves open: nothing, a part of it, all of it, or whatever follows too."""


class Index:
    """Stands before a Starlette router and its routes: ``router.middleware_stack = Index(router)``.

    Where a path is written out in one route and another one's parameter, it is the former's alone, whatever the method:
    else a PATCH of ``/things/suggest`` would look for a thing of that name. Among equals order of declaration decides.
    GET routes answer HEAD too; the server leaves out the body.
    """

    def __init__(self, router: Router) -> None:
        self._router = router
        self._found: dict[Look, list[tuple[Shape, Route]]] = {}
        self._fixed: dict[tuple[str, str], tuple[Route, Scope]] = {}
        """By method and path, once asked for: routes whose path is always the same."""
        self._version = -1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router.app(scope, receive, send)
            return
        if self._version != len(self._router.routes):
            self._found, self._fixed, self._version = {}, {}, len(self._router.routes)
        if fixed := self._fixed.get((scope["method"], scope["path"])):
            route, child = fixed
            scope.update(child, path_params={})
            await route.app(scope, receive, send)
            return
        allowed: set[str] = set()
        matched: Shape | None = None
        for shape, route in self._candidates(scope["path"]):
            if matched is not None and shape != matched:
                break
            match, child = route.matches(scope)
            methods = route.methods or set[str]()
            if match is Match.FULL or (match is Match.PARTIAL and scope["method"] == "HEAD" and "GET" in methods):
                if not route.param_convertors and match is Match.FULL:
                    self._fixed[scope["method"], scope["path"]] = route, child
                scope.update(child)
                await route.app(scope, receive, send)
                return
            if match is Match.PARTIAL:
                allowed |= methods
                matched = shape
        if allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
        # What is no plain route, a mounted app say, is found the usual way.
        await self._router.app(scope, receive, send)

    def _candidates(self, path: str) -> Iterable[tuple[Shape, Route]]:
        segments = path.split("/")[1:]
        look = len(segments), segments[_TOLD_BY] if len(segments) > _TOLD_BY else None
        found = self._found.get(look)
        if found is None:
            routes = (route for route in _plain(self._router.routes) if _may_match(route, look))
            found = sorted(((_shape(route), route) for route in routes), key=lambda pair: pair[0])
            # Clients make up as many paths as they want.
            if found and len(self._found) < _REMEMBERED:
                self._found[look] = found
        return found


def _plain(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    return (route for route in routes if isinstance(route, Route))


def _shape(route: Route) -> Shape:
    open_ended = {f"{{{name}}}" for name, convertor in route.param_convertors.items() if _many(convertor)}
    return tuple(
        3 if segment in open_ended else 2 if segment.startswith("{") and segment.endswith("}") else int("{" in segment)
        for segment in route.path_format.split("/")[1:]
    )


def _may_match(route: Route, look: Look) -> bool:
    if any(_many(convertor) for convertor in route.param_convertors.values()):
        return True
    count, word = look
    segments = route.path_format.split("/")[1:]
    if len(segments) != count:
        return False
    return word is None or "{" in segments[_TOLD_BY] or segments[_TOLD_BY] == word


def _many(convertor: Any) -> bool:
    return str(convertor.regex) == ".*"
