"""Clients that are slow, silent, greedy or gone, against the shop as its user starts it: it goes on serving others."""

import asyncio
import contextlib
import gzip
import resource
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from chassis.fixtures import until
from killing import RunningShop, login, remove, shopping, stocked
from strangers import HOST, Socket, connected, drip, each, hang_up, memory, open_files_allowed, others

ITEMS = b"POST /api/v1/cart/items HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
PRODUCTS = b"GET /api/v1/products?limit=100 HTTP/1.1\r\n" + HOST + b"\r\n"
LATE = 20
"""Seconds that a head may take; a body has as many, and one more for each 500 bytes."""


@dataclass
class Open:
    """A running shop, with something on its shelf."""

    shop: RunningShop
    session: aiohttp.ClientSession
    sku: str


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Open]:
    shop = RunningShop.start("run")
    try:
        async with shopping(shop) as session:
            yield Open(shop, session, await stocked(session, shop.url, 100_000))
    finally:
        shop.stop()
        remove(shop)


async def test_slow_heads_and_slow_bodies_are_hung_up_on(place: Open) -> None:
    """A byte a second, on 300 connections each."""
    async with others(place.shop, place.session, place.sku), connected(place.shop, 900) as sockets:
        heads, bodies, chunks = sockets[:300], sockets[300:600], sockets[600:]
        answers = await asyncio.gather(
            each(heads, lambda at: drip(at, b"GET /api/v1/products HTTP/1.1\r\nX-Slow: ", b"a"), LATE + 10),
            each(bodies, lambda at: drip(at, ITEMS + b"Content-Length: 1000\r\n\r\n", b" "), LATE + 10),
            each(chunks, lambda at: drip(at, ITEMS + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), LATE + 10),
        )
    assert {answer.split(b"\r\n")[0] for answers_ in answers for answer in answers_} <= {
        b"HTTP/1.1 408 Request Timeout",
        b"",
    }
    assert sum(answer != b"" for answers_ in answers for answer in answers_) > 800


async def test_ten_thousand_silent_connections_at_once(place: Open) -> None:
    """None of them says a word; each is closed after a while, and none of their memory stays."""
    wanted = open_files_allowed(10_000)
    async with others(place.shop, place.session, place.sku) as served, connected(place.shop, wanted) as sockets:
        assert await each(sockets, lambda at: at[0].read(), LATE + 20) == [b""] * wanted
    print(f"{wanted} connections: {(served.most_memory - served.began_with) / 2**20:.0f} MiB")


async def test_ten_thousand_connections_that_ask_once_and_stay(place: Open) -> None:
    wanted = open_files_allowed(10_000)

    async def ask(at: Socket) -> bytes:
        at[1].write(b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n")
        return await at[0].readline()

    async with others(place.shop, place.session, place.sku), connected(place.shop, wanted) as sockets:
        for first in range(0, wanted, 500):
            answers = await each(sockets[first : first + 500], ask, 30)
            assert set(answers) == {b"HTTP/1.1 200 OK\r\n"}


async def test_at_the_limit_of_open_files_those_who_wait_longest_make_room(place: Open) -> None:
    """The shop may have 1,000 files open, so 600 connections; 1,500 come and say nothing."""
    pid = place.shop.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1000, before[1]))
    try:
        async with others(place.shop, place.session, place.sku), connected(place.shop, 1500) as sockets:
            closed = await _closed_within(sockets, 3)
        assert 800 < closed < 1500
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


async def _closed_within(sockets: list[Socket], seconds: float) -> int:
    reads = [asyncio.create_task(reader.read()) for reader, _ in sockets]
    done, waiting = await asyncio.wait(reads, timeout=seconds)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*reads, return_exceptions=True)
    return len(done)


async def test_heads_without_end_are_cut(place: Open) -> None:
    """One header that never ends, a million headers, a path of megabytes."""

    async def flood(at: Socket, first: bytes, more: bytes) -> bytes:
        at[1].write(first)
        said = asyncio.create_task(at[0].read())
        for _ in range(1000):
            if said.done() or at[1].is_closing():
                break
            with contextlib.suppress(ConnectionError):
                at[1].write(more)
                await at[1].drain()
        with contextlib.suppress(ConnectionError):
            return await said
        return b""

    async with others(place.shop, place.session, place.sku), connected(place.shop, 60) as sockets:
        answers = await asyncio.gather(
            each(sockets[:20], lambda at: flood(at, b"GET / HTTP/1.1\r\nX-Long: ", b"a" * 65536), 60),
            each(sockets[20:40], lambda at: flood(at, b"GET / HTTP/1.1\r\n", b"X-Many: a\r\n" * 6000), 60),
            each(sockets[40:], lambda at: flood(at, b"GET /", b"a" * 65536), 60),
        )
    firsts = {answer.split(b"\r\n")[0] for answers_ in answers for answer in answers_}
    assert firsts <= {b"HTTP/1.1 431 Request Header Fields Too Large", b""}


