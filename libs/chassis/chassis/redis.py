"""A Redis that a shop can do without: while it is away, slow or full, whoever asks it goes on as if there were none.

Imported only where ``REDIS_URL`` is set: the client costs a process 7 MB and a fifth of a second.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

T = TypeVar("T")

WITHIN: Final = 0.2
"""Seconds that an answer may take: the way without Redis takes less."""
PAUSE: Final = 1.0
"""Seconds for which nobody asks, after an answer that did not come."""
CONNECTIONS: Final = 16

FAILED: Final = (RedisError, OSError, TimeoutError)


def connect(url: str) -> Redis:
    """A client that tries everything once. Nothing is opened yet. ``ValueError`` or ``TypeError``: no such address."""
    pool = BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=None, retry=Retry(NoBackoff(), 0), socket_keepalive=True
    )
    pool.connection_class(**pool.connection_kwargs)  # says what of the address it does not know
    return Redis.from_pool(pool)


class Circuit:
    """Asks while answers come. After one that did not, nobody asks for ``PAUSE``; then one asks for all.

    So an outage costs those under way ``WITHIN``, then one request a second, and two lines of log in all.
    """

    def __init__(self, what: str) -> None:
        self._what, self._until = what, 0.0
        self.broken = False

    async def ask(self, asked: Callable[[], Awaitable[T]], otherwise: T) -> T:
        """What ``asked`` answers, or ``otherwise`` while nothing does."""
        now = monotonic()
        if now < self._until:
            return otherwise
        if self.broken:
            self._until = now + PAUSE
        try:
            async with asyncio.timeout(WITHIN):
                found = await asked()
        except FAILED as error:
            if not self.broken:
                log.warning("Redis is not there for %s: %s", self._what, str(error) or f"no answer within {WITHIN} s")
            self.broken, self._until = True, monotonic() + PAUSE
            return otherwise
        if self.broken:
            log.warning("Redis is there again for %s", self._what)
        self.broken, self._until = False, 0.0
        return found
