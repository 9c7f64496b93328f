"""One query for all that is asked about in the same turn of the loop."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chassis.service import Service


class Together:
    """``query`` takes ``$1::text[]`` and answers those of these keys for which it is so."""

    def __init__(self, service: "Service", query: str) -> None:
        self._service, self._query = service, query
        self._keys = set[str]()
        self._asking: asyncio.Task[frozenset[str]] | None = None

    async def __call__(self, key: str) -> bool:
        """Whether it is so for this key."""
        if self._asking is None:
            self._keys = set()
            self._asking = asyncio.create_task(self._ask(self._keys))
        self._keys.add(key)
        return key in await asyncio.shield(self._asking)

    async def _ask(self, keys: set[str]) -> frozenset[str]:
        await asyncio.sleep(0)
        self._asking = None
        rows = await self._service.database.pool.fetch(self._query, sorted(keys))
        return frozenset(row[0] for row in rows)
