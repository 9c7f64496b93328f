"""Idempotency keys in the database: looked up first, looked up again under a lock, kept with the effect."""

from datetime import timedelta
from typing import Any

from chassis.once import Once
from chassis.sealing import Connected

LOOK = "select body_hash, resource_id from idempotency where caller = $1 and route = $2 and key = $3"
LOCK = "select pg_try_advisory_xact_lock(hashtextextended($1, 1))"
FORGET = "delete from idempotency where created_at < $1"
KEPT = timedelta(hours=24)


class KeyReused(Exception):
    """The idempotency key came before with another body."""


class KeyInFlight(Exception):
    """A request with this idempotency key is being worked on."""


async def recall(connection: Connected, once: Once) -> str | None:
    """The resource this key made, if it did. Raises KeyReused."""
    row: Any = await connection.fetchrow(LOOK, once.caller, once.route, once.key)
    if row is None:
        return None
    if row["body_hash"] != once.body_hash:
        raise KeyReused
    return str(row["resource_id"])


async def claim(connection: Connected, once: Once) -> str | None:
    """Within a transaction: take the key, or find what it made meanwhile. Raises KeyInFlight and KeyReused."""
    if not await connection.fetchval(LOCK, "\n".join((once.caller, once.route, once.key))):
        raise KeyInFlight
    return await recall(connection, once)
