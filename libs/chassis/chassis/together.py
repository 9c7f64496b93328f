"""One query for all that is asked about in the same turn of the loop."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chassis.service import Service

Rows = Sequence[Mapping[str, Any]]


class Together:
    """``query`` takes ``$1::text[]``, some keys, and answers rows whose first column is the key they are about."""

    def __init__(self, service: "Service", query: str) -> None:
        self._service, self._query = service, query
        self._keys = set[str]()
        self._asking: asyncio.Task[Mapping[str, Rows]] | None = None

    async def __call__(self, key: str) -> Rows:
        """The rows about this key."""
        if self._asking is None:
            self._keys = set()
            self._asking = asyncio.create_task(self._ask(self._keys))
        self._keys.add(key)
        return (await asyncio.shield(self._asking)).get(key, ())

    async def _ask(self, keys: set[str]) -> Mapping[str, Rows]:
        await asyncio.sleep(0)
        self._asking = None
        found = defaultdict[str, list[Mapping[str, Any]]](list)
        for row in await self._service.database.pool.fetch(self._query, sorted(keys)):
            found[row[0]].append(row)
        return found
