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
from identity.settings import IdentitySettings

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

# $4 the account, $5 its key, $6 how many failures of one are free
FAILED: Final = f"""
WITH counted AS ({COUNT} RETURNING key, failures)
INSERT INTO audit (created_at, kind, user_id, details)
SELECT $2, kind, $4, jsonb_build_object('failures', failures) FROM counted
CROSS JOIN unnest(ARRAY['login_failed', 'login_held_back']) WITH ORDINALITY AS kinds (kind, place)
WHERE key = $5 AND (kind = 'login_failed' OR failures = $6 + 1) ORDER BY place
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


def held_by(settings: IdentitySettings, key: str, network: str) -> dict[str, Brake]:
    """What holds back somebody at this network address from the account with this key, which comes first."""
    return {key: settings.account_brake(), network_key(network): settings.address_brake()}


async def refuse_held_back(connection: Any, brakes: Mapping[str, Brake], now: datetime) -> None:
    """429 with ``Retry-After`` while one of these keys has to wait."""
    rows = await connection.fetch(FAILURES, list(brakes))
    waits = [brakes[row["key"]].wait(row["failures"], row["last_at"], now) for row in rows]
    longest = max(waits, default=timedelta(0))
    if longest:
        raise Problem(TOO_MANY_ATTEMPTS, headers={"Retry-After": str(math.ceil(longest.total_seconds()))})


async def failed(connection: Any, brakes: Mapping[str, Brake], now: datetime, user_id: str | None) -> None:
    """One more failed login under each of these keys, the account's the first of them, and in the audit."""
    key, brake = next(iter(brakes.items()))
    await connection.execute(FAILED, list(brakes), now, now - brake.forget, user_id, key, brake.free)


async def count(connection: Any, keys: Sequence[str], now: datetime, forget: timedelta) -> None:
    """One more under each of these keys."""
    await connection.execute(COUNT, list(keys), now, now - forget)
