"""Roles that administrators define: made, changed and deleted, and the tokens of whoever has them."""

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from chassis.decider import Refused
from chassis.http import Caller, invalid
from chassis.unit import Unit
from soko_contracts.rights import PRESETS
from sqlalchemy.dialects.postgresql import insert

from identity import accounts, audit, domain, rights, sessions
from identity.app import Identity
from identity.tables import roles

MOST: Final = 100

HAVING = sa.text("SELECT count(*) FROM users WHERE role = :role AND role <> 'customer'")


async def define(unit: Unit, name: str, description: str, allowed: Collection[str], by: Caller) -> "sa.Row[Any]":
    """A new role. Refuses ``too-many-roles``; raises 422 where the name is taken, 403 on rights that ``by`` lacks."""
    accounts.give(frozenset(allowed), by)
    if (await unit.sql.execute(sa.select(sa.func.count()).select_from(roles))).scalar_one() >= MOST:
        raise Refused("too-many-roles", f"The shop has {MOST} roles of its own.")
    values = {
        "name": name,
        "description": description,
        "rights": sorted(set(allowed)),
        "version": 1,
        "created_at": unit.now,
        "updated_at": unit.now,
    }
    statement = insert(roles).values(values).on_conflict_do_nothing().returning(roles)
    made: sa.Row[Any] | None = None if name in PRESETS else (await unit.sql.execute(statement)).one_or_none()
    if made is None:
        raise invalid("/name", "is taken")
    await audit.record(unit, "role_defined", None, by.user_id, role=name, rights=made.rights)
    return made


async def locked(unit: Unit, name: str) -> "sa.Row[Any] | None":
    """A role's row, held: whoever gives it, or logs in by it, waits. Refuses ``preset-role``."""
    if name in PRESETS:
        raise Refused("preset-role", f"{name} is what every shop has, and stays as it is.")
    return (await unit.sql.execute(roles.select().where(roles.c.name == name).with_for_update())).one_or_none()


async def change(
    service: Identity,
    unit: Unit,
    before: "sa.Row[Any]",
    *,
    description: str | None,
    allowed: Collection[str] | None,
    by: Caller,
) -> "sa.Row[Any]":
    """Change a locked role. Other rights renew the sessions of whoever has it. Refuses ``last-admin``; raises 403."""
    old = domain.known(before.rights)
    new = old if allowed is None else frozenset(allowed)
    said = before.description if description is None else description
    if new == old and said == before.description:
        return before
    accounts.give(new - old, by)
    if domain.ADMINISTERS in old - new:
        domain.redefine(old, new, other_admins=await rights.other_admins(unit.sql, role=before.name))
    values = {"description": said, "rights": sorted(new), "version": before.version + 1, "updated_at": unit.now}
    statement = roles.update().where(roles.c.name == before.name).values(values).returning(roles)
    after: sa.Row[Any] = (await unit.sql.execute(statement)).one()
    if new != old:
        told = {"role": before.name, "added": sorted(new - old), "removed": sorted(old - new)}
        await audit.record(unit, "role_redefined", None, by.user_id, **told)
        life = service.settings.access_token_life
        await sessions.renew_role(unit.sql, before.name, "role_redefined", service.world, life)
    return after


async def delete(unit: Unit, before: "sa.Row[Any]", by: Caller) -> None:
    """Delete a locked role that nobody has. Refuses ``role-in-use``."""
    if count := (await unit.sql.execute(HAVING, {"role": before.name})).scalar_one():
        raise Refused("role-in-use", f"Accounts that have it: {count}.")
    await unit.sql.execute(roles.delete().where(roles.c.name == before.name))
    await audit.record(unit, "role_deleted", None, by.user_id, role=before.name)
