"""Compression of answers: which encoding, whether at all, and the newest results kept.

The same list is asked for thousands of times between two changes, and is the same bytes object each time: what it
was compressed to is kept under the bytes themselves, so nobody can be given another's answer.
"""

import asyncio
import zlib
from collections import OrderedDict
from functools import lru_cache
from typing import Final, Protocol

import brotli  # type: ignore[import-untyped]

LEAST: Final = 1024
IN_A_THREAD: Final = 128 * 1024
MOST_KEPT: Final = 32 * 1024 * 1024
BROTLI_QUALITY: Final = 4
GZIP_LEVEL: Final = 5
_GZIP: Final = 31
"""zlib's window size that means gzip."""

_COMPRESSED_WELL: Final = (
    b"application/json",
    b"application/problem+json",
    b"application/yaml",
    b"application/javascript",
    b"image/svg+xml",
    b"text/",
)


class Encoder(Protocol):
    """Takes parts and gives what is ready of them."""

    def process(self, part: bytes) -> bytes: ...

    def flush(self) -> bytes: ...

    def finish(self) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._zlib = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP)

    def process(self, part: bytes) -> bytes:
        return self._zlib.compress(part)

    def flush(self) -> bytes:
        return self._zlib.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._zlib.flush()


def encoder(encoding: bytes) -> Encoder:
    """For an answer that comes in parts."""
    made: Encoder = brotli.Compressor(quality=BROTLI_QUALITY) if encoding == b"br" else _Gzip()
    return made


@lru_cache(maxsize=1024)
def choose(accept: bytes | None) -> bytes | None:
    """``br`` before ``gzip``, among what ``Accept-Encoding`` takes; None for neither."""
    if not accept:
        return None
    taken: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        name, _, parameters = part.partition(";")
        taken[name.strip()] = _quality(parameters)
    for encoding in ("br", "gzip"):
        if taken.get(encoding, taken.get("*", 0.0)) > 0:
            return encoding.encode()
    return None


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def compresses(content_type: bytes) -> bool:
    """Whether it is worth it. An event stream is not: each event has to go out at once."""
    return content_type.startswith(_COMPRESSED_WELL) and not content_type.startswith(b"text/event-stream")


class Compressed:
    """What bodies were compressed to, the newest of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, bytes], bytes] = OrderedDict()
        self._bytes = 0

    async def of(self, body: bytes, encoding: bytes, *, keep: bool) -> bytes:
        """``body`` in that encoding."""
        if not keep:
            return await _encoded(body, encoding)
        key = encoding, body
        found = self._kept.get(key)
        if found is None:
            found = await _encoded(body, encoding)
            if key not in self._kept:
                self._kept[key] = found
                self._bytes += len(body) + len(found)
            while self._bytes > MOST_KEPT:
                (_, oldest), smaller = self._kept.popitem(last=False)
                self._bytes -= len(oldest) + len(smaller)
        return found


async def _encoded(body: bytes, encoding: bytes) -> bytes:
    return await asyncio.to_thread(_encode, body, encoding) if len(body) > IN_A_THREAD else _encode(body, encoding)


def _encode(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"br":
        packed: bytes = brotli.compress(body, quality=BROTLI_QUALITY)
        return packed
    return zlib.compress(body, GZIP_LEVEL, _GZIP)
