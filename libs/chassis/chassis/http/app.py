"""A service's ASGI application."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.http.index import Index
from chassis.http.middleware import Entry, request_ids
from chassis.http.openapi import document


@dataclass(frozen=True, slots=True)
class Health:
    """``ready`` is False only when the process cannot serve at all; ``degraded`` names what else is away."""

    ready: bool
    degraded: tuple[str, ...] = ()
    reason: str | None = None


async def always_ready() -> Health:
    """For an app that needs nothing."""
    return Health(True)


class _App(FastAPI):
    """FastAPI without its way through a request: ``entry`` stands where its layers would."""

    entry: ASGIApp

    def build_middleware_stack(self) -> ASGIApp:
        app = self.entry
        for each in reversed(self.user_middleware):
            app = each.cls(app, *each.args, **each.kwargs)
        return app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # FastAPI's own would look at each request whether somebody traces it; what traces here is our own.
        await Starlette.__call__(self, scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        self.openapi_schema = self.openapi_schema or document(self)
        return self.openapi_schema


def create_app(
    service_name: str,
    routers: Iterable[APIRouter],
    *,
    state: Mapping[str, Any],
    ready: Callable[[], Awaitable[Health]] = always_ready,
    ids: Callable[[], str] = request_ids,
    lifespan: Any = None,
) -> FastAPI:
    """The app of a service.

    ``state`` becomes ``app.state``: ``service`` (for ``current_service``) and ``authentication`` (an
    ``Authentication``) are read by the dependencies. ``ids`` makes request ids.
    """
    app = _App(
        title=service_name, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=lifespan
    )
    for name, value in state.items():
        setattr(app.state, name, value)
    _health(app, ready)
    for router in routers:
        # Flat, not include_router: a nested router is matched once more on every request.
        app.router.routes.extend(router.routes)
    _check(app)
    app.entry = Entry(Index(app.router), service_name, ids)
    return app


def _check(app: FastAPI) -> None:
    """Raises ``ValueError`` on two operations with one id."""
    counted = Counter(route.operation_id for route in app.routes if isinstance(route, APIRoute))
    if twice := [str(id_) for id_, times in counted.items() if times > 1]:
        raise ValueError(f"{app.title}: operation ids that stand twice: {', '.join(twice)}")


def _health(app: FastAPI, ready: Callable[[], Awaitable[Health]]) -> None:
    async def live(request: Request) -> Response:
        return _json({"status": "live"})

    async def is_ready(request: Request) -> Response:
        health = await ready()
        status = "unready" if not health.ready else "degraded" if health.degraded else "ready"
        body = {"status": status, "degraded": list(health.degraded)}
        if health.reason:
            body["reason"] = health.reason
        return _json(body, 200 if health.ready else 503)

    app.add_route("/health/live", live, include_in_schema=False)
    app.add_route("/health/ready", is_ready, include_in_schema=False)


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


async def current_service(request: Request) -> Any:
    """``service: Service = Depends(current_service)``: what ``build`` made."""
    return request.app.state.service