async def test_a_packed_body_is_not_unpacked(place: Open) -> None:
    """A hundred kilobytes that would be a hundred megabytes."""
    bomb = gzip.compress(b'{"sku": "' + b"a" * 100 * 2**20)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with others(place.shop, place.session, place.sku):
        for _ in range(20):
            async with place.session.post(f"{place.shop.url}/api/v1/cart/items", data=bomb, headers=headers) as answer:
                assert answer.status in (413, 415), await answer.text()
        async with place.session.post(
            f"{place.shop.url}/api/v1/cart/items", data=gzip.compress(b"{}"), headers=headers
        ) as answer:
            assert answer.status == 415


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonx", "\xff", ""],
)
async def test_another_content_type_is_415(content_type: str, place: Open) -> None:
    headers = {"Content-Type": content_type}
    url = f"{place.shop.url}/api/v1/cart/items"
    async with place.session.post(url, data=b'{"sku": "a", "quantity": 1}', headers=headers) as answer:
        assert answer.status == 415


async def test_requests_sent_ahead_by_the_thousand_are_not_kept(place: Open) -> None:
    """On a connection that reads nothing; and garbage behind a good request is refused."""

    async def ahead(at: Socket) -> bytes:
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(200):
                at[1].write(PRODUCTS * 1000)
                await asyncio.wait_for(at[1].drain(), 1)
        return b""

    async def garbage(at: Socket) -> bytes:
        at[1].write(PRODUCTS + b"\x00\xff" * 1000)
        with contextlib.suppress(ConnectionError):
            return await at[0].read()
        return b""

    async with others(place.shop, place.session, place.sku), connected(place.shop, 60) as sockets:
        _, said = await asyncio.gather(each(sockets[:30], ahead, 60), each(sockets[30:], garbage, 60))
    assert all(answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400")) or not answer for answer in said)


async def test_clients_that_go_away_in_the_middle_leave_nothing_behind(place: Open) -> None:
    """With half a head, half a body, half an answer; with a reset, or with an end and no more."""
    starts = (b"GET /api/v1/prod", ITEMS + b'Content-Length: 100\r\n\r\n{"sku":', PRODUCTS, PRODUCTS * 3)
    before = await _connections(place)
    async with others(place.shop, place.session, place.sku):
        for _ in range(10):
            async with connected(place.shop, 100) as sockets:
                for number, (_, writer) in enumerate(sockets):
                    writer.write(starts[number % len(starts)])
                    await asyncio.sleep(0)
                for number, (_, writer) in enumerate(sockets):
                    if number % 2:
                        hang_up(writer)
                    else:
                        writer.write_eof()

    async def forgotten() -> bool:
        return await _connections(place) <= before + 5

    await until(forgotten, LATE + 15)


async def _connections(place: Open) -> int:
    """Those the shop has open at its door, as the kernel counts them."""
    port = int(place.shop.url.rpartition(":")[2])
    lines = await asyncio.to_thread(lambda: open("/proc/net/tcp").readlines())  # noqa: SIM115
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "01" for line in lines[1:])


async def test_http_1_0_gets_its_answer_and_an_end(place: Open) -> None:
    async with connected(place.shop, 2) as ((reader, writer), (kept, keeping)):
        writer.write(b"GET /api/v1/products?limit=1 HTTP/1.0\r\n\r\n")
        head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert b"chunked" not in head
        assert body.startswith(b'{"items":')
        keeping.write(b"GET /api/v1/products?limit=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (await asyncio.wait_for(kept.read(), 10)).startswith(b"HTTP/1.1 200 OK")


async def test_followers_that_never_read_hold_up_nobody(place: Open) -> None:
    """100 readers of the event stream that have stopped reading, while orders make events."""
    staff = await login(place.session, place.shop.url, "admin@soko.example")
    bearer = f"Authorization: {staff.headers['Authorization']}\r\n".encode()
    follow = b"GET /api/v1/events HTTP/1.1\r\n" + HOST + bearer + b"Accept: text/event-stream\r\n\r\n"
    async with others(place.shop, place.session, place.sku) as served, connected(place.shop, 100) as sockets:
        for reader, writer in sockets:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            writer.write(follow)
            assert await asyncio.wait_for(reader.readline(), 10) == b"HTTP/1.1 200 OK\r\n"
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        reached = served.orders + 20

        async def sold() -> bool:
            return served.orders >= reached

        await until(sold)
    assert memory(place.shop) < 2**30
