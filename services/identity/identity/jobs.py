"""What is deleted when it has outlived its use."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from chassis.jobs import Job
from chassis.service import Service

from identity import accounts
from identity.app import Identity
from identity.domain import UNCONFIRMED_KEPT
from identity.tables import users

# The newest revocation stays, so that positions never seem to go back.
REVOCATIONS = """
DELETE FROM revocations WHERE needed_until < $1 AND position < (SELECT max(position) FROM revocations)
"""
SESSIONS = "DELETE FROM sessions WHERE expires_at < $1"
TOKENS = "DELETE FROM refresh_tokens WHERE expires_at < $1"
CODES = "DELETE FROM codes WHERE expires_at < $1"
# Kept a while after it has run out: used again it tells that somebody has seen it.
AUTHORIZATION_CODES = "DELETE FROM authorization_codes WHERE expires_at < $1"
RESETS = "DELETE FROM reset_tokens WHERE expires_at < $1"
ENROLMENTS = "DELETE FROM second_factors WHERE expires_at < $1"
FAILURES = "DELETE FROM login_failures WHERE last_at < $1"
KEYS = """
DELETE FROM signing_keys WHERE number IN (
    SELECT number FROM (SELECT number, lead(signs_from) OVER (ORDER BY number) AS until FROM signing_keys) AS each
    WHERE until < $1)
"""


AT_ONCE = 1000
"""Unconfirmed accounts that one run deletes: each is told, in one transaction."""


async def tidy(service: Service) -> str:
    """Delete sessions, tokens, codes, failures, revocations and keys of no more use, and accounts never confirmed."""
    assert isinstance(service, Identity)
    pool, now, life = service.database.pool, service.world.clock(), service.settings.access_token_life
    done = {
        "sessions": await pool.execute(SESSIONS, now - life),
        "refresh tokens": await pool.execute(TOKENS, now - life),
        "codes": await pool.execute(CODES, now),
        "authorization codes": await pool.execute(AUTHORIZATION_CODES, now - timedelta(days=1)),
        "reset tokens": await pool.execute(RESETS, now),
        "second factors never confirmed": await pool.execute(ENROLMENTS, now),
        "failed logins": await pool.execute(FAILURES, now - service.settings.account_brake().forget),
        "revocations": await pool.execute(REVOCATIONS, now),
        "keys": await pool.execute(KEYS, now - timedelta(days=1) - life),
    }
    done["unconfirmed accounts"] = str(await _unconfirmed(service, now))
    return ", ".join(f"{command.rpartition(' ')[2]} {what}" for what, command in done.items())


async def _unconfirmed(service: Identity, now: datetime) -> int:
    old = sa.select(users.c.id).where(~users.c.verified, users.c.updated_at <= now - UNCONFIRMED_KEPT).limit(AT_ONCE)
    async with service.unit(service.begins()) as unit:
        return await accounts.forget_unconfirmed(unit, users.c.id.in_(old))


TIDY = Job("tidy", tidy, every=timedelta(hours=1))
