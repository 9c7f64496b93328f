"""Bodies that cannot be read at all."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from surface import JSON, Endpoint

from breaking.case import Case


def broken_bodies(endpoint: Endpoint, body: Mapping[str, Any]) -> Iterator[Case]:
    """Around ``body``, which is a good one."""
    good = json.dumps(body).encode()
    for name, content in (
        ("cut off", good[:-1]),
        ("not JSON", b"name=Kettle&price=1"),
        ("two documents", good + good),
        ("a comment", b"/* */" + good),
        ("NaN", b'{"a": NaN}'),
        ("Infinity", b'{"a": -Infinity}'),
        ("not UTF-8", b'{"a": "\xff\xfe"}'),
        ("UTF-16", good.decode().encode("utf-16")),
        ("half a surrogate pair", b'{"a": "\\ud800"}'),
        ("a bare control character", b'{"a": "\x01"}'),
        ("arrays without end", b"[" * 100_000),
        ("objects without end", b'{"a":' * 100_000),
    ):
        yield Case(name, (400,), content, {"Content-Type": JSON})
    for value in ([], [body], "text", 1, True):
        yield Case(
            f"{value!r:.20} for an object", (422,), json.dumps(value).encode(), {"Content-Type": JSON}, pointer=""
        )
    if endpoint.body_is_required:
        yield Case("no body", (400, 422), b"", {"Content-Type": JSON})
        yield Case("null for an object", (422,), b"null", {"Content-Type": JSON}, pointer="")
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ""):
        yield Case(f"sent as {media_type!r}", (415,), good, {"Content-Type": media_type})
    padded = good[:-1] + b" " * endpoint.most + good[-1:]
    yield Case("too large", (413,), padded, {"Content-Type": JSON})
    yield Case("too large, and never said so", (413,), padded, {"Content-Type": JSON}, chunked=True)
