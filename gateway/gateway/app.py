"""The one HTTP door: a plain ASGI function between the world and the services."""

import logging
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from chassis import metrics, telemetry
from chassis.http import (
    INTERNAL,
    NOT_FOUND,
    TOO_LARGE,
    Authentication,
    Caller,
    Problem,
)
from chassis.http.auth import CALLER, bearer_token, cart_token
from chassis.http.context import CONTEXT
from chassis.http.errors import send_problem
from chassis.http.problems import unavailable
from chassis.http.upstream import Upstream
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.answering import Answering
from gateway.arriving import Arrived
from gateway.compressing import Compressed
from gateway.edge import Edge
from gateway.limiting import Limits
from gateway.pages import Pages
from gateway.receiving import Counted
from gateway.routes import Routed, routed
from gateway.settings import Settings
from gateway.silence import Heard

if TYPE_CHECKING:
    from chassis.tracing import Span

log = logging.getLogger(__name__)

GONE = 499
"""Counted, never sent: the client hung up first."""


class Gateway:
    """Routes, guards and completes. ``upstreams`` are the services by name, ``pages`` what it answers itself."""

    def __init__(
        self,
        settings: Settings,
        upstreams: Mapping[str, ASGIApp],
        authentication: Authentication,
        pages: Pages,
    ) -> None:
        self._settings, self._authentication, self._pages = settings, authentication, pages
        self._apps = {name: app if isinstance(app, Upstream) else Heard(name, app) for name, app in upstreams.items()}
        self._edge = Edge(settings)
        self._limits = Limits(settings) if settings.soko_rate_limits == "on" else None
        self._compressed = Compressed()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _refuse(scope, receive, send)
            return
        began = perf_counter()
        arrived = Arrived(scope, self._settings.proxies)
        extra = self._edge.security + self._edge.cors(arrived.headers.get(b"origin"))
        answering = Answering(send, arrived, extra, self._compressed, began)
        service = "gateway"
        span = self._trace(arrived)
        try:
            if arrived.path[:8] != "/health/":
                self._edge.check_host(arrived.headers.get(b"host"))
            to = routed(arrived.path)
            if to is None or (to.service not in self._apps and to.service == "cardsim"):
                await self._own(arrived, answering)
            else:
                service = to.service
                await self._pass_on(arrived, to, receive, answering)
        except Problem as problem:
            await self._say(problem, arrived, answering)
        except Exception:
            log.exception("unhandled: %s %s", scope["method"], arrived.path, extra={"request_id": arrived.id.decode()})
            if answering.started:
                raise
            await self._say(Problem(INTERNAL), arrived, answering)
        finally:
            status = answering.status or GONE
            metrics.answered("gateway", service, status)(perf_counter() - began)
            if span is not None:
                span.answered(f"{scope['method']} {service}", status)
                span.end()

    async def close(self) -> None:
        """Let go of what counting needs."""
        if self._limits is not None:
            await self._limits.close()

    def _trace(self, arrived: Arrived) -> "Span | None":
        """A span for the request, which its service goes on from; None while nobody collects them, and for probes."""
        if telemetry.tracing is None or arrived.path[:8] == "/health/":
            return None
        before = arrived.traceparent.decode() if arrived.traced else None
        span = telemetry.tracing.begin("gateway", arrived.scope["method"], before, "request")
        arrived.traceparent = span.traceparent.encode()
        return span

    async def _pass_on(self, arrived: Arrived, to: Routed, receive: Receive, answering: Answering) -> None:
        if self._is_preflight(arrived):
            await self._preflight(answering)
            return
        caller = await self._caller(arrived) if to.checked else None
        if self._limits is not None:
            await self._limits.count(caller, arrived.address)
            if to.guarded and arrived.scope["method"] == "POST":
                await self._limits.count_attempt(arrived.address)
        app = self._apps.get(to.service)
        if app is None:
            raise unavailable(to.service)
        inner = arrived.inner(to.strip)
        if caller is not None:
            inner[CALLER] = caller
        answering.keep = to.service == "catalog"
        try:
            await app(inner, self._limited(arrived, to, receive, answering), answering)
        except Exception:
            if not answering.forbidden:
                raise
        if answering.forbidden:
            answering.forbidden = False
            raise _too_large(to.body)

    def _limited(self, arrived: Arrived, to: Routed, receive: Receive, answering: Answering) -> Receive:
        length = arrived.headers.get(b"content-length")
        if length is not None:
            if not length.isdigit() or int(length) > to.body:
                raise _too_large(to.body)
            return receive
        return Counted(receive, to.body, answering) if b"transfer-encoding" in arrived.headers else receive

    async def _caller(self, arrived: Arrived) -> Caller:
        """Who asks. 401 for credentials that are there and not good; 503 while nobody can tell whether they are."""
        bearer = bearer_token(arrived.headers.get(b"authorization", b"").decode("latin-1"))
        cart = cart_token(arrived.headers.get(b"x-cart-token", b"").decode("latin-1"))
        try:
            return await self._authentication.caller(bearer, cart)
        except Problem:
            if not self._authentication.verifier.keys.known:
                raise unavailable("identity") from None
            raise

    def _is_preflight(self, arrived: Arrived) -> bool:
        return arrived.scope["method"] == "OPTIONS" and b"access-control-request-method" in arrived.headers

    async def _preflight(self, answering: Answering) -> None:
        await answering({"type": "http.response.start", "status": 204, "headers": self._edge.preflight})
        await answering({"type": "http.response.body", "body": b""})

    async def _own(self, arrived: Arrived, answering: Answering) -> None:
        if self._is_preflight(arrived):
            await self._preflight(answering)
            return
        answer = await self._pages.answer(arrived)
        if answer is None:
            raise Problem(NOT_FOUND, "There is nothing at this path.")
        for message in answer:
            await answering(message)

    async def _say(self, problem: Problem, arrived: Arrived, answering: Answering) -> None:
        answering.take_back()
        await send_problem({"path": arrived.path, CONTEXT: arrived.context}, answering, problem)


def _too_large(most: int) -> Problem:
    # The connection stays: closed with unread bytes on it, it would be reset before the client has read why.
    return Problem(TOO_LARGE, f"The body may have at most {most} bytes.", limit=most)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """There are no WebSockets here, and start and stop are not told by lifespan."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})
        return
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
