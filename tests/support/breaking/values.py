"""What a schema lets through, and what it rules out."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from surface import not_null

FAR_TOO_LONG = 30_000
LINES = "two\nlines"


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


def nested(depth: int) -> Any:
    """An object in an object, and so on."""
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value
