"""Services ask each other: one client, whether the other is in this process or behind the network."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import orjson
from soko_contracts.problems import ProblemType
from starlette.types import ASGIApp, Message, Scope

from chassis.context import Context
from chassis.http.auth import Caller
from chassis.http.problems import PROBLEMS, STANDARD, Problem, silent, unavailable
from chassis.http.service_tokens import HEADER as SERVICE_HEADER
from chassis.http.service_tokens import ServiceTokens

log = logging.getLogger(__name__)

_PASSED_ON: Final = ("retry-after", "www-authenticate", "idempotency-replayed")

ANSWER_WITHIN: Final = 30.0


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What the other service answered: 2xx to 4xx."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body, read as JSON."""
        return orjson.loads(self.body)

    def problem(self, **more: Any) -> Problem:
        """The other's no as our own: ``if not answer.ok: raise answer.problem()``. ``more`` are further members."""
        try:
            document = dict(self.json())
        except (ValueError, TypeError):
            document = {}
        slug, title = str(document.get("type", "")).rpartition("/")[2], str(document.get("title", "Refused"))
        own = ProblemType(slug or "refused", self.status, title, title, "See its own page.")
        problem = Problem(PROBLEMS.get(slug, own), document.get("detail"))
        problem.errors = tuple((each["pointer"], each["detail"]) for each in document.get("errors", ()))
        problem.extra = {name: value for name, value in document.items() if name not in STANDARD} | more
        problem.headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        return problem


class Peers:
    """The other services by name, each an ASGI app.

    What is passed on: the caller's bearer and cart token, the request's ids; and a token that says which service asks.
    """

    def __init__(
        self, apps: Mapping[str, ASGIApp], tokens: ServiceTokens | None = None, *, within: float = ANSWER_WITHIN
    ) -> None:
        self.apps, self.tokens, self.within = apps, tokens, within

    def asking_as(self, tokens: ServiceTokens) -> "Peers":
        """The same peers, asked by the service whose tokens these are."""
        return Peers(self.apps, tokens, within=self.within)

    async def get(
        self,
        name: str,
        path: str,
        *,
        caller: Caller | None = None,
        context: Context | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PeerAnswer:
        """GET ``path`` (with its query) of the service ``name``. Raises a 503 or 504 ``Problem`` naming it."""
        return await self.request("GET", name, path, caller=caller, context=context, headers=headers)

    async def post(
        self,
        name: str,
        path: str,
        json: Any = None,
        *,
        caller: Caller | None = None,
        context: Context | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PeerAnswer:
        """POST ``json`` to ``path`` of the service ``name``. Raises as ``get`` does."""
        return await self.request("POST", name, path, json=json, caller=caller, context=context, headers=headers)

    async def request(
        self,
        method: str,
        name: str,
        path: str,
        *,
        json: Any = None,
        caller: Caller | None = None,
        context: Context | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PeerAnswer:
        """Any method. A 5xx of the other is raised as the 503 or 504 that names it."""
        app = self.apps.get(name)
        if app is None:
            raise unavailable(name)
        body = b"" if json is None else orjson.dumps(json, default=_plain)
        scope = _scope(method, name, path, list(self._headers(name, body, caller, context, headers)))
        try:
            async with asyncio.timeout(self.within):
                answer = await _call(app, scope, body)
        except TimeoutError:
            raise silent(name) from None
        except Exception as error:
            # Behind the network it would be a 500; a service of the same process is no closer.
            log.exception("%s %s of %s", method, path.partition("?")[0], name)
            raise unavailable(name) from error
        if answer.status == 504:
            raise silent(_at_fault(answer) or name)
        if answer.status >= 500:
            raise unavailable(_at_fault(answer) or name)
        return answer

    def _headers(
        self,
        name: str,
        body: bytes,
        caller: Caller | None,
        context: Context | None,
        more: Mapping[str, str] | None,
    ) -> Iterable[tuple[bytes, bytes]]:
        yield b"host", name.encode()
        if body:
            yield b"content-type", b"application/json"
            yield b"content-length", str(len(body)).encode()
        if self.tokens:
            yield SERVICE_HEADER.encode(), self.tokens.own().encode()
        if caller and caller.bearer:
            yield b"authorization", b"Bearer " + caller.bearer.encode()
        if caller and caller.cart_token:
            yield b"x-cart-token", caller.cart_token.encode()
        if context:
            yield b"x-request-id", context.request_id.encode()
            yield b"x-correlation-id", context.correlationid.encode()
            if context.traceparent:
                yield b"traceparent", context.traceparent.encode()
        for key, value in (more or {}).items():
            yield key.lower().encode(), value.encode("latin-1")


def _at_fault(answer: PeerAnswer) -> str | None:
    """The service that the other's problem names: what it needed itself and did not get."""
    try:
        service = answer.json()["service"]
    except (ValueError, TypeError, KeyError):
        return None
    return str(service)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not JSON")


def _scope(method: str, name: str, path: str, headers: list[tuple[bytes, bytes]]) -> Scope:
    raw_path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "server": (name, 80),
        "client": None,
    }


async def _call(app: ASGIApp, scope: Scope, body: bytes) -> PeerAnswer:
    """Call ``app`` and collect what it sends."""
    asked = False
    status, headers, chunks = 0, dict[str, str](), list[bytes]()

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.get_running_loop().create_future()  # the client stays connected until it has its answer
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in message["headers"]}
        elif chunk := message.get("body"):
            chunks.append(chunk)

    await app(scope, receive, send)
    return PeerAnswer(status, headers, b"".join(chunks))
