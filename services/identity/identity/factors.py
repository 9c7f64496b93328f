"""The second factor: six digits that an app makes of a secret every half minute, and codes for when the app is lost."""

import base64
import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pyotp
import segno
import sqlalchemy as sa
from chassis.confiding import NotConfided, confide, confided
from chassis.context import Context
from chassis.http import Problem
from chassis.unit import Unit, driver

from identity import accounts, audit, brakes, domain, letters, sessions, tokens
from identity.app import Identity
from identity.problems import INVALID_CODE, MFA_ENABLED, MFA_NOT_ENABLED
from identity.tables import recovery_codes, second_factors

ISSUER: Final = "Soko"
RECOVERY_BYTES: Final = 10

KEEP: Final = """
INSERT INTO second_factors (user_id, secret, last_step, expires_at) VALUES ($1, $2, 0, $3)
ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = 0, expires_at = excluded.expires_at
"""

KEPT: Final = "SELECT secret, last_step, expires_at FROM second_factors WHERE user_id = $1"
CONFIRMED: Final = "UPDATE second_factors SET last_step = $2, expires_at = NULL WHERE user_id = $1"

# Two who send one code at once wait for each other here, and the second finds its step used.
SPENT: Final = """
UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND secret = $3 AND last_step < $2 RETURNING last_step
"""

FORGET_CODES: Final = "DELETE FROM recovery_codes WHERE user_id = $1"
KEEP_CODES: Final = "INSERT INTO recovery_codes (user_id, hash) SELECT $1, unnest($2::text[])"
RECOVERED: Final = "DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2 RETURNING hash"
LEFT: Final = "SELECT count(*) FROM recovery_codes WHERE user_id = $1"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app is set up with: the secret, the same as an address for apps, and that as a picture."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    qr: str = field(repr=False)


async def enrol(service: Identity, unit: Unit, user: "sa.Row[Any]") -> Enrolment:
    """A new secret for a locked account; it counts once it is confirmed. Refuses ``mfa-enabled``."""
    if user.mfa_since is not None:
        raise Problem(MFA_ENABLED)
    secret, connection = pyotp.random_base32(), await driver(unit.sql)
    kept = confide(service.settings.soko_internal_key, secret)
    await connection.execute(KEEP, user.id, kept, unit.now + domain.ENROLMENT_LIFE)
    name = user.email or user.username or user.phone
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
    return Enrolment(secret, uri, segno.make(uri, error="m").svg_data_uri(scale=4))


async def confirm(
    service: Identity, user_id: str, session_id: str | None, network: str, code: str, context: Context
) -> list[str] | None:
    """From now on the account needs its second factor, and its other sessions end: they were opened without one.

    Answers the recovery codes, None where the account is gone. Raises 422 ``invalid-code`` and 409 ``mfa-enabled``,
    and counts a wrong code as a wrong password.
    """
    async with service.unit(context) as unit:
        before, connection = await accounts.owned(unit, user_id), await driver(unit.sql)
        if before is None:
            return None
        if before.mfa_since is not None:
            raise Problem(MFA_ENABLED)
        held_by = brakes.held_by(service.settings, brakes.account_key(user_id, "email", ""), network)
        await brakes.refuse_held_back(connection, held_by, unit.now)
        kept = await connection.fetchrow(KEPT, user_id)
        step = None if kept is None or kept["expires_at"] <= unit.now else _step(service, user_id, kept, code, unit.now)
        if step is None:
            await brakes.failed(connection, held_by, unit.now, user_id)
        else:
            await connection.execute(CONFIRMED, user_id, step)
            after = await accounts.write(unit, before, {"mfa_since": unit.now}, ())
            codes = await _renewed(connection, user_id)
            await audit.record(unit, "mfa_enabled", user_id)
            _tell(service, unit, "mfa_enabled", after)
            life = service.settings.access_token_life
            await sessions.end(unit.sql, user_id, "mfa_enabled", unit.now, life, but=session_id)
    if step is None:
        raise Problem(INVALID_CODE)
    return codes


async def renew(unit: Unit, user: "sa.Row[Any]") -> list[str]:
    """Other recovery codes for a locked account; the old ones count no more. Refuses ``mfa-not-enabled``."""
    _needed(user)
    codes = await _renewed(await driver(unit.sql), user.id)
    await audit.record(unit, "recovery_codes_renewed", user.id)
    return codes


async def disable(service: Identity, unit: Unit, user: "sa.Row[Any]", by: str | None = None) -> "sa.Row[Any]":
    """The locked account needs its password alone again. Refuses ``mfa-not-enabled``."""
    _needed(user)
    await forget(unit, user.id)
    after = await accounts.write(unit, user, {"mfa_since": None}, ())
    await audit.record(unit, "mfa_disabled", user.id, by)
    _tell(service, unit, "mfa_disabled", after)
    return after


async def forget(unit: Unit, user_id: str) -> None:
    """Delete the secret and the recovery codes."""
    for table in (second_factors, recovery_codes):
        await unit.sql.execute(table.delete().where(table.c.user_id == user_id))


async def left(connection: Any, user_id: str) -> int:
    """How many recovery codes there still are."""
    count: int = await connection.fetchval(LEFT, user_id)
    return count


async def spend(service: Identity, user_id: str, code: str) -> bool:
    """Whether this is the account's code now, or one of its recovery codes: it counts once, for whoever came first."""
    if not code.isdecimal():
        return await _recover(service, user_id, code)
    pool = service.database.pool
    kept = await pool.fetchrow(KEPT, user_id)
    if kept is None or (step := _step(service, user_id, kept, code, service.world.clock())) is None:
        return False
    return await pool.fetchval(SPENT, user_id, step, kept["secret"]) is not None


async def _recover(service: Identity, user_id: str, code: str) -> bool:
    id_ = service.world.ids()
    async with service.unit(Context(id_, id_, id_)) as unit:
        user, connection = await accounts.owned(unit, user_id), await driver(unit.sql)
        used = await connection.fetchval(RECOVERED, user_id, tokens.stored_form(code))
        if user is None or used is None:
            return False
        count = await left(connection, user_id)
        await audit.record(unit, "recovery_code_used", user_id, left=count)
        _tell(service, unit, "recovery_code_used", user, left=count)
    return True


async def _renewed(connection: Any, user_id: str) -> list[str]:
    """Codes of 80 random bits each: a plain hash of them may be stored."""
    codes = [_random() for _ in range(domain.RECOVERY_CODES)]
    await connection.execute(FORGET_CODES, user_id)
    await connection.execute(KEEP_CODES, user_id, [tokens.stored_form(code) for code in codes])
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def _random() -> str:
    return base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()


def _step(service: Identity, user_id: str, kept: Mapping[str, Any], code: str, now: datetime) -> int | None:
    """The time step that the code belongs to, if it counts now."""
    try:
        app = pyotp.HOTP(confided(service.settings.soko_internal_key, kept["secret"]))
    except NotConfided:
        log.error("the second factor of %s was kept under another SOKO_INTERNAL_KEY", user_id)
        return None
    counting = domain.totp_steps(now, kept["last_step"])
    return next((step for step in counting if hmac.compare_digest(app.at(step).encode(), code.encode())), None)


def _needed(user: "sa.Row[Any]") -> None:
    if user.mfa_since is None:
        raise Problem(MFA_NOT_ENABLED)


def _tell(service: Identity, unit: Unit, kind: str, user: "sa.Row[Any]", **data: object) -> None:
    if to := letters.reach(user):
        letters.write(service, unit, kind, to, user, data)
