"""What is hardly HTTP any more, byte by byte at the door: refused, never a 5xx, and the next one is served."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from cast import Cast, listening

HOST = b"Host: soko.test\r\n"
JSON = b"Content-Type: application/json\r\n"


def get(path: bytes, headers: bytes = b"") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


def post(path: bytes, headers: bytes = b"", body: bytes = b"{}") -> bytes:
    length = b"" if b"ength" in headers or b"ncoding" in headers else b"Content-Length: %d\r\n" % len(body)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + length + headers + b"\r\n" + body


ITEMS, LOGIN = b"/api/v1/cart/items", b"/api/v1/auth/login?cookie=true"
RAW = {
    "a length that is no number": post(ITEMS, b"Content-Length: abc\r\n"),
    "a negative length": post(ITEMS, b"Content-Length: -5\r\n"),
    "two lengths": post(ITEMS, b"Content-Length: 2\r\nContent-Length: 3\r\n"),
    "a length and chunks": post(
        ITEMS, b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nGET /internal"
    ),
    "chunks of no size": post(ITEMS, JSON + b"Transfer-Encoding: chunked\r\n", b"zz\r\n"),
    "two encodings": post(ITEMS, JSON + b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "a path of 100,000 characters": get(b"/" + b"a" * 100_000),
    "a broken escape": get(b"/api/v1/products?search=%zz"),
    "a search that is not UTF-8": get(b"/api/v1/products?search=%ff%fe"),
    "a slug that is not UTF-8": get(b"/api/v1/products/%ff%fe"),
    "a path in Latin-1": get(b"/api/v1/products/\xff"),
    "no path": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a path that is no path": get(b"x"),
    "a whole URL": get(b"http://elsewhere.example/internal/v1/variants"),
    "a tunnel": b"CONNECT elsewhere.example:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method nobody knows": b"BREW /api/v1/products HTTP/1.1\r\n" + HOST + b"\r\n",
    "a version nobody knows": b"GET /api/v1/products HTTP/9.9\r\n" + HOST + b"\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a NUL in a header": get(b"/api/v1/orders", b"Authorization: \x00\r\n"),
    "a bearer in Latin-1": get(b"/api/v1/orders", b"Authorization: Bearer \xff\xfe\r\n"),
    "a cart token in Latin-1": get(b"/api/v1/orders", b"X-Cart-Token: " + b"\xff" * 20 + b"\r\n"),
    "a service token in Latin-1": get(b"/api/v1/cart", b"X-Service-Token: \xff\r\n"),
    "a key in Latin-1": post(
        b"/api/v1/orders", JSON + b"Idempotency-Key: \xff\r\nX-Cart-Token: " + b"x" * 43 + b"\r\n"
    ),
    "ids in Latin-1": get(b"/api/v1/cart", b"X-Request-ID: \xff\r\ntraceparent: \xff\r\n"),
    "wishes in Latin-1": get(b"/api/v1/cart", b"Prefer: wait=\xb2\r\nAccept: \xff\r\nAccept-Encoding: \xff\r\n"),
    "tags in Latin-1": get(b"/api/v1/cart", b'If-None-Match: "\xff"\r\nIf-Match: \xff\r\n'),
    "proxies in Latin-1": get(b"/api/v1/cart", b"X-Forwarded-For: \xff,,\r\nX-Forwarded-Proto: \xff\r\n"),
    "cookies in Latin-1": post(
        b"/api/v1/auth/refresh?cookie=true", b"Cookie: soko_refresh=\xff\r\nX-CSRF-Token: \xff\r\n"
    ),
    "an origin that is none": post(LOGIN, JSON + b"Origin: http://[::1\r\n", b'{"email":"a@b.example","password":"x"}'),
    "a referrer that is none": post(
        LOGIN, JSON + b"Referer: http://[::1\r\n", b'{"email":"a@b.example","password":"x"}'
    ),
    "an event id that is none": get(b"/api/v1/events", b"Last-Event-ID: \xb2\r\nAccept: text/event-stream\r\n"),
    "a file with a NUL": get(b"/static/%00"),
    "a file with a long name": get(b"/static/" + b"a" * 300),
    "a file elsewhere": get(b"/static/%2e%2e/%2e%2e/settings.py"),
    "a problem with a NUL": get(b"/problems/%00%ff"),
    "a bank's page with a NUL": get(b"/cardsim/3ds/a%00b"),
    "a bank's button with a NUL": post(b"/cardsim/3ds/a%00b", b"", b"decision=approve"),
    "a bank's page that is not UTF-8": get(b"/cardsim/3ds/%ff"),
}


@pytest.fixture(scope="module")
async def port(cast: Cast) -> AsyncIterator[int]:
    """Where the shop listens."""
    async with listening(cast.shop) as url:
        yield int(url.rpartition(":")[2])


async def said(port: int, raw: bytes) -> bytes:
    """The first that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        return await asyncio.wait_for(reader.readline(), 10)
    finally:
        writer.close()


@pytest.mark.parametrize("name", RAW)
async def test_what_is_hardly_http_is_answered_all_the_same(name: str, port: int) -> None:
    line = await said(port, RAW[name])
    assert line.startswith(b"HTTP/1.1 "), line
    assert 200 <= int(line.split()[1]) < 500, line
    assert (await said(port, get(b"/health/live"))).split()[1] == b"200"
