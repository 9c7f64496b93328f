"""The two parts that are no services: the gateway, and the card gateway that stands in for a provider."""

import typing
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from chassis.world import World
from starlette.types import ASGIApp


class Part(Protocol):
    """Anything with an ASGI app and a life."""

    @property
    def app(self) -> ASGIApp: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Stateful(Part, Protocol):
    """A part with a database of its own."""

    @property
    def name(self) -> str: ...

    async def migrate(self) -> bool: ...


def gateway(upstreams: Mapping[str, ASGIApp]) -> Part:
    """The gateway in front of ``upstreams``, by service name."""
    build = import_module("gateway.service").build
    return typing.cast("Part", build(_settings(build), upstreams))


def cardsim(world: World) -> Stateful:
    """The simulated card gateway."""
    build = import_module("soko.cardsim.service").build
    return typing.cast("Stateful", build(_settings(build), world))


def _settings(build: Any) -> Any:
    return typing.get_type_hints(build)["settings"]()
