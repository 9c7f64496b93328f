"""Requests that must be refused, made from what the document says of each operation: every field, every parameter."""

import base64
import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from surface import JSON, Endpoint, may_be_null, not_null

MIB = 1024 * 1024
FAR_TOO_LONG = 30_000
LINES = "two\nlines"
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One broken request. ``pointer`` is where its errors have to point; None where it is not for a field."""

    name: str
    statuses: tuple[int, ...]
    content: bytes | None = None
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    query: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    pointer: str | None = None
    chunked: bool = False


# Bodies.


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
    padded = good[:-1] + b" " * MIB + good[-1:]
    yield Case("larger than 1 MiB", (413,), padded, {"Content-Type": JSON})
    yield Case("larger than 1 MiB, and never said so", (413,), padded, {"Content-Type": JSON}, chunked=True)


def broken_fields(
    endpoint: Endpoint, body: Mapping[str, Any], instead_of: Mapping[str, Sequence[str]]
) -> Iterator[Case]:
    """``body`` with one field that is wrong, each in every way that its schema rules out.

    ``instead_of``: with this field those others are left out, since both would be a mistake of its own.
    """
    assert endpoint.body is not None
    for path, value, why in _wrong(endpoint.body, (), body):
        others = instead_of.get(str(path[0]), ()) if path else ()
        document = {name: copy.deepcopy(part) for name, part in body.items() if name not in others}
        where = _put(document, path, value, endpoint.body)
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
        content = json.dumps(document).encode()
        yield Case(f"{pointer or 'body'}: {why}", (422,), content, {"Content-Type": JSON}, pointer=where or pointer)


class _Missing:
    """Stands for a field that is left out."""


MISSING = _Missing()
Wrong = tuple[Path, Any, str]


def _wrong(schema: Mapping[str, Any], path: Path, there: Any) -> Iterator[Wrong]:
    nullable, schema = may_be_null(schema), not_null(schema)
    if path and not nullable:
        yield path, None, "null"
    for value in (12, 1.5, True, "text", [], {}, ["x"], {"x": 1}):
        if not _is_a(value, schema) and not (schema.get("type") == "array" and value == ["x"]):
            yield path, value, f"{value!r}"
    match schema.get("type"):
        case "string":
            yield from ((path, value, f"{value[:20]!r}") for value in texts(schema))
        case "integer":
            yield from ((path, value, f"{value}") for value in numbers(schema))
        case "boolean":
            yield from ((path, value, f"{value!r}") for value in ("true", "yes", "", 0, 1, 1.0))
        case "array":
            yield from _wrong_items(schema, path)
        case "object":
            yield from _wrong_members(schema, path, there)


def _is_a(value: Any, schema: Mapping[str, Any]) -> bool:
    match schema.get("type"):
        case "string":
            return isinstance(value, str)
        case "integer":
            return type(value) is int
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
    return True


def texts(schema: Mapping[str, Any]) -> Iterator[str]:
    """Texts that ``schema`` rules out."""
    yield "a\0b"
    most = schema.get("maxLength")
    yield "x" * (most + 1 if most else FAR_TOO_LONG)
    if schema.get("minLength"):
        yield ""
    if "enum" in schema:
        yield from ("no-such", "", schema["enum"][0].upper(), f" {schema['enum'][0]}")
    if pattern := schema.get("pattern"):
        for text in ("", " ", "💥", LINES, "x\n", "../..", "' or 1=1 --", "<script>", "-", "٣"):
            if not re.search(pattern, text) or (text == "x\n" and "[^" not in pattern):
                yield text
    match schema.get("format"):
        case "date-time":
            yield from ("yesterday", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "1", "0001-01-01T00:00:00+14:00")
        case "uuid":
            yield from ("1", "not-a-uuid", "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e", "💥")


def numbers(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Numbers that ``schema`` rules out."""
    yield from (10**30, -(10**30), 0.5, "7", "x", "")
    if "minimum" in schema:
        yield int(schema["minimum"]) - 1
    if "maximum" in schema:
        yield int(schema["maximum"]) + 1


def _wrong_items(schema: Mapping[str, Any], path: Path) -> Iterator[Wrong]:
    item = made(schema["items"])
    if "maxItems" in schema:
        yield path, [item] * (schema["maxItems"] + 1), f"{schema['maxItems'] + 1} items"
    if schema.get("minItems"):
        yield path, [], "no items"
    yield from _wrong(schema["items"], (*path, 0), item)


