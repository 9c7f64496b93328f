"""A service behind the network that is away, silent or breaks off: named, and asked again where that is safe."""

import asyncio
import socket
from contextlib import ExitStack
from time import monotonic

import aiohttp
import pytest
from aiohttp import web
from behind import Client, Handler, ask, echo, listening, scope, serving
from chassis.http import Connections, Upstream
from starlette.types import Message


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
        await asyncio.Event().wait()
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
