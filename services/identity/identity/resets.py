"""Another password: by whoever knows the old one, or reads what is sent to the account's address."""

from typing import Any, Final

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import Problem, invalid
from chassis.unit import Unit, driver
from soko_contracts.identity import UserVerified

from identity import accounts, audit, brakes, codes, domain, letters, passwords, sessions, tokens
from identity.app import Identity
from identity.brakes import Kind
from identity.codes import Address
from identity.problems import INVALID_RESET_TOKEN
from identity.tables import users

KEEP: Final = """
INSERT INTO reset_tokens (hash, user_id, channel, address, expires_at) VALUES ($1, $2, $3, $4, $5)
"""
OWNER: Final = "SELECT user_id FROM reset_tokens WHERE hash = $1"
USED: Final = "DELETE FROM reset_tokens WHERE hash = $1 AND expires_at > $2 RETURNING channel, address"
OTHERS: Final = "DELETE FROM reset_tokens WHERE user_id = $1"


async def change(
    service: Identity, user_id: str, session_id: str | None, network: str, old: str, new: str, context: Context
) -> bool:
    """Take ``old`` for ``new`` and end the other sessions. False where the account is gone; 422 names what is wrong."""
    pool, life = service.database.pool, service.settings.access_token_life
    async with service.passwords.turn:
        row = await pool.fetchrow("SELECT * FROM users WHERE id = $1", user_id)
        if row is None:
            return False
        now = service.world.clock()
        held_by = {brakes.account_key(user_id, "email", ""): service.settings.account_brake()}
        held_by[brakes.network_key(network)] = service.settings.address_brake()
        await brakes.refuse_held_back(pool, held_by, now)
        if not (await service.passwords.verify(old, row["password_hash"])).right:
            await brakes.count(pool, list(held_by), now, service.settings.account_brake().forget)
            raise invalid("/current_password", "is not the password")
    if fault := passwords.fault(new, row["email"], row["username"], row["phone"]):
        raise invalid("/new_password", fault)
    hashed = await service.passwords.hash(new)
    async with service.unit(context) as unit:
        before = await accounts.locked(unit, user_id)
        if before is None or before.password_hash != row["password_hash"]:
            raise invalid("/current_password", "is not the password")
        await _replace(service, unit, before, hashed)
        await sessions.end(unit.sql, user_id, "password_changed", unit.now, life, but=session_id)
    return True


async def ask(service: Identity, to: Address, context: Context) -> None:
    """Send a token there, if somebody is known there."""
    async with service.unit(context) as unit:
        await codes.in_turn(unit, to)
        found = await codes.at(unit, to)
        await codes.hold_back(service, unit, "reset", to)
        if found is not None and found.active:
            await send(service, unit, found, to)


async def send(service: Identity, unit: Unit, user: "sa.Row[Any]", to: Address) -> None:
    """A token for whoever reads what comes to this address of the account."""
    token, connection = tokens.refresh_token(), await driver(unit.sql)
    kept, expires_at = tokens.stored_form(token), unit.now + domain.RESET_LIFE
    await connection.execute(KEEP, kept, user.id, to.channel, to.value, expires_at)
    life = letters.minutes(domain.RESET_LIFE.total_seconds())
    letters.write(service, unit, "password_reset", to.to, user, life, token=token)


async def confirm(service: Identity, token: str, new: str, context: Context) -> None:
    """A password for whoever holds the token, which proves the address it came to; every session ends."""
    kept, life = tokens.stored_form(token), service.settings.access_token_life
    user_id = await service.database.pool.fetchval(OWNER, kept)
    if user_id is None:
        raise Problem(INVALID_RESET_TOKEN)
    async with service.database.engine.connect() as sql:
        known = (await sql.execute(users.select().where(users.c.id == user_id))).one_or_none()
    if known is not None and (fault := passwords.fault(new, known.email, known.username, known.phone)):
        raise invalid("/new_password", fault)
    hashed = await service.passwords.hash(new)
    async with service.unit(context) as unit:
        before, connection = await accounts.locked(unit, user_id), await driver(unit.sql)
        used = await connection.fetchrow(USED, kept, unit.now)
        # Where the account has another address by now, the old one opens nothing.
        if before is None or used is None or getattr(before, used["channel"]) != used["address"]:
            raise Problem(INVALID_RESET_TOKEN)
        # Else whoever reads the owner's mail could guess codes of the second factor without ever waiting.
        if before.mfa_since is None:
            await connection.execute(brakes.FORGIVEN, brakes.account_key(user_id, "email", ""))
        await _replace(service, unit, before, hashed, proven=used["channel"])
        await sessions.end(unit.sql, user_id, "password_reset", unit.now, life)


async def _replace(
    service: Identity, unit: Unit, before: "sa.Row[Any]", hashed: str, proven: Kind | None = None
) -> None:
    changes: dict[str, Any] = {"password_hash": hashed}
    told = []
    if proven is not None:
        changes |= {"verified": True, "phone_verified": before.phone_verified or proven == "phone"}
        if not before.verified:
            told = [UserVerified(user_id=before.id, role=before.role, active=before.active)]
    after = await accounts.write(unit, before, changes, told)
    connection = await driver(unit.sql)
    await connection.execute(OTHERS, before.id)
    await audit.record(unit, "password_reset" if proven else "password_changed", before.id)
    if to := letters.reach(after):
        letters.write(service, unit, "password_changed", to, after)
