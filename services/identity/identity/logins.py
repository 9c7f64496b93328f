"""Logging in: one account found, held back where it failed too often, its password checked, a session opened."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
from chassis.http.auth import CHALLENGE
from chassis.http.problems import Problem

from identity import brakes, tokens
from identity.app import Identity
from identity.brakes import Kind
from identity.problems import DEACTIVATED, INVALID_CREDENTIALS, NOT_VERIFIED
from identity.sessions import Opened

FIND: Final[dict[Kind, str]] = {
    "email": "SELECT * FROM users WHERE email = lower($1)",
    "username": "SELECT * FROM users WHERE lower(username) = lower($1)",
    "phone": """
SELECT * FROM users WHERE phone = $1 AND (phone_verified OR NOT verified) ORDER BY phone_verified DESC LIMIT 1
""",
}

# $4 the account, $5 its key, $6 how many failures of one are free
FAILED: Final = f"""
WITH counted AS ({brakes.COUNT} RETURNING key, failures)
INSERT INTO audit (created_at, kind, user_id, details)
SELECT $2, kind, $4, jsonb_build_object('failures', failures) FROM counted
CROSS JOIN unnest(ARRAY['login_failed', 'login_held_back']) WITH ORDINALITY AS kinds (kind, place)
WHERE key = $5 AND (kind = 'login_failed' OR failures = $6 + 1) ORDER BY place
"""

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
    SELECT $6, 'login_succeeded', id,
           jsonb_strip_nulls(jsonb_build_object('session_id', $3::text, 'provider', $10::text)) FROM account
)
SELECT role FROM account
"""

ACCOUNT = "SELECT * FROM users WHERE id = $1"

HASH = "SELECT password_hash FROM users WHERE id = $1 AND active"

REHASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2"


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants to log in, from where."""

    kind: Kind
    name: str
    device: str
    address: str


async def login(service: Identity, asking: Asking, password: str) -> tuple[Opened, asyncpg.Record]:
    """The new session and its account. Raises 401 on a wrong name or password, 403, or 429 with ``Retry-After``."""
    pool: asyncpg.Pool = service.database.pool
    async with service.passwords.turn:
        account = await pool.fetchrow(FIND[asking.kind], asking.name)
        now = service.world.clock()
        key = brakes.account_key(account["id"] if account else None, asking.kind, asking.name)
        network = brakes.network_key(asking.address)
        held_by = {key: service.settings.account_brake(), network: service.settings.address_brake()}
        await brakes.refuse_held_back(pool, held_by, now)
        verified = await service.passwords.verify(password, account["password_hash"] if account else None)
        if account is None or not verified.right:
            await _failed(service, held_by, now, key, account["id"] if account else None)
            raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
    if not account["verified"]:
        raise Problem(NOT_VERIFIED)
    if not account["active"]:
        raise Problem(DEACTIVATED)
    return await _open(service, pool, asking, account, verified.rehashed, key), account


async def enter(
    service: Identity, user_id: str, device: str, address: str, provider: str
) -> tuple[Opened, asyncpg.Record]:
    """A session for whom an outside ``provider`` has named, in place of a password. Raises 403.

    Whatever an account asks for besides its password is asked for here too: no provider's word stands for it.
    """
    pool: asyncpg.Pool = service.database.pool
    account = await pool.fetchrow(ACCOUNT, user_id)
    if account is None or not account["active"]:
        raise Problem(DEACTIVATED)
    asking, key = Asking("email", "", device, address), brakes.account_key(user_id, "email", "")
    return await _open(service, pool, asking, account, None, key, provider), account


async def prove(service: Identity, user_id: str, address: str, password: str) -> str:
    """The hash that the owner's ``password`` was checked against. Raises 401 and 429, and counts, as a login does."""
    pool: asyncpg.Pool = service.database.pool
    async with service.passwords.turn:
        known: str | None = await pool.fetchval(HASH, user_id)
        now, key = service.world.clock(), brakes.account_key(user_id, "email", "")
        held_by = {key: service.settings.account_brake(), brakes.network_key(address): service.settings.address_brake()}
        await brakes.refuse_held_back(pool, held_by, now)
        if known is None or not (await service.passwords.verify(password, known)).right:
            await _failed(service, held_by, now, key, user_id)
            raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
    return known


async def _failed(service: Identity, keys: Iterable[str], now: datetime, key: str, user_id: str | None) -> None:
    brake = service.settings.account_brake()
    await service.database.pool.execute(FAILED, list(keys), now, now - brake.forget, user_id, key, brake.free)


async def _open(
    service: Identity,
    pool: asyncpg.Pool,
    asking: Asking,
    account: asyncpg.Record,
    rehashed: str | None,
    key: str,
    provider: str | None = None,
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
        provider,
    )
    if role is None:
        raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
    if rehashed:
        await pool.execute(REHASH, account["id"], account["password_hash"], rehashed)
    return Opened(session_id, account["id"], role, refresh)
