"""Logging in: one account found, held back where it failed too often, its password checked, a session opened."""

from dataclasses import dataclass
from typing import Final

import asyncpg
from chassis.http.auth import CHALLENGE
from chassis.http.problems import Problem

from identity import brakes, factors, rights, tokens
from identity.app import Identity
from identity.brakes import Kind
from identity.problems import DEACTIVATED, INVALID_CREDENTIALS, NOT_VERIFIED, SECOND_FACTOR_REQUIRED
from identity.sessions import Opened

FIND: Final[dict[Kind, str]] = {
    "email": "SELECT * FROM users WHERE email = lower($1)",
    "username": "SELECT * FROM users WHERE lower(username) = lower($1)",
    "phone": """
SELECT * FROM users WHERE phone = $1 AND (phone_verified OR NOT verified) ORDER BY phone_verified DESC LIMIT 1
""",
}

# The account is looked at again under a lock: it may have been closed, or its password or its second factor changed,
# meanwhile. Its role is held too: whoever changes what it allows waits for this session, or this waits for them.
OPEN = """
WITH account AS (
    SELECT id, role FROM users
    WHERE id = $1 AND password_hash = $2 AND active AND mfa_since IS NOT DISTINCT FROM $10 FOR SHARE
), role AS (
    SELECT rights FROM roles JOIN account ON name = role FOR SHARE OF roles
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
SELECT role, (SELECT rights FROM role) FROM account
"""

OWN = "SELECT id, password_hash, mfa_since FROM users WHERE id = $1 AND active"

REHASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2"


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants to log in, from where."""

    kind: Kind
    name: str
    device: str
    address: str


async def login(
    service: Identity, asking: Asking, password: str, totp: str | None = None
) -> tuple[Opened, asyncpg.Record]:
    """The new session and its account. Raises 401 on a wrong name, password or code, 403, or 429 with ``Retry-After``.

    Whether there is a second factor shows once the password is right: 401 ``second-factor-required`` without ``totp``.
    """
    pool: asyncpg.Pool = service.database.pool
    async with service.passwords.turn:
        account = await pool.fetchrow(FIND[asking.kind], asking.name)
        now = service.world.clock()
        key = brakes.account_key(account["id"] if account else None, asking.kind, asking.name)
        held_by = brakes.held_by(service.settings, key, asking.address)
        await brakes.refuse_held_back(pool, held_by, now)
        verified = await service.passwords.verify(password, account["password_hash"] if account else None)
        if account is None or not verified.right:
            await brakes.failed(pool, held_by, now, account["id"] if account else None)
            raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
        if not account["verified"]:
            raise Problem(NOT_VERIFIED)
        if not account["active"]:
            raise Problem(DEACTIVATED)
        await second(service, account, asking.address, totp)
    return await _open(service, pool, asking, account, verified.rehashed, key), account


async def prove(service: Identity, user_id: str, address: str, password: str, totp: str | None = None) -> str:
    """The hash that the owner's ``password`` was checked against. Raises 401 and 429, and counts, as a login does."""
    pool: asyncpg.Pool = service.database.pool
    async with service.passwords.turn:
        account = await pool.fetchrow(OWN, user_id)
        now, key = service.world.clock(), brakes.account_key(user_id, "email", "")
        held_by = brakes.held_by(service.settings, key, address)
        await brakes.refuse_held_back(pool, held_by, now)
        if account is None or not (await service.passwords.verify(password, account["password_hash"])).right:
            await brakes.failed(pool, held_by, now, user_id)
            raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
        await second(service, account, address, totp)
    known: str = account["password_hash"]
    return known


async def second(service: Identity, account: asyncpg.Record, address: str, totp: str | None) -> None:
    """Let nobody pass without the account's second factor, where it has one, however else they proved who they are.

    ``account`` holds ``id`` and ``mfa_since``. Raises 401 and 429; a wrong code counts as a wrong password does.
    Whoever calls holds ``passwords.turn``: so a burst of codes gets no more tries than one of passwords.
    """
    if account["mfa_since"] is None:
        return
    if totp is None:
        raise Problem(SECOND_FACTOR_REQUIRED, headers=CHALLENGE)
    pool, now = service.database.pool, service.world.clock()
    held_by = brakes.held_by(service.settings, brakes.account_key(account["id"], "email", ""), address)
    await brakes.refuse_held_back(pool, held_by, now)
    if not await factors.spend(service, account["id"], totp):
        await brakes.failed(pool, held_by, now, account["id"])
        raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)


async def _open(
    service: Identity, pool: asyncpg.Pool, asking: Asking, account: asyncpg.Record, rehashed: str | None, key: str
) -> Opened:
    now, session_id, refresh = service.world.clock(), service.world.ids(), tokens.refresh_token()
    expires_at = now + service.settings.refresh_token_life
    opened = await pool.fetchrow(
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
        account["mfa_since"],
    )
    if opened is None:
        raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
    if rehashed:
        await pool.execute(REHASH, account["id"], account["password_hash"], rehashed)
    allowed = rights.of(opened["role"], opened["rights"])
    return Opened(session_id, account["id"], opened["role"], allowed, refresh)
