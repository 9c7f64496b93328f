"""What slows guessing down: tries that failed, and codes that were sent, counted under a key each."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, Literal

from chassis.http.problems import Problem

from identity.domain import Brake
from identity.problems import TOO_MANY_ATTEMPTS

Kind = Literal["email", "username", "phone"]

FAILURES: Final = "SELECT key, failures, last_at FROM login_failures WHERE key = ANY($1)"

FORGIVEN: Final = "DELETE FROM login_failures WHERE key = $1"

# Rows in one order, so that two that fail at once never wait for each other in a ring.
COUNT: Final = """
INSERT INTO login_failures (key, failures, last_at)
SELECT key, 1, $2 FROM unnest($1::text[]) AS key ORDER BY key
ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at,
    failures = CASE WHEN login_failures.last_at <= $3 THEN 1 ELSE login_failures.failures + 1 END
"""


def account_key(user_id: str | None, kind: Kind, name: str) -> str:
    """Under what failures of the account are counted; a name without an account is held back just the same."""
    return f"account:{user_id}" if user_id is not None else named_key("unknown", kind, name)


def named_key(what: str, kind: Kind, name: str) -> str:
    """A key that does not show the name."""
    return f"{what}:" + hashlib.sha256(f"{kind}:{name.lower()}".encode()).hexdigest()


def network_key(address: str) -> str:
    """Under what failures of the address are counted: of IPv6 the network, since anybody has many addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return f"address:{address}"
    return f"address:{int(parsed) >> 64:x}" if isinstance(parsed, IPv6Address) else f"address:{parsed}"


async def refuse_held_back(connection: Any, brakes: Mapping[str, Brake], now: datetime) -> None:
    """429 with ``Retry-After`` while one of these keys has to wait."""
    rows = await connection.fetch(FAILURES, list(brakes))
    waits = [brakes[row["key"]].wait(row["failures"], row["last_at"], now) for row in rows]
    longest = max(waits, default=timedelta(0))
    if longest:
        raise Problem(TOO_MANY_ATTEMPTS, headers={"Retry-After": str(math.ceil(longest.total_seconds()))})


async def count(connection: Any, keys: Sequence[str], now: datetime, forget: timedelta) -> None:
    """One more under each of these keys."""
    await connection.execute(COUNT, list(keys), now, now - forget)
