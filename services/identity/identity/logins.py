"""Logging in: one account found, held back where it failed too often, its password checked, a session opened."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final, Literal

import asyncpg
from chassis.http.auth import CHALLENGE
from chassis.http.problems import Problem

from identity import tokens
from identity.app import Identity
from identity.problems import DEACTIVATED, INVALID_CREDENTIALS, NOT_VERIFIED, TOO_MANY_ATTEMPTS
from identity.sessions import Opened

Kind = Literal["email", "username", "phone"]

FIND: Final[dict[Kind, str]] = {
    "email": "SELECT * FROM users WHERE email = lower($1)",
    "username": "SELECT * FROM users WHERE lower(username) = lower($1)",
    "phone": "SELECT * FROM users WHERE phone = $1 AND phone_verified",
}

FAILURES = "SELECT key, failures, last_at FROM login_failures WHERE key = ANY($1)"

# Rows in one order, so that two logins that fail at once never wait for each other in a ring.
FAILED = """
WITH counted AS (
    INSERT INTO login_failures (key, failures, last_at)
    SELECT key, 1, $2 FROM unnest($1::text[]) AS key ORDER BY key
    ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at,
        failures = CASE WHEN login_failures.last_at <= $3 THEN 1 ELSE login_failures.failures + 1 END
    RETURNING key, failures
)
INSERT INTO audit (created_at, kind, user_id, details)
SELECT $2, kind, $4, jsonb_build_object('failures', failures) FROM counted
CROSS JOIN unnest(ARRAY['login_failed', 'login_held_back']) WITH ORDINALITY AS kinds (kind, place)
WHERE key = $5 AND (kind = 'login_failed' OR failures = $6 + 1) ORDER BY place
"""  # $4 the account, $5 its key, $6 how many failures of one are free

# The account is looked at again under a lock: it may have been closed, or its password changed, meanwhile.
OPEN = """
WITH account AS (
    SELECT id, role FROM users WHERE id = $1 AND password_hash = $2 AND active FOR SHARE
), session AS (
    INSERT INTO sessions (id, user_id, device, address, created_at, last_used_at, expires_at)
    SELECT $3, id, $4, $5, $6, $6, $7 FROM account RETURNING id
), token AS (
    INSERT INTO refresh_tokens (hash, session_id, issued_at, expires_at) SELECT $8, id, $6, $7 FROM session
), forgotten AS (
    DELETE FROM login_failures WHERE key = $9
), told AS (
    INSERT INTO audit (created_at, kind, user_id, details)
    SELECT $6, 'login_succeeded', id, jsonb_build_object('session_id', $3::text) FROM account
)
SELECT role FROM account
"""

HASH = "SELECT password_hash FROM users WHERE id = $1 AND active"

REHASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2"


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants to log in, from where."""

    kind: Kind
    name: str
    device: str
    address: str

    def account_key(self, user_id: str | None) -> str:
        """Under what failures of the account are counted; a name without an account is held back just the same."""
        if user_id is not None:
            return f"account:{user_id}"
        return "unknown:" + hashlib.sha256(f"{self.kind}:{self.name.lower()}".encode()).hexdigest()

    def address_key(self) -> str:
        """Under what failures of the address are counted: of IPv6 the network, since anybody has many addresses."""
        try:
            parsed = ip_address(self.address)
        except ValueError:
            return f"address:{self.address}"
        return f"address:{int(parsed) >> 64:x}" if isinstance(parsed, IPv6Address) else f"address:{parsed}"


async def login(service: Identity, asking: Asking, password: str) -> tuple[Opened, asyncpg.Record]:
    """The new session and its account. Raises 401 on a wrong name or password, 403, or 429 with ``Retry-After``."""
    pool: asyncpg.Pool = service.database.pool
    async with service.passwords.turn:
        account = await pool.fetchrow(FIND[asking.kind], asking.name)
        now = service.world.clock()
        keys = [asking.account_key(account["id"] if account else None), asking.address_key()]
        await _refuse_held_back(service, pool, keys, now)
        verified = await service.passwords.verify(password, account["password_hash"] if account else None)
        if account is None or not verified.right:
            await _failed(service, pool, keys, now, account["id"] if account else None)
            raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
    if not account["verified"]:
        raise Problem(NOT_VERIFIED)
    if not account["active"]:
        raise Problem(DEACTIVATED)
    return await _open(service, pool, asking, account, verified.rehashed, keys[0]), account


async def prove(service: Identity, user_id: str, address: str, password: str) -> str:
    """The hash that the owner's ``password`` was checked against. Raises 401 and 429, and counts, as a login does."""
    pool: asyncpg.Pool = service.database.pool
    asking = Asking("email", "", "", address)
    async with service.passwords.turn:
        known: str | None = await pool.fetchval(HASH, user_id)
        now, keys = service.world.clock(), [asking.account_key(user_id), asking.address_key()]
        await _refuse_held_back(service, pool, keys, now)
        if known is None or not (await service.passwords.verify(password, known)).right:
            await _failed(service, pool, keys, now, user_id)
            raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
    return known


async def _failed(
    service: Identity, pool: asyncpg.Pool, keys: Sequence[str], now: datetime, user_id: str | None
) -> None:
    brake = service.settings.account_brake()
    await pool.execute(FAILED, list(keys), now, now - brake.forget, user_id, keys[0], brake.free)


async def _refuse_held_back(service: Identity, pool: asyncpg.Pool, keys: Sequence[str], now: datetime) -> None:
    brakes = dict(zip(keys, (service.settings.account_brake(), service.settings.address_brake()), strict=True))
    waits = [
        brakes[row["key"]].wait(row["failures"], row["last_at"], now) for row in await pool.fetch(FAILURES, list(keys))
    ]
    longest = max(waits, default=timedelta(0))
    if longest:
        raise Problem(TOO_MANY_ATTEMPTS, headers={"Retry-After": str(math.ceil(longest.total_seconds()))})


async def _open(
    service: Identity, pool: asyncpg.Pool, asking: Asking, account: asyncpg.Record, rehashed: str | None, key: str
) -> Opened:
    now, session_id, refresh = service.world.clock(), service.world.ids(), tokens.refresh_token()
    expires_at = now + service.settings.refresh_token_life
    role = await pool.fetchval(
        OPEN,
        account["id"],
        account["password_hash"],
        session_id,
        asking.device,
        asking.address,
        now,
        expires_at,
        tokens.stored_form(refresh),
        key,
    )
    if role is None:
        raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
    if rehashed:
        await pool.execute(REHASH, account["id"], account["password_hash"], rehashed)
    return Opened(session_id, account["id"], role, refresh)
