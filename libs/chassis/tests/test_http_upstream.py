"""A service behind the network: what is asked and what is answered pass whole."""

import asyncio

import pytest
from aiohttp import web
from behind import Client, ask, echo, scope, serving
from chassis.http import Connections, Peers, Problem, Upstream
from chassis.http.middleware import Entry


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
