"""Rate limits: by user or client where a token says who, else by address; attempts to log in by address alone.

Each process counts what it lets through, and with ``REDIS_URL`` all of them count it together too. So a client beyond
its limit is refused without asking Redis, and while Redis cannot be asked each process goes on by its own count.
"""

import ipaddress
import math
import time
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from chassis.http import RATE_LIMITED, Caller, Problem
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter, RateLimiter

from gateway.settings import Settings

PREFIX: Final = "soko:limits"
"""What the keys in Redis begin with."""
SWEPT_EVERY: Final = 10.0
"""Seconds between two looks for windows that have ended."""


class Counts(MemoryStorage):
    """Counts in memory. limits' own looks through all keys at each hit: a millisecond with 10,000 customers."""

    def __init__(self) -> None:
        super().__init__()
        self._swept_at = 0.0

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count ``amount`` in the window of ``key``, which has ``expiry`` seconds; what it has counted so far."""
        now = time.time()
        if self.expirations.get(key, 0.0) <= now:
            self.storage[key], self.expirations[key] = 0, now + expiry
        counted = self.storage[key] = self.storage[key] + amount
        if now - self._swept_at > SWEPT_EVERY:
            self._swept_at = now
            for ended in [each for each, at in self.expirations.items() if at <= now]:
                del self.storage[ended], self.expirations[ended]
        return counted


class Limits:
    """The counts of this process, and of all."""

    def __init__(self, settings: Settings) -> None:
        self.user = parse(settings.rate_limit_user)
        self.address = parse(settings.rate_limit_address)
        self.auth = parse(settings.rate_limit_auth)
        self._own = FixedWindowRateLimiter(Counts())
        self._all = Together(settings) if settings.redis_url.get_secret_value() else None

    async def count(self, caller: Caller | None, address: str) -> None:
        """Count one request; 429 beyond the limit of its user, or of its address where no token names one."""
        who = caller and (caller.user_id or caller.client_id)
        await self._count(*((self.user, who) if who else (self.address, counted_as(address))))

    async def count_attempt(self, address: str) -> None:
        """Count one attempt to log in, register and the like."""
        await self._count(self.auth, f"auth {counted_as(address)}")

    async def _count(self, limit: RateLimitItem, who: str) -> None:
        wait = await _hit(self._own, limit, who)
        if not wait and self._all is not None:
            wait = await self._all.hit(limit, who)
        if not wait:
            return
        seconds = limit.get_expiry()
        raise Problem(
            RATE_LIMITED,
            f"{limit.amount} requests in {seconds} s are allowed.",
            headers={
                "Retry-After": str(wait),
                "RateLimit": f'"default";r=0;t={wait}',
                "RateLimit-Policy": f'"default";q={limit.amount};w={seconds}',
            },
        )

    async def close(self) -> None:
        """Let the connections go."""
        if self._all is not None:
            await self._all.close()


class Together:
    """Counts in Redis. No address and no user can be read there: they are keyed digests."""

    def __init__(self, settings: Settings) -> None:
        from chassis.redis import Circuit, connect

        self._key = settings.soko_internal_key.get_secret_value().encode()[: blake2b.MAX_KEY_SIZE]
        self._redis = connect(settings.redis_url.get_secret_value())
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._redis.connection_pool,  # type: ignore[arg-type] # which it documents all the same
        )
        self._limiter = FixedWindowRateLimiter(storage)
        self._circuit = Circuit("rate limits")

    async def hit(self, limit: RateLimitItem, who: str) -> int:
        """As ``_hit``; 0 while Redis does not answer."""
        name = blake2b(who.encode(), key=self._key, digest_size=16).hexdigest()
        return await self._circuit.ask(lambda: _hit(self._limiter, limit, name), 0)

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.aclose()


async def _hit(limiter: RateLimiter, limit: RateLimitItem, who: str) -> int:
    """Count one request: 0 where it may go on, else the seconds to wait."""
    if await limiter.hit(limit, who):
        return 0
    stats = await limiter.get_window_stats(limit, who)
    return max(1, math.ceil(stats.reset_time - time.time()))


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """An IPv4 address, or the /64 that one IPv6 customer has to himself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
