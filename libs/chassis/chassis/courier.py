"""The one seam between a single process and a cluster: who takes messages to their subscribers."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from soko_contracts import MESSAGES, Envelope

Receive = Callable[[Sequence[Envelope]], Awaitable[None]]


class Unroutable(Exception):
    """A command that nobody obeys: it stays in the outbox until somebody does."""

    def __init__(self, type_: str) -> None:
        super().__init__(f"nobody receives {type_}")


class Courier(Protocol):
    """Takes messages to every subscriber, at least once, in order within a partition key."""

    @property
    def connected(self) -> bool:
        """Whether messages can leave and arrive now; they wait while they cannot."""

    async def send(self, envelopes: Sequence[Envelope]) -> None:
        """Return when the far side has them safely; raise when it may not, and they will be sent again."""

    def subscribe(self, subscriber: str, types: Collection[str], receive: Receive) -> None:
        """From now on messages of ``types`` go to ``receive``, which returns once they are stored."""


class LocalCourier:
    """All services in one process: sending is a function call into the receivers' databases."""

    connected = True

    def __init__(self) -> None:
        self._receivers: dict[str, tuple[frozenset[str], Receive]] = {}

    def subscribe(self, subscriber: str, types: Collection[str], receive: Receive) -> None:
        self._receivers[subscriber] = (frozenset(types), receive)

    async def send(self, envelopes: Sequence[Envelope]) -> None:
        deliveries: list[Awaitable[None]] = []
        obeyed: set[str] = set()
        for types, receive in self._receivers.values():
            wanted = [envelope for envelope in envelopes if envelope.type in types]
            if wanted:
                deliveries.append(receive(wanted))
                obeyed.update(envelope.type for envelope in wanted)
        results = await asyncio.gather(*deliveries, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        for envelope in envelopes:
            if envelope.type not in obeyed and MESSAGES[envelope.type].KIND == "command":
                raise Unroutable(envelope.type)
