"""For tests of whole applications."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from chassis.http.routing import Route


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: ``access`` is a right's name, else the kind of its ``Access``."""

    method: str
    path: str
    operation_id: str
    access: str


def walk(app: FastAPI) -> Iterator[Operation]:
    """Every operation of ``app`` with its declared access."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Route):
            for method in sorted(route.methods or ()):
                yield Operation(method, route.path, str(route.operation_id), str(route.access))
