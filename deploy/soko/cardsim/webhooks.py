"""Telling the shop: signed, at least once, tried again with growing delay for days, in no promised order.

A row leaves the queue when the shop has said 2xx. What goes out for the first time goes together in one delivery; what
was refused before goes alone, so that it holds up nothing else.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
from chassis.database import Database
from chassis.http import Peers, Problem

log = logging.getLogger(__name__)

SIGNATURE = "Cardsim-Signature"
PATH = "/api/v1/payments/webhooks/cardsim"

DUE = """
select id, event_id, body, tries from webhooks
where due_at <= $1 and parked_at is null order by due_at, id limit 200
"""
TAKEN = "delete from webhooks where id = any($1::bigint[])"
REFUSED = """
update webhooks set tries = tries + 1, error = $2, due_at = $3, parked_at = $4 where id = any($1::bigint[])
"""
NEXT = "select min(due_at) from webhooks where parked_at is null"
TOGETHER = 100
ALONE_AT_ONCE = 16
TRIES = 32
LONGEST_DELAY = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Sender:
    """``peers`` knows the one to tell as ``payment``."""

    database: Database
    peers: Peers
    secret: str
    now: Callable[[], datetime]
    ids: Callable[[], str]

    async def once(self) -> int:
        """Send what is due; how many webhooks were tried."""
        rows = await self.database.pool.fetch(DUE, self.now())
        fresh, again = [row for row in rows if row["tries"] == 0], [row for row in rows if row["tries"]]
        deliveries = [fresh[start : start + TOGETHER] for start in range(0, len(fresh), TOGETHER)]
        deliveries += [[row] for row in again]
        for start in range(0, len(deliveries), ALONE_AT_ONCE):
            await asyncio.gather(*(self._deliver(each) for each in deliveries[start : start + ALONE_AT_ONCE]))
        return len(rows)

    async def next_at(self) -> datetime | None:
        """When the next one is due."""
        at: datetime | None = await self.database.pool.fetchval(NEXT)
        return at

    async def _deliver(self, rows: list[Any]) -> None:
        ids = [row["id"] for row in rows]
        refused = await self._send(rows)
        if refused is None:
            await self.database.pool.execute(TAKEN, ids)
            return
        tries = rows[0]["tries"] + 1
        now = self.now()
        due = now + min(timedelta(milliseconds=500) * 2 ** min(tries - 1, 20), LONGEST_DELAY)
        log.info("%s webhooks were refused: %s", len(rows), refused)
        await self.database.pool.execute(REFUSED, ids, refused, due, now if tries >= TRIES else None)

    async def _send(self, rows: list[Any]) -> str | None:
        """None when they are taken, else why not."""
        events = [orjson.Fragment(row["body"]) for row in rows]
        body = orjson.dumps({"id": f"dlv_{self.ids()}", "events": events})
        headers = {SIGNATURE: signed(self.secret, body, self.now())}
        try:
            answer = await self.peers.post("payment", PATH, orjson.Fragment(body), headers=headers)
        except (Problem, OSError) as error:
            return str(error)
        return None if answer.ok else f"{answer.status}"


def signed(secret: str, body: bytes, at: datetime) -> str:
    """``t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">``."""
    sent = str(int(at.timestamp()))
    return f"t={sent},v1={hmac.new(secret.encode(), f'{sent}.'.encode() + body, sha256).hexdigest()}"
