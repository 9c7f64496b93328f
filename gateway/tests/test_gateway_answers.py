"""What becomes of the services' answers on their way out, and of services that do not answer."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module

import httpx
import pytest
from chassis.fixtures import Clock, Identity
from chassis.http.upstream import Upstream
from gateway.app import Gateway
from gateway.service import build
from gateway.settings import Settings
from gateway.silence import Heard
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY = "an internal key for these tests, 32 chars"
SERVICES = ("catalog", "cart", "order", "payment", "inventory", "notification", "cardsim")
brotli = import_module("brotli")  # it has no types

Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Shop:
    client: httpx.AsyncClient
    gateway: Gateway

    def heard(self, service: str) -> Heard:
        """The watch over the silence of a service in this process."""
        app = self.gateway._apps[service]
        assert isinstance(app, Heard)
        return app


async def well(request: Request) -> Response:
    return JSONResponse({})


@asynccontextmanager
async def open_shop(apps: Mapping[str, ASGIApp]) -> AsyncIterator[Shop]:
    """The gateway in front of ``apps``, and of services that answer everything with nothing."""
    clock = Clock()
    others = {name: serving(("/{path:path}", well)) for name in SERVICES}
    settings = Settings(soko_env="testing", soko_internal_key=SecretStr(KEY))
    door = build(settings, {"identity": Identity(clock).app(), **others, **apps}, clock)
    await door.keys.refresh()
    assert isinstance(door.app, Gateway)
    transport = httpx.ASGITransport(app=door.app, raise_app_exceptions=False, client=("203.0.113.9", 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        try:
            yield Shop(client, door.app)
        finally:
            await door.stop()


BIG = b'{"text": "' + b"soko " * 2000 + b'"}'


def serving(*routes: tuple[str, Answer]) -> Starlette:
    return Starlette(routes=[Route(path, answer) for path, answer in routes])


async def big(request: Request) -> Response:
    return Response(BIG, media_type="application/json", headers={"ETag": '"7"'})


class TestCompression:
    @pytest.mark.parametrize(("accepts", "encoding"), [("br", "br"), ("gzip, deflate, br", "br"), ("gzip", "gzip")])
    async def test_what_is_large_is_compressed(self, accepts: str, encoding: str) -> None:
        async with open_shop({"catalog": serving(("/api/v1/products", big))}) as shop:
            for _ in range(2):
                answer = await shop.client.get("/api/v1/products", headers={"Accept-Encoding": accepts})
                assert answer.headers["content-encoding"] == encoding
                assert answer.headers["etag"] == 'W/"7"'
                assert int(answer.headers["content-length"]) < 300
                assert "Accept-Encoding" in answer.headers["vary"]
                assert answer.content == BIG

    @pytest.mark.parametrize("accepts", ["identity", "br;q=0, gzip;q=0", "deflate", ""])
    async def test_only_for_those_who_take_it(self, accepts: str) -> None:
        async with open_shop({"catalog": serving(("/api/v1/products", big))}) as shop:
            answer = await shop.client.get("/api/v1/products", headers={"Accept-Encoding": accepts})

        assert "content-encoding" not in answer.headers
        assert (answer.headers["etag"], answer.content) == ('"7"', BIG)

    async def test_small_encoded_and_binary_answers_stay_as_they_are(self) -> None:
        async def small(request: Request) -> Response:
            return JSONResponse({})

        async def packed(request: Request) -> Response:
            return Response(gzip.compress(BIG), headers={"Content-Encoding": "gzip"}, media_type="application/json")

        async def image(request: Request) -> Response:
            return Response(BIG, media_type="image/png")

        app = serving(("/api/v1/products/a", small), ("/api/v1/products/b", packed), ("/api/v1/products/c", image))
        async with open_shop({"catalog": app}) as shop:
            encodings = [
                (await shop.client.get(f"/api/v1/products/{each}", headers={"Accept-Encoding": "br"})).headers.get(
                    "content-encoding"
                )
                for each in "abc"
            ]

        assert encodings == [None, "gzip", None]

    async def test_an_answer_in_parts_is_compressed_as_it_comes(self) -> None:
        async def parts() -> AsyncIterator[str]:
            for n in range(5):
                yield f"line {n}\n" * 500

        async def csv(request: Request) -> Response:
            return StreamingResponse(parts(), media_type="text/csv")

        async with open_shop({"order": serving(("/api/v1/orders.csv", csv))}) as shop:
            for encoding in ("br", "gzip"):
                answer = await shop.client.get("/api/v1/orders.csv", headers={"Accept-Encoding": encoding})
                assert answer.headers["content-encoding"] == encoding
                assert len(answer.text.splitlines()) == 2500

    async def test_events_go_out_at_once(self) -> None:
        gone = asyncio.Event()

        async def events() -> AsyncIterator[str]:
            yield "data: 1\n\n"
            await gone.wait()

        async def stream(request: Request) -> Response:
            return StreamingResponse(events(), media_type="text/event-stream")

        async with open_shop({"notification": serving(("/api/v1/events", stream))}) as shop:
            sent: list[Message] = []

            async def send(message: Message) -> None:
                sent.append(message)
                if message.get("body"):
                    gone.set()

            async def receive() -> Message:
                await gone.wait()
                return {"type": "http.disconnect"}

            scope = {
                "type": "http",
                "method": "GET",
                "path": "/api/v1/events",
                "raw_path": b"/api/v1/events",
                "query_string": b"",
                "headers": [(b"accept-encoding", b"br")],
                "scheme": "http",
                "client": ("203.0.113.9", 1),
                "server": ("shop", 80),
                "http_version": "1.1",
                "root_path": "",
            }
            async with asyncio.timeout(5):
                await shop.gateway(scope, receive, send)

        assert [message.get("body") for message in sent[:2]] == [None, b"data: 1\n\n"]

    def test_brotli_reads_what_brotli_wrote(self) -> None:
        assert brotli.decompress(brotli.compress(BIG, quality=4)) == BIG


class TestServicesThatFail:
    async def test_one_that_is_down_is_named(self) -> None:
        async with open_shop({"order": Upstream("order", ["http://127.0.0.1:9"])}) as shop:
            answer = await shop.client.get("/api/v1/orders")

        assert (answer.status_code, answer.json()["service"]) == (503, "order")
        assert answer.headers["retry-after"]

    async def test_one_that_is_not_there_at_all_is_named(self) -> None:
        async with open_shop({}) as shop:
            del shop.gateway._apps["order"]
            answer = await shop.client.get("/api/v1/orders")

        assert (answer.status_code, answer.json()["service"]) == (503, "order")

    async def test_one_that_is_silent_is_504(self) -> None:
        async def silence(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.Event().wait()

        async with open_shop({"order": silence}) as shop:
            shop.heard("order").silence = 0.05
            answer = await shop.client.get("/api/v1/orders")

        assert (answer.status_code, answer.json()["service"]) == (504, "order")

    async def test_one_that_goes_on_talking_may_take_its_time(self) -> None:
        async def parts() -> AsyncIterator[str]:
            for _ in range(8):
                await asyncio.sleep(0.02)
                yield "x"

        async def slow(request: Request) -> Response:
            return StreamingResponse(parts(), media_type="text/plain")

        async with open_shop({"order": serving(("/api/v1/orders", slow))}) as shop:
            shop.heard("order").silence = 0.1
            answer = await shop.client.get("/api/v1/orders")

        assert answer.text == "x" * 8

    async def test_one_that_raises_is_a_plain_500_without_its_words(self) -> None:
        async def fails(scope: Scope, receive: Receive, send: Send) -> None:
            raise RuntimeError("the secret")

        async with open_shop({"order": fails}) as shop:
            answer = await shop.client.get("/api/v1/orders")

        assert answer.status_code == 500
        assert answer.json()["type"] == "/problems/internal"
        assert "secret" not in answer.text

    async def test_one_that_is_unwell_is_degraded_and_the_gateway_ready(self) -> None:
        async def unwell(request: Request) -> Response:
            return PlainTextResponse("", 503)

        async with open_shop({"order": serving(("/health/ready", unwell))}) as shop:
            answer = await shop.client.get("/health/ready")

        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert "order" in answer.json()["degraded"]
        assert "cart" not in answer.json()["degraded"]
