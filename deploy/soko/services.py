"""Which services there are. Each is loaded when it is needed: a process that serves one imports no other."""

import typing
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chassis.servers import ServerFailed
from chassis.settings import Settings

if TYPE_CHECKING:
    from chassis.service import Service
    from chassis.world import World

SERVICES = ("identity", "catalog", "cart", "inventory", "payment", "order", "notification")
"""Those with a database and messages."""

CARDSIM = "cardsim"
GATEWAY = "gateway"
PROCESSES = (*SERVICES, CARDSIM, GATEWAY)
"""All that ``soko serve`` can serve."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one service is made."""

    name: str
    build: "Callable[[Any, World], Service]"
    settings: type[Settings]


def known(name: str) -> str:
    """``name``, if there is such a service. Raises ``ServerFailed``."""
    if name not in SERVICES:
        raise ServerFailed(f"There is no service {name!r}: {', '.join(SERVICES)}.")
    return name


def load(name: str) -> Kind:
    """The composition of the service ``name``, and the settings it takes."""
    build = import_module(f"{name}.service").build
    return Kind(name, build, typing.get_type_hints(build)["settings"])


def variable(service: str, what: str) -> str:
    """``ORDER_DATABASE_URL``, ``CATALOG_URL``."""
    return f"{service.upper()}_{what}"
