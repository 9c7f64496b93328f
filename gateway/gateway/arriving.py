"""A request as it stands at the door: who sent it, under which id, and what of it goes on to a service."""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from secrets import token_hex
from typing import Any, Final

from chassis.context import Context
from starlette.types import Scope

from gateway.settings import Network

_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

NOT_FROM_OUTSIDE: Final = frozenset(
    {
        b"x-request-id",
        b"traceparent",
        b"x-service-token",
        b"x-correlation-id",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-real-ip",
    }
)
"""Only the gateway says these to services."""


class Arrived:
    """One request. ``headers`` are the client's by lower-case name, the last of each; ``traced``: one was a trace."""

    __slots__ = ("address", "headers", "id", "path", "scheme", "scope", "traced", "traceparent")

    def __init__(self, scope: Scope, proxies: tuple[Network, ...]) -> None:
        self.scope = scope
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        path = scope["path"]
        self.path: str = path.rstrip("/") or "/" if len(path) > 1 and path[-1] == "/" else path
        id_ = self.headers.get(b"x-request-id")
        self.id = id_ if id_ is not None and _ID.fullmatch(id_) else token_hex(16).encode()
        trace = self.headers.get(b"traceparent")
        self.traced = trace is not None and _TRACEPARENT.fullmatch(trace) is not None
        if trace is None or not self.traced:
            trace = f"00-{token_hex(16)}-{token_hex(8)}-01".encode()
        self.traceparent = trace
        self.scheme: str = scope["scheme"]
        self.address: str = (scope.get("client") or ("",))[0]
        if proxies and _within(self.address, proxies):
            self._believe(proxies)

    def _believe(self, proxies: tuple[Network, ...]) -> None:
        """Each proxy adds whom it heard from: the last one that is none of ours is the client."""
        for part in reversed(self.headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            address = _address(part.strip())
            if address is None:
                break
            self.address = address
            if not _within(address, proxies):
                break
        if self.headers.get(b"x-forwarded-proto") in (b"http", b"https"):
            self.scheme = self.headers[b"x-forwarded-proto"].decode()

    @property
    def context(self) -> Context:
        """For problems, and for what the gateway itself asks."""
        id_ = self.id.decode()
        return Context(id_, id_, id_, self.traceparent.decode())

    def inner(self, strip: str) -> dict[str, Any]:
        """The scope that a service gets."""
        headers = [pair for pair in self.scope["headers"] if pair[0] not in NOT_FROM_OUTSIDE]
        headers += (
            (b"x-request-id", self.id),
            (b"traceparent", self.traceparent),
            (b"x-forwarded-for", self.address.encode()),
            (b"x-forwarded-proto", self.scheme.encode()),
        )
        scope = {
            **self.scope,
            "headers": headers,
            "path": self.path,
            "scheme": self.scheme,
            "client": (self.address, 0),
        }
        if strip:
            scope["path"] = self.path.removeprefix(strip)
            scope["raw_path"] = (self.scope.get("raw_path") or self.scope["path"].encode()).removeprefix(strip.encode())
            scope["root_path"] = strip
        return scope


@lru_cache(maxsize=4096)
def _within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
