"""What a contract is: a frozen dataclass with a type, known by that type to everyone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Protocol, TypeVar, dataclass_transform

from pydantic import TypeAdapter

Kind = Literal["event", "command"]


class Message(Protocol):
    """Any public event or command."""

    TYPE: ClassVar[str]
    KIND: ClassVar[Kind]


M = TypeVar("M", bound=type)

MESSAGES: dict[str, type[Message]] = {}
"""Every contract there is, by type."""


def _contract(type_: str, kind: Kind) -> Callable[[M], M]:
    def register(cls: M) -> M:
        made: Any = dataclass(frozen=True, kw_only=True)(cls)
        made.TYPE, made.KIND = type_, kind
        if type_ in MESSAGES:
            raise ValueError(f"two contracts are called {type_}")
        MESSAGES[type_] = made
        return made  # type: ignore[no-any-return]

    return register


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(type_: str) -> Callable[[M], M]:
    """A public fact, published on ``soko.events`` under ``type_``."""
    return _contract(type_, "event")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def command(type_: str) -> Callable[[M], M]:
    """An order to one service, sent on ``soko.commands`` under ``type_``."""
    return _contract(type_, "command")


@cache
def adapter(cls: type[Any]) -> TypeAdapter[Any]:
    """The one that reads, writes and describes ``cls``."""
    return TypeAdapter(cls)


def parse(type_: str, data: bytes | str) -> Any:
    """The message in ``data``. Raises ``KeyError`` on an unknown type, ``ValueError`` on data that does not fit."""
    return adapter(MESSAGES[type_]).validate_json(data)
