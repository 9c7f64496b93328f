"""What keeps a shop from rest: messages, calls and webhooks on their way, and orders that will still move."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

import asyncpg
from chassis.world import uuid7

from soko.oracle.messages import NEWEST, unseen
from soko.oracle.reading import opened

WAITING: Mapping[str, str] = {
    "messages to be sent": "select count(*) from outbox",
    "messages to be worked off": "select count(*) from inbox where parked_at is null",
    "calls to be made": "select count(*) from calls where parked_at is null",
}
UNSETTLED: Mapping[str, tuple[str, str]] = {
    "order": ("orders that have not settled", "select count(*) from orders where not settled"),
    "payment": ("payments that have not settled", "select count(*) from payments where not settled"),
    "notification": ("events that the feed has not numbered", "select count(*) from unnumbered"),
    "cardsim": ("webhooks to be sent", "select count(*) from webhooks where parked_at is null"),
}
EVERY = 0.5
ARRIVES_WITHIN = 600
"""Seconds."""


async def unrest(urls: Mapping[str, str]) -> list[str]:
    """What is on its way, a line each; nothing of it: the shop is at rest."""
    found = await asyncio.gather(*(_waiting(service, url) for service, url in urls.items()))
    return [line for lines in found for line in lines] or await _on_the_broker(urls)


async def rest(urls: Mapping[str, str], seconds: float) -> list[str]:
    """Wait for rest, so long at most; what was still on its way then."""
    until = time.monotonic() + seconds
    while (found := await unrest(urls)) and time.monotonic() < until:  # noqa: ASYNC110 - others bring it
        await asyncio.sleep(EVERY)
    return found


async def _waiting(service: str, url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        wanted = dict(WAITING) if service != "cardsim" else {}
        if service in UNSETTLED:
            what, sql = UNSETTLED[service]
            wanted[what] = sql
        counts = {what: await connection.fetchval(sql) for what, sql in wanted.items()}
        return [f"{service}: {count} {what}" for what, count in counts.items() if count]
    finally:
        await connection.close()


async def _on_the_broker(urls: Mapping[str, str]) -> list[str]:
    """What waits there for a service that starts again. A queue keeps the order: the newest messages are among it.

    What has waited longer is no longer on its way: "messages arrive" names it.
    """
    long_ago = uuid7(int((time.time() - ARRIVES_WITHIN) * 1000), 0)
    async with opened(urls) as databases:
        waiting = Counter([subscriber async for _, subscriber, _, _ in unseen(databases, NEWEST, long_ago)])
    return [f"{service}: {count} messages to be received" for service, count in sorted(waiting.items())]
