"""How long, and how much, a client may take: one that is slow, greedy or silent costs a socket for seconds, no more.

uvicorn alone waits for ever for the end of a request that has begun, keeps any head however long, and queues whatever
is sent behind a request that is still being answered.
"""

import resource
from asyncio import Transport
from collections.abc import Iterable
from enum import Enum
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS: Final = 20
"""From the connection, or a head's first byte, to its last."""
HEAD_BYTES: Final = 64 * 1024
BODY_SECONDS: Final = 20
BODY_BYTES_A_SECOND: Final = 500
"""A body has ``BODY_SECONDS``, and a second more for so many bytes that have come."""
UNREAD_SECONDS: Final = 60
"""An answer that nobody reads any more of, for so long, is given up."""
QUEUED_REQUESTS: Final = 64
"""So many requests may be sent ahead on one connection while one is answered."""
RESERVED_FILES: Final = 400
"""File descriptors that are not for clients: databases, the broker, other services, files."""
FEWEST_CONNECTIONS: Final = 64


class Waits(Enum):
    """What a connection waits for from its client."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class Greedy(Exception):
    """More than anybody needs: the parser stops, and the connection ends."""


class Patient(HttpToolsProtocol):
    """One connection. ``sweep`` looks at all of them about once a second: no timer for each."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.waits, self.since = Waits.HEAD, self.loop.time()
        self.head = self.taken = self.begun = 0
        self.unread_since: float | None = None
        if len(self.connections) > most_connections() and not make_room(self.connections):
            self.refuse(503)

    def data_received(self, data: bytes) -> None:
        begun = self.begun
        super().data_received(data)
        if self.waits is Waits.HEAD:
            self.head += len(data) if self.begun == begun else 1  # what it began in may be another's end
            if self.head > HEAD_BYTES and not self.transport.is_closing():
                self.refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.waits, self.since, self.head = Waits.HEAD, self.loop.time(), 0
        self.begun += 1

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self.refuse(431)
            raise Greedy
        if len(self.pipeline) >= QUEUED_REQUESTS:
            raise Greedy
        super().on_headers_complete()
        self.waits, self.since, self.taken = Waits.BODY, self.loop.time(), 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self.taken += len(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.waits = Waits.NOTHING

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    @property
    def idle(self) -> bool:
        """Nothing of a request is here, or only its beginning: nobody loses an answer when it is closed."""
        return self.waits is not Waits.BODY and (self.cycle is None or self.cycle.response_complete)

    def look(self, now: float) -> None:
        """Close the connection if its client has taken too long."""
        if self.transport.is_closing():
            return
        if not self.flow.write_paused:
            self.unread_since = None
        elif self.unread_since is None:
            self.unread_since = now
        elif now - self.unread_since > UNREAD_SECONDS:
            self.transport.abort()
        if self.flow.read_paused:  # it is we who do not read on
            self.since = now
        elif self.waits is Waits.HEAD and now - self.since > HEAD_SECONDS:
            self.refuse(408) if self.head else self.transport.close()
        elif self.waits is Waits.BODY and now - self.since > BODY_SECONDS + self.taken / BODY_BYTES_A_SECOND:
            self.refuse(408)

    def refuse(self, status: int) -> None:
        """Say why, unless an answer has begun already, and hang up."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


def sweep(connections: Iterable[object], now: float) -> None:
    """Look at all of them."""
    for connection in list(connections):
        if isinstance(connection, Patient):
            connection.look(now)


def make_room(connections: Iterable[object]) -> bool:
    """Hang up on a tenth of those that wait for a request, the longest waiting first; false where none does."""
    idle = [one for one in connections if isinstance(one, Patient) and one.idle and not one.transport.is_closing()]
    idle.sort(key=lambda one: one.since)
    longest = idle[: max(1, len(idle) // 10)] if len(idle) > 1 else []
    for one in longest:
        one.transport.abort()
    return bool(longest)


def most_connections() -> int:
    """As many as this process may have files open, less those it needs itself."""
    return max(FEWEST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVED_FILES)


def allow_many_files() -> None:
    """Raise this process's limit of open files as far as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
