"""Which access tokens no longer count although they have not run out: a list that every service follows."""

from typing import Any, Final

import asyncpg

# Between the two the list may have grown, never shrunk: the newest row is always kept.
NEWEST = "SELECT coalesce(max(position), 0) FROM revocations"
AFTER = "SELECT position, session_id FROM revocations WHERE position > $1 ORDER BY position LIMIT $2"

MOST: Final = 10_000


async def after(pool: "asyncpg.Pool[Any]", position: int) -> dict[str, Any]:
    """What was revoked after ``position``, and the position to ask from next: at most ``MOST`` at once."""
    newest = await pool.fetchval(NEWEST)
    rows = await pool.fetch(AFTER, position, MOST) if newest > position else []
    # A role change or a deactivation reaches a user by the sessions, so the list by users stays empty.
    return {
        "position": rows[-1]["position"] if rows else newest,
        "sessions": [row["session_id"] for row in rows],
        "users": [],
    }
