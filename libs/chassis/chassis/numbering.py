"""Numbers without gaps: given to rows once they are committed and can be seen, by one process at a time.

A number that a transaction takes for itself is lost when it fails, and shows before a smaller one that commits later.
The lock is let go after the commit that gave the numbers is visible, so whoever has it next goes on from the last.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from chassis.sealing import Connected
from chassis.service import Service

LOCK: Final = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"
BATCH: Final = 1000


async def number_once(
    service: Service, name: str, waiting: str, number: Callable[[Connected, int], Awaitable[int]]
) -> int:
    """Let ``number(connection, most)`` number what ``waiting`` says is there. Answers whether there may be more.

    ``name`` is the lock's, in this service's database. ``number`` answers how many it has numbered.
    """
    async with service.database.pool.acquire() as connection:
        if not await connection.fetchval(waiting):
            return 0
        async with connection.transaction():
            if not await connection.fetchval(LOCK, name):
                return 0
            return int(await number(connection, BATCH) == BATCH)
