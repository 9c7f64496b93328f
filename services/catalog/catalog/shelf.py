"""Answers that replicas share in Redis.

There are so many places and no more, each for one answer, so that neither many questions nor many changes fill the
server: what is put in a place takes the place of what was there. An answer says in its head what it answers, and in
which period; whoever finds another head has found nothing. Places and heads hold no word of what was asked.
"""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalog.cache import Key, Period, Ready
from catalog.settings import Settings

if TYPE_CHECKING:
    from chassis.redis import Circuit
    from redis.asyncio import Redis

PLACE_DIGITS: Final = 3
"""4,096 places, of an answer's digest in base 16."""
LARGEST: Final = 128 * 1024
"""Bytes: the places hold 512 MiB at the very most. A list of 100 products has about 100 KiB."""


class RedisShelf:
    """One Redis. ``shape`` keeps apart who would answer the same question otherwise: another version, another shop."""

    def __init__(self, redis: "Redis", circuit: "Callable[[str], Circuit]", shape: str) -> None:
        self._redis, self._shape = redis, shape
        self._reading, self._writing = circuit("what the catalog has ready"), circuit("keeping the catalog's answers")

    async def get(self, period: Period, key: Key) -> Ready | None:
        """The answer, if it is there and Redis says so in time."""
        place, head = self._place(period, key)
        kept: bytes | None = await self._reading.ask(lambda: self._redis.get(place), None)
        parts = (kept or b"").split(b"\n", 2)
        return Ready(parts[2], parts[1]) if len(parts) == 3 and parts[0] == head else None

    async def put(self, period: Period, key: Key, made: Ready, lasts: timedelta) -> None:
        """Keep it for so long, unless it is too large or Redis takes nothing (it may be full and still be read)."""
        if len(made.body) > LARGEST or self._reading.broken:
            return
        place, head = self._place(period, key)
        kept = b"\n".join((head, made.etag, made.body))
        await self._writing.ask(lambda: self._redis.set(place, kept, px=lasts), None)

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.aclose()

    def _place(self, period: Period, key: Key) -> tuple[str, bytes]:
        path, query = key
        digest = sha256(path.encode() + b"?" + query).hexdigest()
        head = f"{digest} {period.mark} {period.until.timestamp()}"
        return f"soko:catalog:{self._shape}:{digest[:PLACE_DIGITS]}", head.encode()


def shelf_of(settings: Settings) -> RedisShelf | None:
    """The shelf that ``REDIS_URL`` names, if it names one. Nothing is asked of it yet."""
    url = settings.redis_url.get_secret_value()
    if not url:
        return None
    from chassis.redis import Circuit, connect

    return RedisShelf(connect(url), Circuit, _shape(settings))


def _shape(settings: Settings) -> str:
    """What shapes answers besides the data: this code, and the settings that are shown."""
    digest = sha256(settings.shop_currency.encode())
    for package in ("catalog", "chassis"):
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