def _wrong_members(schema: Mapping[str, Any], path: Path, there: Any) -> Iterator[Wrong]:
    if schema.get("additionalProperties") is False:
        yield (*path, "surprise"), 1, "unknown"
        yield (*path, "__proto__"), {}, "unknown"
        yield (*path, "constructor"), None, "unknown"
        yield (*path, "a/b~c"), "x", "unknown, to be escaped"
        yield (*path, "deep"), nested(150), "unknown and deep"
    for name in schema.get("required", ()):
        yield (*path, name), MISSING, "missing"
    if schema.get("title") == "Money":
        yield from wrong_money(path)
        return
    for name, inner in schema.get("properties", {}).items():
        yield from _wrong(inner, (*path, name), there.get(name) if isinstance(there, dict) else None)
    for inner in schema.get("patternProperties", {}).values():
        longest = schema.get("propertyNames", {}).get("maxLength", FAR_TOO_LONG)
        yield path, {f"k{n}": "v" for n in range(schema["maxProperties"] + 1)}, "too many"
        for key in ("", "x" * (longest + 1), LINES):
            yield path, {key: "v"}, f"named {key[:20]!r}"
        yield from _wrong(inner, (*path, "size"), None)


def wrong_money(path: Path) -> Iterator[Wrong]:
    """What is no amount of the shop's money."""
    for amount in ("12,50", "1e3", "NaN", "Infinity", "", " 1.00", "+1.00", "01.00", "1.", ".5", "1.00000", "1.001"):
        yield (*path, "amount"), amount, f"{amount!r}"
    for amount in ("-1.00", "9999999999999.00", "\u0661.\u0660\u0660", "0x10", "1_000", "1\n"):
        yield (*path, "amount"), amount, f"{amount!r}"
    for number in (12.5, 12, -1, 0.1, True, None):
        yield (*path, "amount"), number, f"{number!r}"
    for currency in ("USD", "kes", "K", "KESX", "XXX", "", "KES ", 404, None):
        yield (*path, "currency"), currency, f"{currency!r}"


