"""What the gateway answers itself: documents, problems, health, and in development the page to start from."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from chassis.http import METHOD_NOT_ALLOWED, NOT_FOUND, Problem
from jinja2 import Environment, PackageLoader
from starlette.types import Message

from gateway import mails
from gateway.answering import page
from gateway.arriving import Arrived
from gateway.documents import Documents, File
from gateway.health import Health
from gateway.settings import Settings

Answer = Sequence[Message]

NO_CACHE: Final = (b"cache-control", b"no-cache")
REDIRECTS: Final = {"/swagger": b"/docs", "/api/docs": b"/docs", "/api": b"/", "/api/v1": b"/"}
LINKS: Final = {
    "documentation": "/docs",
    "reference": "/redoc",
    "openapi": "/openapi.json",
    "asyncapi": "/asyncapi",
    "problems": "/problems",
    "health": "/health/ready",
    "keys": "/.well-known/jwks.json",
    "api": "/api/v1",
}
DEMO_PASSWORD: Final = "soko-demo-2026"  # noqa: S105 - published, and refused outside development
DEMO_ACCOUNTS: Final = ("customer", "staff", "admin")


class Pages:
    """By path. Nothing here is hot."""

    def __init__(self, settings: Settings, documents: Documents, health: Health) -> None:
        self._settings, self._documents, self._health = settings, documents, health
        self._at: Mapping[str, Callable[[Arrived], Awaitable[Answer]]] = {
            "/": self._start,
            "/docs": self._static("swagger.html"),
            "/redoc": self._static("redoc.html"),
            "/openapi.json": self._openapi,
            "/openapi.yaml": self._openapi_yaml,
            "/asyncapi": self._asyncapi,
            "/problems": self._problems,
            "/health/live": self._live,
            "/health/ready": self._ready,
            **({"/dev/mails": self._mails} if settings.development else {}),
        }

    @property
    def paths(self) -> frozenset[str]:
        """The pages there are, besides redirects, static files and kinds of problems."""
        return frozenset(self._at)

    async def answer(self, arrived: Arrived) -> Answer | None:
        """The answer, or None where there is no such page."""
        path = arrived.path
        make = self._at.get(path)
        if make is None:
            make = self._below(path)
        if make is None:
            return None
        if arrived.scope["method"] not in ("GET", "HEAD"):
            raise Problem(METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        return await make(arrived)

    def _below(self, path: str) -> Callable[[Arrived], Awaitable[Answer]] | None:
        if path in REDIRECTS:
            return self._redirect(REDIRECTS[path])
        for prefix, make in (("/static/", self._static), ("/problems/", self._problem)):
            if path.startswith(prefix):
                return make(path.removeprefix(prefix))
        return None

    async def _start(self, arrived: Arrived) -> Answer:
        if self._settings.development and b"text/html" in arrived.headers.get(b"accept", b""):
            return page(200, "text/html; charset=utf-8", self._start_page(), NO_CACHE)
        return _json({"name": "Soko", "links": LINKS})

    def _start_page(self) -> bytes:
        templates = Environment(loader=PackageLoader("gateway", "static"), autoescape=True)
        accounts = [f"{name}@soko.example" for name in DEMO_ACCOUNTS]
        shown = {"accounts": accounts, "password": DEMO_PASSWORD, "currency": self._settings.shop_currency}
        return templates.get_template("start.html").render(**shown).encode()

    async def _openapi(self, arrived: Arrived) -> Answer:
        return _file(arrived, self._documents.openapi())

    async def _openapi_yaml(self, arrived: Arrived) -> Answer:
        return _file(arrived, await self._documents.openapi_yaml())

    async def _asyncapi(self, arrived: Arrived) -> Answer:
        return _file(arrived, self._documents.asyncapi())

    async def _problems(self, arrived: Arrived) -> Answer:
        return _json({"items": list(self._documents.problems())})

    def _problem(self, slug: str) -> Callable[[Arrived], Awaitable[Answer]]:
        async def answer(arrived: Arrived) -> Answer:
            found = self._documents.problem(slug)
            if found is None:
                raise Problem(NOT_FOUND, "No problem is called so.")
            return _json(found)

        return answer

    def _static(self, name: str) -> Callable[[Arrived], Awaitable[Answer]]:
        async def answer(arrived: Arrived) -> Answer:
            return _file(arrived, None if name == "start.html" else self._documents.static(name))

        return answer

    def _redirect(self, to: bytes) -> Callable[[Arrived], Awaitable[Answer]]:
        async def answer(arrived: Arrived) -> Answer:
            return page(308, "text/plain", b"", (b"location", to))

        return answer

    async def _live(self, arrived: Arrived) -> Answer:
        return _json({"status": "live"})

    async def _ready(self, arrived: Arrived) -> Answer:
        ready, degraded = await self._health.look()
        status = "unready" if not ready else "degraded" if degraded else "ready"
        body: dict[str, Any] = {"status": status, "degraded": degraded}
        if not ready:
            body["reason"] = "no signing keys yet: identity has not been reached"
        return _json(body, 200 if ready else 503)

    async def _mails(self, arrived: Arrived) -> Answer:
        return _json({"items": await asyncio.to_thread(mails.newest, self._settings.soko_home)})


def _json(value: Any, status: int = 200) -> Answer:
    return page(status, "application/json", orjson.dumps(value), NO_CACHE)


def _file(arrived: Arrived, file: File | None) -> Answer:
    if file is None:
        raise Problem(NOT_FOUND, "There is nothing at this path.")
    tagged = (NO_CACHE, (b"etag", file.etag))
    given = {part.strip().removeprefix(b"W/") for part in arrived.headers.get(b"if-none-match", b"").split(b",")}
    if file.etag in given:
        return page(304, file.content_type, b"", *tagged)
    return page(200, file.content_type, file.body, *tagged)
