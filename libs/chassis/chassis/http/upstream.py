"""A service behind the network, as an ASGI app: a proxy without a framework, on one aiohttp session.

The gateway routes through it, and ``Peers`` calls it just as it calls a service in its own process.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from time import monotonic
from typing import Final
from urllib.parse import quote

import aiohttp
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from chassis.http.errors import send_problem
from chassis.http.problems import silent, unavailable

CONNECT_WITHIN: Final = 1.0
SILENT_FOR: Final = 30.0
GIVE_UP_AFTER: Final = 1.8
"""Seconds of trying addresses, so that a service that is down is said to be down within two."""
AVOIDED_FOR: Final = 1.0
"""Seconds for which an address that refused comes last."""
IN_ONE_PIECE: Final = 256 * 1024
"""Bodies up to this size are collected before they are sent on: they can be sent again, and cost one write."""

_HOP_BY_HOP: Final = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding "
    b"upgrade expect".split()
)
# The length is said anew, from what is really sent: two lengths that differ would smuggle a request.
_NOT_ON: Final = _HOP_BY_HOP | {b"content-length"}
_NOT_BACK: Final = _HOP_BY_HOP | {b"date", b"server"}

_Refused = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_Broken = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class _ClientGone(Exception):
    """The one who asked hung up before all of the request was here."""


class Connections:
    """The process's one aiohttp session; opened at first use, inside the running loop."""

    def __init__(self, *, connect: float = CONNECT_WITHIN, silence: float = SILENT_FOR) -> None:
        self.silence = silence
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_read=silence)
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """The session."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                # Shorter than uvicorn keeps idle connections, so that none is used that the other end is closing.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15, ttl_dns_cache=5),
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
            # aiohttp would send PUT and DELETE again by itself; we send again only what is safe twice.
            self._session._retry_connection = False
        return self._session

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()


class Upstream:
    """The service ``name`` at one or several addresses (``http://host:port``), taken in turn.

    A GET, or a request with an Idempotency-Key, is tried at the next address when one cannot be reached or breaks off
    before it answers. What cannot be reached is a 503 naming the service, what stays silent a 504.
    """

    def __init__(self, name: str, addresses: Sequence[str], connections: Connections | None = None) -> None:
        if not addresses:
            raise ValueError(f"{name} has no address")
        self.name = name
        self.connections = connections or Connections()
        self._addresses = [address.strip().rstrip("/") for address in addresses]
        self._refused_at = dict.fromkeys(self._addresses, 0.0)
        self._turn = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise TypeError(f"{self.name} is behind HTTP: {scope['type']} cannot be passed on")
        headers, keyed, length = _forwarded(scope)
        try:
            body = await _body(receive, length)
        except _ClientGone:
            return
        if isinstance(body, _Rest) and length is not None:
            headers.append(("content-length", str(length)))
        again = (keyed or scope["method"] in ("GET", "HEAD")) and not isinstance(body, _Rest)
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._answer(scope, headers, body, again)
            await _send_back(response, receive, send, whole=not isinstance(body, _Rest))
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(body, _Rest) and body.broken_off:
                return
            if response is not None:
                raise
            late = isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError)
            await send_problem(scope, send, (silent if late else unavailable)(self.name))
        finally:
            if response is not None:
                response.release() if response.content.is_eof() else response.close()

    async def _answer(
        self, scope: Scope, headers: list[tuple[str, str]], body: "bytes | _Rest | None", again: bool
    ) -> aiohttp.ClientResponse:
        """The first answer that comes, from the first address that gives one."""
        session, method, path = self.connections.session(), scope["method"], _path(scope)
        began = monotonic()
        addresses = self._in_turn()
        tries = (addresses * 2 if len(addresses) == 1 else addresses) if again else addresses[:1]
        for number, address in enumerate(tries, 1):
            last = number == len(tries) or monotonic() - began > GIVE_UP_AFTER
            try:
                url = URL(address + path, encoded=True)
                request = session.request(method, url, headers=headers, data=body, allow_redirects=False)
                return await (self._while_it_moves(request, body) if isinstance(body, _Rest) else request)
            except _Refused:
                self._refused_at[address] = monotonic()
                if last or session.closed or len(addresses) == 1:
                    raise
            except _Broken:
                # Closed: this process stops, and who asks again will ask its successor.
                if last or session.closed:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _while_it_moves(
        self, request: Awaitable[aiohttp.ClientResponse], body: "_Rest"
    ) -> aiohttp.ClientResponse:
        """aiohttp watches for silence once all is sent; until then every part that goes out begins the wait anew."""
        silence, now = self.connections.silence, asyncio.get_running_loop().time
        async with asyncio.timeout(silence) as limit:
            body.moved = lambda: None if limit.expired() else limit.reschedule(now() + silence)
            try:
                return await request
            finally:
                body.moved = _still

    def _in_turn(self) -> list[str]:
        if len(self._addresses) == 1:
            return self._addresses
        self._turn = (self._turn + 1) % len(self._addresses)
        turned = self._addresses[self._turn :] + self._addresses[: self._turn]
        avoided = monotonic() - AVOIDED_FOR
        return sorted(turned, key=lambda address: self._refused_at[address] > avoided)


def _path(scope: Scope) -> str:
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"])
    query = scope["query_string"]
    return f"{path}?{query.decode('latin-1')}" if query else path


def _forwarded(scope: Scope) -> tuple[list[tuple[str, str]], bool, int | None]:
    """The headers to send on, whether there is an Idempotency-Key, and the body's length (None: not said)."""
    dropped, keyed, chunked, length = _NOT_ON, False, False, 0
    for name, value in scope["headers"]:
        if name == b"connection":
            dropped = dropped | {part.strip().lower() for part in value.split(b",")}
        elif name == b"idempotency-key":
            keyed = True
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
    kept = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"] if name not in dropped
    ]
    return kept, keyed, None if chunked else length


def _still() -> None:
    pass


class _Rest:
    """A body too large to hold, passed on as it comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.broken_off = False
        self.moved: Callable[[], None] = _still
        """Called when a part has gone out."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.broken_off = True
                raise _ClientGone
            if chunk := message.get("body"):
                yield chunk
                self.moved()
            if not message.get("more_body"):
                return


async def _body(receive: Receive, length: int | None) -> "bytes | _Rest | None":
    if length == 0:
        return None
    if length is None or length > IN_ONE_PIECE:
        return _Rest(receive)
    return b"".join([chunk async for chunk in _Rest(receive)])


async def _send_back(response: aiohttp.ClientResponse, receive: Receive, send: Send, *, whole: bool) -> None:
    headers = [(name.lower(), value) for name, value in response.raw_headers if name.lower() not in _NOT_BACK]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    length = response.content_length
    if length is not None and length <= IN_ONE_PIECE:
        await send({"type": "http.response.body", "body": await response.read()})
        return
    # An event stream ends when its reader hangs up, and only ``receive`` tells.
    gone = asyncio.ensure_future(_hung_up(receive, response)) if whole and length is None else None
    try:
        async for chunk in response.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except aiohttp.ClientError:
        if gone is None or not gone.done():
            raise
    finally:
        if gone is not None:
            gone.cancel()


async def _hung_up(receive: Receive, response: aiohttp.ClientResponse) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
    response.close()
