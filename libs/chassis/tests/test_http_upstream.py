"""A service behind the network: passed on whole, tried again where that is safe, named where it is away."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from chassis.http import Connections, Peers, Problem, Upstream
from chassis.http.middleware import Entry
from starlette.types import Message, Scope

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A real server; its address."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that speaks as badly as a test wants."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens: it is taken, so that no other server of the test gets it."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{mute.getsockname()[1]}"


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    connections = Connections(connect=0.3, silence=0.3)
    yield connections
    await connections.close()


@dataclass
class Client:
    """Whoever asks: sends a body in parts, keeps what comes back, may hang up."""

    parts: list[bytes] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    cut: bool = False

    async def receive(self) -> Message:
        if self.parts:
            part = self.parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self.parts) or self.cut}
        if not self.cut:
            await self.hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.body" and message.get("body"):
            self.came.set()

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name.decode(), value.decode()) for name, value in self.messages[0]["headers"]]

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    def json(self) -> Any:
        return json.loads(self.body)


def scope(method: str = "GET", path: str = "/x", headers: dict[str, str] | None = None) -> Scope:
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }


async def ask(upstream: Upstream, method: str = "GET", path: str = "/x", body: bytes = b"", **headers: str) -> Client:
    client = Client([body])
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        sent["content-length"] = str(len(body))
    await upstream(scope(method, path, sent), client.receive, client.send)
    return client


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    body = await request.read()
    said = {
        "method": request.method,
        "path": request.raw_path,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": body.decode(),
    }
    return web.json_response(said, status=201, headers={"ETag": '"1"', "Keep-Alive": "timeout=5", "X-Two": "a"})


async def test_a_request_goes_out_and_its_answer_comes_back_as_they_are(connections: Connections) -> None:
    async with serving(echo) as address:
        upstream = Upstream("catalog", [address], connections)
        client = await ask(
            upstream,
            "POST",
            "/api/v1/a%2Fb?q=%20x&q=2",
            b'{"a": 1}',
            host="shop.example",
            content_type="application/json",
        )
    assert client.status == 201
    assert ("etag", '"1"') in client.headers
    said = client.json()
    assert (said["method"], said["path"], said["body"]) == ("POST", "/api/v1/a%2Fb?q=%20x&q=2", '{"a": 1}')
    assert said["headers"] == {"host": "shop.example", "content-type": "application/json", "content-length": "8"}


async def test_headers_of_one_connection_stay_on_it(connections: Connections) -> None:
    async with serving(echo) as address:
        client = await ask(
            Upstream("catalog", [address], connections),
            connection="close, X-Hop",
            x_hop="1",
            te="trailers",
            upgrade="h2c",
            proxy_authorization="x",
            accept="a/b",
        )
    assert set(client.json()["headers"]) == {"host", "accept"}
    assert {"keep-alive", "connection", "transfer-encoding", "date", "server"} & set(dict(client.headers)) == set()


async def test_only_what_is_sent_says_how_long_it_is(connections: Connections) -> None:
    async with serving(echo) as address:
        client = Client([b"12345"])
        headers = {"content-length": "3", "transfer-encoding": "chunked"}
        await Upstream("catalog", [address], connections)(scope("POST", "/x", headers), client.receive, client.send)
        assert client.json()["body"] == "12345"
        assert "content-length" not in client.json()["headers"]
        client = Client([b"12345"])
        await Upstream("catalog", [address], connections)(
            scope("POST", "/x", {"content-length": "3"}), client.receive, client.send
        )
        assert client.json()["headers"]["content-length"] == "5"


async def test_an_empty_answer_stays_empty(connections: Connections) -> None:
    async def no_content(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=304 if request.method == "GET" else 204, headers={"ETag": '"1"'})

    async with serving(no_content) as address:
        upstream = Upstream("catalog", [address], connections)
        assert ((await ask(upstream)).status, (await ask(upstream)).body) == (304, b"")
        assert (await ask(upstream, "DELETE")).status == 204


async def test_a_compressed_answer_is_not_unpacked(connections: Connections) -> None:
    async def packed(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"not really gzip", headers={"Content-Encoding": "gzip"})

    async with serving(packed) as address:
        client = await ask(Upstream("catalog", [address], connections))
    assert (client.body, ("content-encoding", "gzip") in client.headers) == (b"not really gzip", True)


async def test_large_bodies_stream_both_ways(connections: Connections) -> None:
    seen = list[int]()

    async def double(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            seen.append(len(chunk))
            await response.write(chunk * 2)
        return response

    parts = [bytes([number]) * 100_000 for number in range(20)]
    async with serving(double) as address:
        for headers in ({"content-length": "2000000"}, {"transfer-encoding": "chunked"}):
            seen.clear()
            client = Client(list(parts))
            await Upstream("catalog", [address], connections)(scope("POST", "/x", headers), client.receive, client.send)
            assert len(client.body) == 4_000_000
            assert len(seen) > 1
            assert len(client.messages) > 3


async def test_an_event_stream_arrives_event_by_event_and_ends_with_its_reader(connections: Connections) -> None:
    ended = asyncio.Event()

    async def events(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        try:
            while True:
                await response.write(b": still here\n\n")
                await asyncio.sleep(0.05)
        finally:
            ended.set()

    async with serving(events) as address:
        client = Client()
        asking = asyncio.create_task(Upstream("order", [address], connections)(scope(), client.receive, client.send))
        async with asyncio.timeout(5):
            await client.came.wait()
            assert b"data: 1" in client.body
            client.hung_up.set()
            await asking
            await ended.wait()


async def test_what_is_down_is_named_at_once(connections: Connections, nobody: str) -> None:
    began = monotonic()
    client = await ask(Upstream("catalog", [nobody], connections))
    assert monotonic() - began < 1
    assert client.status == 503
    assert (client.json()["type"], client.json()["service"]) == ("/problems/service-unavailable", "catalog")
    assert ("retry-after", "1") in client.headers


async def test_what_does_not_let_in_is_named_within_two_seconds() -> None:
    connections = Connections()
    with socket.socket() as full, ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # its queue is full, and a further connect waits
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        address = f"http://127.0.0.1:{full.getsockname()[1]}"
        began = monotonic()
        client = await ask(Upstream("catalog", [address, address.replace("127.0.0.1", "localhost")], connections))
        assert client.status == 503
        assert monotonic() - began < 2.5
    await connections.close()


async def test_what_is_silent_is_a_504(connections: Connections) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(silent) as address:
        client = await ask(Upstream("payment", [address], connections))
    assert (client.status, client.json()["service"]) == (504, "payment")


async def test_a_slow_answer_that_keeps_talking_is_waited_for(connections: Connections) -> None:
    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(6):
            await response.write(b".")
            await asyncio.sleep(0.1)
        return response

    async with serving(slow) as address:
        assert (await ask(Upstream("catalog", [address], connections))).body == b"......"


async def test_an_upload_counts_silence_and_not_how_long_it_takes(connections: Connections) -> None:
    async def reads(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(len(await request.read()))

    class Slow(Client):
        async def receive(self) -> Message:
            await asyncio.sleep(0.1)
            return await super().receive()

    async with serving(reads) as address:
        client = Slow([b"x" * 100_000] * 5)
        headers = {"content-length": "500000"}
        await Upstream("catalog", [address], connections)(scope("POST", "/x", headers), client.receive, client.send)
    assert client.json() == 500_000


async def test_an_upload_that_is_not_read_is_a_504(connections: Connections) -> None:
    over = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with listening(deaf) as address:
        client = Client([b"x" * 1_000_000] * 20)
        headers = {"content-length": "20000000"}
        await Upstream("catalog", [address], connections)(scope("POST", "/x", headers), client.receive, client.send)
        over.set()
    assert client.status == 504


async def test_addresses_are_taken_in_turn(connections: Connections) -> None:
    counted = [0, 0]

    def counting(number: int) -> Handler:
        async def handler(request: web.BaseRequest) -> web.StreamResponse:
            counted[number] += 1
            return web.Response()

        return handler

    async with serving(counting(0)) as one, serving(counting(1)) as two:
        upstream = Upstream("catalog", [one, two], connections)
        for _ in range(10):
            await ask(upstream, "POST")
    assert counted == [5, 5]


async def test_a_get_or_a_keyed_request_goes_on_to_the_next_address(connections: Connections, nobody: str) -> None:
    async with serving(echo) as address:
        for first in (nobody, address), (address, nobody):
            assert (await ask(Upstream("catalog", first, connections))).status == 201
            keyed = await ask(Upstream("catalog", first, connections), "POST", body=b"{}", idempotency_key="k")
            assert keyed.status == 201


async def test_another_request_is_not_tried_twice_and_the_dead_address_is_avoided(
    connections: Connections, nobody: str
) -> None:
    async with serving(echo) as address:
        upstream = Upstream("catalog", [nobody, address], connections)
        statuses = [(await ask(upstream, "POST", body=b"{}")).status for _ in range(6)]
    assert statuses.count(503) == 1
    assert statuses.count(201) == 5


@pytest.mark.parametrize(
    ("method", "headers", "times"),
    [("GET", {}, 2), ("POST", {"idempotency_key": "k"}, 2), ("POST", {}, 1), ("PUT", {}, 1), ("DELETE", {}, 1)],
)
async def test_what_breaks_off_is_asked_again_only_where_twice_is_once(
    connections: Connections, method: str, headers: dict[str, str], times: int
) -> None:
    asked = list[bytes]()

    async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with listening(breaks_off) as address:
        client = await ask(Upstream("catalog", [address], connections), method, "/x", b"", **headers)
    assert client.status == 503
    assert len(asked) == times


async def test_a_kept_connection_that_died_is_not_noticed_by_a_get(connections: Connections) -> None:
    asked = 0

    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with listening(answers_once) as address:
        upstream = Upstream("catalog", [address], connections)
        assert [(await ask(upstream)).status for _ in range(3)] == [200, 200, 200]


async def test_what_is_still_asked_when_the_process_stops_may_be_asked_again(connections: Connections) -> None:
    asked = asyncio.Event()

    async def think(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(60)
        return web.Response()

    async with serving(think) as address:
        asking = asyncio.create_task(ask(Upstream("catalog", [address], connections)))
        await asked.wait()
        await connections.close()
        answer = await asking
    assert answer.status == 503
    assert ("retry-after", "1") in answer.headers


async def test_an_answer_that_is_cut_is_not_made_to_look_whole(connections: Connections) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with listening(cut) as address:
        with pytest.raises(aiohttp.ClientPayloadError):
            await ask(Upstream("catalog", [address], connections))


async def test_a_client_that_hangs_up_in_the_middle_of_its_body_ends_the_request(connections: Connections) -> None:
    whole = asyncio.Event()

    async def reads(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        whole.set()
        return web.Response()

    async with serving(reads) as address:
        for length in ("10", "1000000"):
            client = Client([b"12345"], cut=True)
            headers = {"content-length": length}
            await Upstream("catalog", [address], connections)(scope("POST", "/x", headers), client.receive, client.send)
            assert client.messages == []
    assert not whole.is_set()


async def test_peers_reach_a_service_behind_the_network_as_one_beside_them(
    connections: Connections, nobody: str
) -> None:
    async with serving(echo) as address:
        peers = Peers(
            {"catalog": Upstream("catalog", [address], connections), "order": Upstream("order", [nobody], connections)}
        )
        answer = await peers.post("catalog", "/internal/v1/x?y=1", {"a": 1})
        assert (answer.status, answer.json()["body"], answer.json()["path"]) == (201, '{"a":1}', "/internal/v1/x?y=1")
        with pytest.raises(Problem) as raised:
            await peers.get("order", "/x")
    assert raised.value.extra == {"service": "order"}


async def test_the_problem_of_a_proxy_carries_the_requests_id(connections: Connections, nobody: str) -> None:
    client = Client()
    gateway = Entry(Upstream("catalog", [nobody], connections), "gateway")
    await gateway(scope(headers={"x-request-id": "r-1"}), client.receive, client.send)
    assert (client.json()["request_id"], client.json()["instance"]) == ("r-1", "/x")


def test_a_service_needs_an_address() -> None:
    with pytest.raises(ValueError, match="catalog has no address"):
        Upstream("catalog", [])


async def test_only_http_is_passed_on(connections: Connections, nobody: str) -> None:
    client = Client()
    with pytest.raises(TypeError):
        await Upstream("catalog", [nobody], connections)({"type": "websocket"}, client.receive, client.send)
