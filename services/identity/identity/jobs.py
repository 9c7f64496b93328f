"""What is deleted when it has outlived its use."""

from datetime import timedelta

from chassis.jobs import Job
from chassis.service import Service

from identity.app import Identity

# The newest revocation stays, so that positions never seem to go back.
REVOCATIONS = """
DELETE FROM revocations WHERE needed_until < $1 AND position < (SELECT max(position) FROM revocations)
"""
SESSIONS = "DELETE FROM sessions WHERE expires_at < $1"
TOKENS = "DELETE FROM refresh_tokens WHERE expires_at < $1"
FAILURES = "DELETE FROM login_failures WHERE last_at < $1"
KEYS = """
DELETE FROM signing_keys WHERE number IN (
    SELECT number FROM (SELECT number, lead(signs_from) OVER (ORDER BY number) AS until FROM signing_keys) AS each
    WHERE until < $1)
"""


async def tidy(service: Service) -> str:
    """Delete sessions, tokens, failed logins, revocations and keys that nothing can refer to any more."""
    assert isinstance(service, Identity)
    pool, now, life = service.database.pool, service.world.clock(), service.settings.access_token_life
    done = {
        "sessions": await pool.execute(SESSIONS, now - life),
        "refresh tokens": await pool.execute(TOKENS, now - life),
        "failed logins": await pool.execute(FAILURES, now - service.settings.account_brake().forget),
        "revocations": await pool.execute(REVOCATIONS, now),
        "keys": await pool.execute(KEYS, now - timedelta(days=1) - life),
    }
    return ", ".join(f"{command.rpartition(' ')[2]} {what}" for what, command in done.items())


TIDY = Job("tidy", tidy, every=timedelta(hours=1))
