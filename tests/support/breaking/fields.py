"""Bodies with one field that is wrong."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from surface import JSON, Endpoint, may_be_null, not_null

from breaking.case import Case
from breaking.values import FAR_TOO_LONG, LINES, made, nested, numbers, texts

Path = tuple[str | int, ...]


class _Missing:
    """Stands for a field that is left out."""


MISSING = _Missing()
Wrong = tuple[Path, Any, str]


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
