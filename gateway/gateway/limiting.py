"""Rate limits: by user or client where a token says who, else by address; attempts to log in by address alone."""

import ipaddress
import math
import time
from functools import lru_cache
from typing import Final

from chassis.http import RATE_LIMITED, Caller, Problem
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from gateway.settings import Settings

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
    """Each gateway process counts for itself."""

    def __init__(self, settings: Settings) -> None:
        self.user = parse(settings.rate_limit_user)
        self.address = parse(settings.rate_limit_address)
        self.auth = parse(settings.rate_limit_auth)
        self._limiter = FixedWindowRateLimiter(Counts())

    async def count(self, caller: Caller | None, address: str) -> None:
        """Count one request; 429 beyond the limit of its user, or of its address where no token names one."""
        who = caller and (caller.user_id or caller.client_id)
        await self._count(*((self.user, who) if who else (self.address, counted_as(address))))

    async def count_attempt(self, address: str) -> None:
        """Count one attempt to log in, register and the like."""
        await self._count(self.auth, f"auth {counted_as(address)}")

    async def _count(self, limit: RateLimitItem, who: str) -> None:
        if await self._limiter.hit(limit, who):
            return
        stats = await self._limiter.get_window_stats(limit, who)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
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
