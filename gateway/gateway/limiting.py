"""Rate limits: by user or client where a token says who, else by address; attempts to log in by address alone."""

import ipaddress
import math
import time
from functools import lru_cache

from chassis.http import RATE_LIMITED, Caller, Problem
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from gateway.settings import Settings


class Limits:
    """Each gateway process counts for itself."""

    def __init__(self, settings: Settings) -> None:
        self.user = parse(settings.rate_limit_user)
        self.address = parse(settings.rate_limit_address)
        self.auth = parse(settings.rate_limit_auth)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

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
