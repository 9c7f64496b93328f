"""Between plain dataclasses and JSON, under explicit names."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class UnknownName(Exception):
    """The database holds a name that this code does not know: older code met newer data, or a name was lost."""

    def __init__(self, name: str) -> None:
        super().__init__(f"nothing here is called {name!r}")


class Codec:
    """Names for classes, and back.

    ``upcasters`` maps a retired name to the name it became and the change of its data: they are followed until a
    name that is known.
    """

    def __init__(self, types: Mapping[str, type], upcasters: Mapping[str, tuple[str, Upcaster]]) -> None:
        self._adapters: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(cls) for name, cls in types.items()}
        self._names = {cls: name for name, cls in types.items()}
        self._upcasters = upcasters

    def name(self, value: Any) -> str:
        """The name of the value's class. Raises UnknownName."""
        try:
            return self._names[type(value)]
        except KeyError:
            raise UnknownName(type(value).__name__) from None

    def decode(self, name: str, data: str | bytes) -> Any:
        """The value that ``data`` says. Raises UnknownName, or ValueError when the data does not fit."""
        adapter = self._adapters.get(name)
        if adapter is not None:
            return adapter.validate_json(data)
        if name not in self._upcasters:
            raise UnknownName(name)
        known, values = name, orjson.loads(data)
        while known in self._upcasters:
            known, change = self._upcasters[known]
            values = change(values)
        return self.decode(known, orjson.dumps(values))


def encode(value: Any) -> bytes:
    """Plain JSON of dataclasses, tuples, datetimes and the like."""
    return orjson.dumps(value)


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def members(value: Any) -> dict[str, Any]:
    """A dataclass as a dict of its fields, not deeper. Raises TypeError on anything else."""
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    cls: type = type(value)
    return {name: getattr(value, name) for name in _names(cls)}


def encode_opening(value: Any, default: Callable[[Any], Any]) -> bytes:
    """JSON where ``default`` is asked for every dataclass inside: how sealed values are opened on their way out."""
    return orjson.dumps(value, default=default, option=orjson.OPT_PASSTHROUGH_DATACLASS)
