"""An answer on its way out: its headers made whole, its body compressed where the client takes that."""

from time import perf_counter
from typing import Any, Final

from starlette.types import Message, Send

from gateway.arriving import Arrived
from gateway.compressing import LEAST, Compressed, Encoder, choose, compresses, encoder
from gateway.edge import DATA_POLICY, PAGE_POLICY, Headers

_OURS: Final = frozenset({b"x-request-id", b"traceparent", b"server", b"date"})
NOT_KEPT: Final = (b"cache-control", b"no-store")
"""Whoever says nothing about caching answers something of somebody's."""
_WITHOUT_BODY: Final = frozenset({204, 304})


class Answering:
    """The ``send`` that a service gets.

    The start is held until the first of the body is there, since that says whether it is worth compressing. ``keep``:
    what the body is compressed to may be asked for again.
    """

    __slots__ = (
        "_arrived",
        "_began",
        "_compressed",
        "_encoder",
        "_encoding",
        "_extra",
        "_held",
        "_send",
        "forbidden",
        "keep",
        "status",
    )

    def __init__(self, send: Send, arrived: Arrived, extra: Headers, compressed: Compressed, began: float) -> None:
        self._send, self._arrived, self._extra, self._compressed = send, arrived, extra, compressed
        self._began = began
        self._encoding = choose(arrived.headers.get(b"accept-encoding"))
        self._encoder: Encoder | None = None
        self._held: Message | None = None
        self.keep = False
        self.forbidden = False
        self.status = 0
        """Of the answer that went out, or is about to."""

    @property
    def started(self) -> bool:
        """Whether anything has gone out."""
        return self.status != 0 and self._held is None

    def take_back(self) -> None:
        """Forget a start that has not gone out."""
        self._held, self.status = None, 0

    async def __call__(self, message: Message) -> None:
        if self.forbidden:
            return
        kind = message["type"]
        if kind == "http.response.start":
            self.status, self._held = message["status"], message
            if _content_type(message).startswith(b"text/event-stream"):
                await self._begin(None)
        elif kind != "http.response.body":
            await self._send(message)
        elif self._held is None:
            await self._send(self._part(message))
        elif message.get("more_body"):
            await self._begin(message)
        else:
            await self._whole(message)

    async def _whole(self, message: Message) -> None:
        start, body = self._held, message.get("body", b"")
        assert start is not None
        self._held = None
        packed = self._encoding is not None and len(body) > LEAST and self._packs(start)
        if packed:
            assert self._encoding is not None
            body = await self._compressed.of(body, self._encoding, keep=self.keep)
        start["headers"] = self._headers(start, len(body) if packed else None, packed=packed)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    async def _begin(self, first: Message | None) -> None:
        start = self._held
        assert start is not None
        self._held = None
        if self._encoding is not None and first is not None and self._packs(start):
            self._encoder = encoder(self._encoding)
        start["headers"] = self._headers(start, None, packed=self._encoder is not None)
        await self._send(start)
        if first is not None:
            await self._send(self._part(first))

    def _part(self, message: Message) -> Message:
        if self._encoder is None:
            return message
        body = self._encoder.process(message.get("body", b""))
        more = message.get("more_body", False)
        return {**message, "body": body + (self._encoder.flush() if more else self._encoder.finish())}

    def _packs(self, start: Message) -> bool:
        if start["status"] in _WITHOUT_BODY or self._arrived.scope["method"] == "HEAD":
            return False
        return compresses(_content_type(start)) and not any(name == b"content-encoding" for name, _ in start["headers"])

    def _headers(self, start: Message, length: int | None, *, packed: bool) -> list[tuple[bytes, bytes]]:
        headers: list[tuple[bytes, bytes]] = []
        policy, is_page, cache = False, False, False
        for pair in start["headers"]:
            name = pair[0]
            if name in _OURS:
                continue
            if name == b"content-length" and packed:
                continue
            if name == b"etag" and packed and not pair[1].startswith(b"W/"):
                pair = (name, b"W/" + pair[1])
            elif name == b"cache-control":
                cache = True
            elif name == b"content-security-policy":
                policy = True
            elif name == b"content-type":
                is_page = pair[1].startswith(b"text/html")
            headers.append(pair)
        if packed:
            assert self._encoding is not None
            headers += ((b"content-encoding", self._encoding), (b"vary", b"Accept-Encoding"))
            if length is not None:
                headers.append((b"content-length", b"%d" % length))
        if not policy:
            headers.append((b"content-security-policy", PAGE_POLICY if is_page else DATA_POLICY))
        if not cache:
            headers.append(NOT_KEPT)
        headers += self._extra
        headers += (
            (b"x-request-id", self._arrived.id),
            (b"traceparent", self._arrived.traceparent),
            (b"server-timing", b"gateway;dur=%.2f" % ((perf_counter() - self._began) * 1000)),
        )
        return headers


def _content_type(start: Message) -> bytes:
    for name, value in start["headers"]:
        if name == b"content-type":
            found: bytes = value
            return found
    return b""


def page(status: int, content_type: str, body: bytes, *headers: tuple[bytes, bytes]) -> tuple[Any, Any]:
    """The two messages of an answer that is there as a whole."""
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ],
    }
    return start, {"type": "http.response.body", "body": body}
