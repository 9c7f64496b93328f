"""What happens to every request before and after its route, as one pure ASGI function."""

import logging
import re
import secrets
from collections.abc import Callable
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.context import Context
from chassis.http.context import CONTEXT
from chassis.http.errors import send_problem
from chassis.http.problems import INTERNAL, Problem

log = logging.getLogger(__name__)

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def request_ids() -> str:
    """128 random bits, in hex."""
    return secrets.token_hex(16)


class Entry:
    """Gives the request its ids, its time and, where a route fails in a way nobody foresaw, its problem document."""

    def __init__(self, app: ASGIApp, service_name: str, ids: Callable[[], str] = request_ids) -> None:
        self.app, self.ids = app, ids
        self.timing = service_name.encode() + b";dur=%.2f"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        context = scope[CONTEXT] = self._context(scope)
        path = scope["path"]
        if len(path) > 1 and path[-1] == "/":
            scope["path"] = path.rstrip("/") or "/"
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message.setdefault("headers", [])
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", context.request_id.encode()),
                    (b"traceparent", (context.traceparent or "").encode()),
                    (b"server-timing", self.timing % ((perf_counter() - began) * 1000)),
                ]
            await send(message)

        tokens = structlog.contextvars.bind_contextvars(
            request_id=context.request_id, correlationid=context.correlationid, causationid=context.causationid
        )
        try:
            await self.app(scope, receive, answer)
        except Exception:
            log.exception("unhandled: %s %s", scope["method"], path)
            if started:
                raise
            await send_problem(scope, answer, Problem(INTERNAL))
        finally:
            structlog.contextvars.reset_contextvars(**tokens)

    def _context(self, scope: Scope) -> Context:
        request_id = correlation = trace = b""
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value if _ID.fullmatch(value) else b""
            elif name == b"x-correlation-id":
                correlation = value if _ID.fullmatch(value) else b""
            elif name == b"traceparent":
                trace = value if _TRACEPARENT.fullmatch(value) else b""
        id_ = request_id.decode() or self.ids()
        traceparent = trace.decode() or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        return Context(id_, correlation.decode() or id_, id_, traceparent)
