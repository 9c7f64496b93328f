"""Somebody at the shop's door: requests over HTTP, and what the answers promise."""

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.types import ASGIApp, Message

from soko.simulation.chance import Ids, weighted
from soko.simulation.clock import VirtualLoop

HOST = b"soko.test"
EXPECTED = (200, 201, 202, 204, 303, 304, 400, 401, 402, 403, 404, 409, 412, 422, 503, 504)
"""What a client may be answered. 503 and 504 are for parts that are away."""

Action = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the body as JSON (None for anything else), and the headers."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def order(self) -> dict[str, Any] | None:
        """The order that the answer is, or is about."""
        if not isinstance(self.body, dict):
            return None
        found = self.body if "payment_status" in self.body else self.body.get("order")
        return found if isinstance(found, dict) else None


@dataclass
class Shop:
    """The door, and what people know of the shop in common."""

    door: ASGIApp
    loop: VirtualLoop
    ids: Ids
    skus: tuple[str, ...]
    say: Callable[[str], None]
    """Adds a line to the history."""
    password: str
    tally: Counter[str]
    orders: list[str] = field(default_factory=list)
    """Every order that an answer told of."""
    payments: dict[str, str] = field(default_factory=dict)
    """The last payment of each order that an answer told of."""
    confirmed: set[str] = field(default_factory=set)
    """Those that an answer called confirmed."""
    made: dict[tuple[str, str], str] = field(default_factory=dict)
    """By caller and key: what an answer said was made."""
    broken: list[str] = field(default_factory=list)

    def new_id(self) -> str:
        return self.ids.at(self.loop.now())


@dataclass
class Person:
    """A client of the shop."""

    name: str
    shop: Shop
    chance: Random
    email: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    did: str = ""
    """What was done last, for the tally."""

    def actions(self) -> Mapping[Action, float]:
        """What this person might do now, and how likely."""
        return {}

    async def act(self) -> None:
        """Do one thing."""
        if self.email and "Authorization" not in self.headers:
            await self.log_in()
        possible = self.actions()
        if possible:
            action = weighted(self.chance, possible)
            self.did = f"{type(self).__name__.lower()}: {action.__name__.replace('_', ' ')}"
            await action()

    async def log_in(self) -> None:
        """Get a token, if identity is there."""
        body = {"email": self.email, "password": self.shop.password}
        answer = await self.ask("POST", "/auth/login", body, secret=True)
        if answer.status == 200:
            self.headers["Authorization"] = f"Bearer {answer.body['access_token']}"

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "", wait: int = 0, secret: bool = False
    ) -> Answer:
        """One request. ``secret``: the answer's body is not for the history."""
        headers = dict(self.headers)
        if key:
            headers["Idempotency-Key"] = key
        if wait:
            headers["Prefer"] = f"wait={wait}"
        answer = await self._call(method, f"/api/v1{path}", None if body is None else orjson.dumps(body), headers)
        told = b"" if secret or answer.body is None else orjson.dumps(answer.body, option=orjson.OPT_SORT_KEYS)
        self.shop.say(f"{self.name}: {method} {path} {key[-6:]} -> {answer.status} {told.decode()}")
        if token := answer.headers.get("x-cart-token"):
            self.headers["X-Cart-Token"] = token
        if answer.status == 401 and self.email:
            self.headers.pop("Authorization", None)
        if answer.status not in EXPECTED:
            self.shop.broken.append(f"{method} {path} was answered {answer.status}: {told[:300].decode()}")
        if path == "/orders" or path.endswith("/pay"):
            self.shop.tally[f"{path.rpartition('/')[2]} answered {answer.status}"] += 1
        self._remember(answer, key)
        return answer

    def _remember(self, answer: Answer, key: str) -> None:
        """Hold the shop to what it said: one key names one order, and what was confirmed is."""
        if (order := answer.order) is None:
            if key and answer.status in (200, 201) and "id" in answer.body:
                self._hold(key, answer.body["id"])
            return
        id_ = order["id"]
        if id_ not in self.shop.orders:
            self.shop.orders.append(id_)
        if order.get("payment"):
            self.shop.payments[id_] = order["payment"]["id"]
        if order["status"] == "confirmed":
            self.shop.confirmed.add(id_)
        if key:
            self._hold(key, id_)

    def _hold(self, key: str, id_: str) -> None:
        if self.shop.made.setdefault((self.name, key), id_) != id_:
            self.shop.broken.append(f"{self.name}'s key {key} made {self.shop.made[self.name, key]} and {id_}")

    async def press(self, url: str, decision: str) -> None:
        """A button on the bank's page."""
        body = f"decision={decision}".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await self._call("POST", urlsplit(url).path, body, headers)
        self.shop.say(f"{self.name}: {decision} -> {answer.status}")

    async def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        request_id = self.shop.new_id()
        trace = f"00-{request_id.replace('-', '')}-{request_id[-12:]}0001-01"
        given = {"host": HOST.decode(), "x-request-id": request_id, "traceparent": trace, **headers}
        if body is not None:
            given = {"content-type": "application/json", "content-length": str(len(body)), **_lower(given)}
        where, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": where,
            "raw_path": where.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "server": (HOST.decode(), 80),
            "client": ("192.0.2.1", 40000),
        }
        return await _asked(self.shop.door, scope, body or b"", self.shop.loop)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _asked(app: ASGIApp, scope: dict[str, Any], body: bytes, loop: VirtualLoop) -> Answer:
    asked, start, chunks = False, dict[str, Any](), list[bytes]()

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await loop.create_future()
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif chunk := message.get("body"):
            chunks.append(chunk)

    await app(scope, receive, send)
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    whole = b"".join(chunks)
    return Answer(start["status"], orjson.loads(whole) if "json" in headers.get("content-type", "") else None, headers)
