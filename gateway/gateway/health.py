"""Whether the gateway can serve, and which services are away."""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Final

from chassis.http import Keys, Peers, Problem

WITHIN: Final = 1.5
"""Seconds that a service has to say how it is."""
REMEMBERED: Final = 1.0
"""Seconds for which an answer counts: whoever asks more often puts no load on the services."""


class Health:
    """Ready as soon as identity's keys were read once; the last good ones are kept."""

    def __init__(self, keys: Keys, peers: Peers, names: Iterable[str]) -> None:
        self._keys, self._peers, self._names = keys, peers, tuple(names)
        self._degraded: list[str] = []
        self._looked_at = -REMEMBERED

    async def look(self) -> tuple[bool, list[str]]:
        """Whether this process can serve, and what else is away."""
        if monotonic() - self._looked_at >= REMEMBERED:
            self._looked_at = monotonic()
            well = await asyncio.gather(*(self._is_well(name) for name in self._names))
            self._degraded = [name for name, is_well in zip(self._names, well, strict=True) if not is_well]
        return self._keys.known, self._degraded

    async def _is_well(self, name: str) -> bool:
        try:
            async with asyncio.timeout(WITHIN):
                return (await self._peers.get(name, "/health/ready")).ok
        except (TimeoutError, Problem):
            return False
