"""What happens to every request before and after its route, as one pure ASGI function."""

import logging
import re
from collections.abc import Callable
from secrets import token_hex
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from chassis import metrics, telemetry
from chassis.context import Context
from chassis.http.context import CONTEXT
from chassis.http.errors import from_foreseen, from_unforeseen, send_problem

log = logging.getLogger(__name__)

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def request_ids() -> str:
    """128 random bits, in hex."""
    return token_hex(16)


_OWN = frozenset((b"x-request-id", b"traceparent"))
_SPAN = "soko.span"
"""Where a request's span is kept in the ASGI scope, while somebody collects them."""


class Entry:
    """Gives the request its ids and its time, and the problem document that says what a route raises."""

    def __init__(self, app: ASGIApp, service_name: str, ids: Callable[[], str] = request_ids) -> None:
        self.app, self.service, self.ids = app, service_name, ids
        self.timing = service_name.encode() + b";dur=%.2f"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        context = self._enter(scope)
        own = [(b"x-request-id", context.request_id.encode()), (b"traceparent", (context.traceparent or "").encode())]
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                # What was asked of a service behind this one carries these already.
                headers = [header for header in message.get("headers", ()) if header[0] not in _OWN]
                seconds = perf_counter() - began
                timing = b"server-timing", self.timing % (seconds * 1000)
                self._tell(scope, message["status"], seconds)
                message = {**message, "headers": [*headers, *own, timing]}
            await send(message)

        tokens = bind_contextvars(
            service=self.service,
            request_id=context.request_id,
            correlationid=context.correlationid,
            causationid=context.causationid,
        )
        try:
            await self.app(scope, receive, answer)
        except Exception as error:
            request = f"{scope['method']} {scope['path']}"
            if started:
                log.warning("%s: the answer broke off: %r", request, error)
                raise
            problem = from_foreseen(error) or from_unforeseen(self.service, request, error)
            await send_problem(scope, answer, problem)
        finally:
            reset_contextvars(**tokens)
            if span := scope.pop(_SPAN, None):
                span.end()

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        """Count the answer, and log it; the ids are bound already, and paths and queries may be personal."""
        operation = getattr(scope.get("route"), "operation_id", None) or "other"
        if log.isEnabledFor(logging.INFO):
            ms = round(seconds * 1000, 2)
            log.info("answered", extra={"method": scope["method"], "operation": operation, "status": status, "ms": ms})
        if span := scope.get(_SPAN):
            span.answered(f"{scope['method']} {operation}", status)
        metrics.answered(self.service, operation, status)(seconds)

    def _enter(self, scope: Scope) -> Context:
        """Read or make the ids; what was made goes on to whoever reads the scope's headers next."""
        request_id = correlation = trace = b""
        headers = []
        for header in scope["headers"]:
            name, value = header
            if name == b"x-request-id":
                request_id = value if _ID.fullmatch(value) else b""
            elif name == b"traceparent":
                trace = value if _TRACEPARENT.fullmatch(value) else b""
            else:
                headers.append(header)
                if name == b"x-correlation-id" and _ID.fullmatch(value):
                    correlation = value
        request_id = request_id or self.ids().encode()
        # Polls between services, and probes, begin no trace.
        if telemetry.tracing and (trace or scope["path"].startswith("/api/")):
            scope[_SPAN] = span = telemetry.tracing.begin(self.service, scope["method"], trace.decode(), "request")
            trace = span.traceparent.encode()
        trace = trace or b"00-" + token_hex(16).encode() + b"-" + token_hex(8).encode() + b"-01"
        headers += ((b"x-request-id", request_id), (b"traceparent", trace))
        scope["headers"] = headers
        path = scope["path"]
        if len(path) > 1 and path[-1] == "/":
            scope["path"] = path.rstrip("/") or "/"
        id_ = request_id.decode()
        context = scope[CONTEXT] = Context(id_, correlation.decode() or id_, id_, trace.decode())
        return context