def nested(depth: int) -> Any:
    """An object in an object, and so on."""
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def made(schema: Mapping[str, Any]) -> Any:
    """Something that fits the schema."""
    schema = not_null(schema)
    if shown := schema.get("examples"):
        return copy.deepcopy(shown[0])
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: made(schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return [made(schema["items"])] * schema.get("minItems", 0)
        case "integer":
            return max(1, int(schema.get("minimum", 1)))
        case "boolean":
            return True
    return "x" * schema.get("minLength", 1)


def _put(document: dict[str, Any], path: Path, value: Any, schema: Mapping[str, Any]) -> str | None:
    """Set it, making what has to be around it."""
    if not path:
        document.clear()
        document["surprise"] = value
        return "/surprise"
    at: Any = document
    for here, after in pairwise(path):
        schema = not_null(schema)
        inner = schema["items"] if schema.get("type") == "array" else schema.get("properties", {}).get(here, {})
        if isinstance(at, list):
            at[:] = at or [made(inner)]
        elif not isinstance(at.get(here), list if isinstance(after, int) else dict):
            at[here] = made(inner) if not isinstance(after, int) else [made(not_null(inner)["items"])]
        at, schema = at[here], inner
    if isinstance(at, list):
        at[:] = [value]
    elif value is MISSING:
        at.pop(path[-1], None)
    else:
        at[path[-1]] = value
    return None


# Queries.


def broken_queries(endpoint: Endpoint, good: Sequence[tuple[str, str]]) -> Iterator[Case]:
    """``good`` is what the operation cannot do without."""

    def case(name: str, *pairs: tuple[str, str], pointer: str | None = None) -> Case:
        names = {pair[0] for pair in pairs}
        query = urlencode([pair for pair in good if pair[0] not in names] + list(pairs))
        return Case(f"?{name}", (422,), query=query, pointer=f"/query/{pairs[-1][0]}" if pointer is None else pointer)

    yield case("surprise=1", ("surprise", "1"))
    yield case("surprise", ("surprise", ""))
    yield case("a/b~c", ("a/b~c", "1"), pointer="/query/a~1b~0c")
    parameters = {each["name"]: not_null(each["schema"]) for each in endpoint.those_in("query")}
    for name, schema in parameters.items():
        if schema.get("type") == "array":
            schema = not_null(schema["items"])
        elif name not in ("page", "page_size", "limit", "offset"):
            yield case(f"{name} twice", (name, good_value(schema)), (name, good_value(schema)))
        for value in values(schema):
            yield case(f"{name}={value[:20]!r}", (name, value), pointer=f"/query/{name}")
    if "page" in parameters:
        yield from (
            case(f"{a}&{b}", (a, "1"), (b, "1"), pointer="") for a in ("page", "page_size") for b in ("limit", "offset")
        )
        yield case("page=101&page_size=100", ("page", "101"), ("page_size", "100"), pointer="/query/page")
        yield case("offset=9981", ("offset", "9981"), pointer="/query/offset")
    if "cursor" in parameters:
        yield from (case(f"{each}&cursor", (each, "1"), ("cursor", "")) for each in ("page", "offset"))
        yield from (case(f"cursor={why}", ("cursor", cursor)) for why, cursor in cursors())
    if "ordering" in parameters:
        for ordering in ("no_such", "-", ",", "created_at,created_at", "id;drop", "--created_at", "password"):
            yield case(f"ordering={ordering}", ("ordering", ordering))


def good_value(schema: Mapping[str, Any]) -> str:
    """A value that the schema lets through."""
    if "default" in schema and schema["default"] is not None:
        return str(schema["default"]).lower() if isinstance(schema["default"], bool) else str(schema["default"])
    match schema.get("type"):
        case "boolean":
            return "true"
        case "integer":
            return "1"
    if schema.get("format") == "date-time":
        return "2026-01-01T00:00:00Z"
    return str(schema["enum"][0]) if "enum" in schema else "1"


def values(schema: Mapping[str, Any]) -> Iterator[str]:
    """Query values that the schema rules out."""
    match schema.get("type"):
        case "integer":
            yield from ("x", "1.5", "", "1e3", "0x1", str(10**30), str(-(10**30)), "1;2", "null")
            if "minimum" in schema:
                yield str(int(schema["minimum"]) - 1)
            if "maximum" in schema:
                yield str(int(schema["maximum"]) + 1)
        case "boolean":
            yield from ("maybe", "2", "", "null")
        case "string":
            # One line is all that a header or a path can carry: longer ones the server itself refuses.
            yield from (text if len(text) < FAR_TOO_LONG else text[:5000] for text in texts(schema))


def cursors() -> Iterator[tuple[str, str]]:
    """What no list has given out."""
    yield from (("not base64", "!!!"), ("not JSON", "AAAA"), ("too long", "A" * 1001), ("cut", "W10"[:-1]))
    made_up: list[Any] = [
        1,
        {"a": 1},
        "text",
        ["x"],
        [None, None],
        [[], []],
        [True, "x"],
        [2**70, "x"],
        [1.5, "x"],
        ["x", "y", "z"],
        [{"at": "yesterday"}, "x"],
        [{"at": "2026-01-01T00:00:00"}, "x"],
        [{"at": 1}, "x"],
        [{"no": 1}, "x"],
        [{"at": "2026-01-01T00:00:00Z"}, 1],
        [{"at": "2026-01-01T00:00:00Z"}, "a\0b"],
        [{"at": "0001-01-01T00:00:00+14:00"}, 1],
    ]
    for value in made_up:
        yield json.dumps(value), base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


# Paths and headers.

BAD_IDS = (
    "x",
    "0",
    "-1",
    "null",
    "💥",
    "'%20or%201=1",
    "%00",
    "x%00y",
    "..%2f..",
    "%2e%2e",
    "%0a",
    "x" * 2000,
    "SO-",
    "{}",
)


def broken_paths(endpoint: Endpoint) -> Iterator[Case]:
    """Ids that name nothing."""
    for name in endpoint.names:
        for id_ in BAD_IDS:
            # A slash in it makes it another path, which may know other methods.
            yield Case(f"{name}={id_[:20]}", (404, 405, 422), path={name: id_})


def broken_headers(endpoint: Endpoint, good: bytes | None) -> Iterator[Case]:
    """Versions that are over, keys that are none."""
    told = {} if good is None else {"Content-Type": JSON}

    def case(name: str, statuses: tuple[int, ...], pointer: str | None = None, **headers: str | bytes) -> Case:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return Case(name, statuses, good, {**told, **named}, pointer=pointer)

    yield Case("a body larger than 1 MiB", (413,), b" " * (MIB + 1), {"Content-Type": JSON})
    names = {each["name"]: each["required"] for each in endpoint.those_in("header")}
    if "If-Match" in names:
        for tag in ('"stale"', 'W/"0"', '"0", "1000000"', "garbage", ""):
            yield case(f"If-Match: {tag}", (412,), If_Match=tag)
    if "Idempotency-Key" in names:
        at = "/header/Idempotency-Key"
        yield case("a key of 256 characters", (422,), at, Idempotency_Key="k" * 256)
        yield case("an empty key", (422,), at, Idempotency_Key="")
        yield case("a key that is not ASCII", (422,), at, Idempotency_Key="schlüssel".encode())
        yield case("a key with a tab", (422,), at, Idempotency_Key=b"a\tb")
        if names["Idempotency-Key"]:
            yield case("no key", (400,))
    unguarded = endpoint.path.startswith(("/api/v1/auth/", "/.well-known/", "/api/v1/payments/webhooks/"))
    if not unguarded:
        for value in (
            "Basic dXNlcjpwYXNz",
            "Bearer",
            "Bearer x",
            "Bearer a.b.c",
            "Bearer " + "x" * 5000,
            "token",
            b"\xff",
        ):
            yield case(f"Authorization: {value[:20]!r}", (401,), Authorization=value)
        for token in ("short", "x" * 129):
            yield case(f"X-Cart-Token: {token[:20]}", (401,), X_Cart_Token=token)
