"""Queries that are wrong: names nobody knows, values out of bounds, cursors that no list has given out."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from surface import Endpoint, not_null

from breaking.case import Case
from breaking.values import FAR_TOO_LONG, texts


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
