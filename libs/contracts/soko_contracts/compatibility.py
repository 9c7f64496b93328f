"""Whether contracts may be released: ``python -m soko_contracts.compatibility BASE_DIR``.

BASE_DIR is this package's folder as it was released, of which ``schemas/`` and ``samples/`` are read. A new message
and a new optional field are fine. Anything else would break a subscriber, or make a message that is still on its way
unreadable, so it needs a new version of the message beside the old one.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from soko_contracts import MESSAGES, schemas

Schema = Mapping[str, Any]

SAYS_NOTHING = {"$schema", "$defs", "title", "description", "examples"}
"""Keywords that no message fits or fails by."""
COMPARED_BELOW = {"properties", "required", "items", "additionalProperties", "anyOf", "prefixItems"}


def breaks(before: Schema, now: Schema) -> list[str]:
    """What a message of the one schema may hold and of the other may not, as ``field: why``; empty when compatible."""
    return list(_Comparison(before.get("$defs", {}), now.get("$defs", {})).node(before, now, ""))


class _Comparison:
    """Two schemas side by side, each with its own definitions."""

    def __init__(self, before: Schema, now: Schema) -> None:
        self._before, self._now = before, now

    def node(self, before: Schema | bool, now: Schema | bool, path: str) -> Iterator[str]:
        """Compare what stands at ``path`` in both."""
        before, now = _resolved(before, self._before), _resolved(now, self._now)
        if isinstance(before, bool) or isinstance(now, bool):
            if before != now:
                yield f"{path or 'the message'}: was {_told(before)}, is {_told(now)}"
            return
        if _own(before) != _own(now) or len(_variants(before)) != len(_variants(now)):
            yield f"{path or 'the message'}: was {_told(before)}, is {_told(now)}"
            return
        yield from self._fields(before, now, path)
        for old, new in zip(_variants(before), _variants(now), strict=True):
            yield from self.node(old, new, path)
        for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}")):
            yield from self.node(before.get(keyword, True), now.get(keyword, True), path + suffix)

    def _fields(self, before: Schema, now: Schema, path: str) -> Iterator[str]:
        fields, needed = before.get("properties", {}), set(before.get("required", ()))
        fields_now, needed_now = now.get("properties", {}), set(now.get("required", ()))
        for name in fields_now:
            if name not in fields and name in needed_now:
                yield f"{_below(path, name)}: is new and required, which older messages do not have"
        for name, schema in fields.items():
            field = _below(path, name)
            if name not in fields_now:
                yield f"{field}: is gone"
                continue
            if name in needed_now - needed:
                yield f"{field}: was optional, is required"
            elif name in needed - needed_now:
                yield f"{field}: was always there, is optional"
            yield from self.node(schema, fields_now[name], field)


def _resolved(schema: Schema | bool, definitions: Schema) -> Schema | bool:
    while not isinstance(schema, bool) and "$ref" in schema:
        rest = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        schema = {**definitions[schema["$ref"].removeprefix("#/$defs/")], **rest}
    return schema


def _own(schema: Schema) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in SAYS_NOTHING | COMPARED_BELOW}


def _variants(schema: Schema) -> list[Schema]:
    return [*schema.get("anyOf", ()), *schema.get("prefixItems", ())]


def _told(schema: Schema | bool) -> str:
    if isinstance(schema, bool):
        return "anything" if schema else "nothing more"
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(_told, schema["anyOf"]))
    others = [f"{key} {value}" for key, value in _own(schema).items() if key != "type"]
    return ", ".join([str(schema.get("type", "anything")), *others])


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def compare(base: Path) -> list[str]:
    """What breaks between the contracts released in ``base`` and these, as ``message: field: why``."""
    found = []
    for path in sorted((base / "schemas").glob("*.json")):
        if path.stem in MESSAGES:
            released = json.loads(path.read_text(encoding="utf-8"))
            found += [f"{path.stem}: {why}" for why in breaks(released, schemas.schema(path.stem))]
        else:
            found.append(f"{path.stem}: the message is gone")
    for path in sorted((base / "samples").glob("*.json")):
        kept = schemas.FOLDER.parent / "samples" / path.name
        if not kept.exists() or kept.read_bytes() != path.read_bytes():
            found.append(f"{path.stem}: its golden sample was changed; a sample stays as it was released")
    return found


def main(arguments: list[str]) -> int:
    """0 when compatible; 1 with a line for each break; 2 when there is nothing to compare with."""
    if len(arguments) != 1 or not (base := Path(arguments[0])).is_dir():
        sys.stderr.write("python -m soko_contracts.compatibility BASE_DIR: a folder with what was released\n")
        return 2
    found = compare(base)
    for line in found:
        sys.stderr.write(line + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
