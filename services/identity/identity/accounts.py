"""Making and changing accounts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import asyncpg
import sqlalchemy as sa
from chassis.context import Context
from chassis.decider import Refused
from chassis.http import Caller, Problem, invalid
from chassis.once import Once
from chassis.unit import Unit
from soko_contracts.identity import User, UserErased, UserUpdated
from soko_contracts.registry import Message
from sqlalchemy.exc import IntegrityError

from identity import audit, domain, passwords, rights, sessions
from identity.app import Identity
from identity.domain import Account
from identity.problems import RIGHT_NOT_YOURS
from identity.tables import users

TAKEN: Final = {"users_email_unique": "email", "users_username_unique": "username", "users_phone_unique": "phone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """An account to be made, verified at once. It has an e-mail address, a phone or a username."""

    email: str | None = None
    username: str | None = None
    phone: str | None = None
    password: str = field(repr=False)
    first_name: str = ""
    last_name: str = ""
    language: str | None = None
    role: str = "customer"


async def create(
    service: Identity, new: New, context: Context, once: Once | None = None, by: Caller | None = None
) -> tuple[sa.Row[Any], bool]:
    """The new account's row, or the one that this idempotency key made before (and true). Raises 422, and 403.

    ``by`` gives no rights of others; None is an operator, who may.
    """
    if fault := passwords.fault(new.password, new.email, new.username, new.phone):
        raise invalid("/password", fault)
    hashed = "" if await service.recall(once) else await service.passwords.hash(new.password)
    now, id_ = service.world.clock(), service.world.ids()
    told = domain.registered(Account(id_, new.role, True))
    with taken_is_422():
        async with service.unit(context, once and once.for_(id_)) as unit:
            if unit.replayed is None:
                await _gives(unit, new.role, by)
                values = {
                    "id": id_,
                    "email": new.email,
                    "username": new.username,
                    "phone": new.phone,
                    "phone_verified": new.phone is not None,
                    "password_hash": hashed,
                    "first_name": new.first_name,
                    "last_name": new.last_name,
                    "language": new.language or service.settings.default_language,
                    "role": new.role,
                    "active": True,
                    "verified": True,
                    "version": 1,
                    "sequence": len(told),
                    "created_at": now,
                    "updated_at": now,
                }
                await give_way(unit, {"email": new.email, "phone": new.phone})
                await unit.sql.execute(users.insert().values(values))
                tell(unit, told, 0)
                await audit.record(unit, "account_created", id_, by.user_id if by else None, role=new.role)
            found = await unit.sql.execute(users.select().where(users.c.id == (unit.replayed or id_)))
            return found.one(), unit.replayed is not None


async def administer(
    service: Identity,
    unit: Unit,
    before: sa.Row[Any],
    *,
    role: str | None,
    active: bool | None,
    by: Caller | None = None,
) -> sa.Row[Any]:
    """Give a locked account another role or activity, tell it, and stop the tokens that say otherwise.

    ``by`` gives no rights of others; None is an operator, who may. Raises 403, and 422 on a role that is not there.
    """
    now, life, old = unit.now, service.settings.access_token_life, await account(unit, before)
    new = replace(old, active=old.active if active is None else active)
    if (role and role != old.role) or (new.active and not old.active):
        new = replace(new, role=role or old.role, rights=await _gives(unit, role or old.role, by))
    told, effect = domain.change(old, new, other_admins=await other_admins(unit, old))
    if not told:
        return before
    who = by.user_id if by else None
    after = await write(unit, before, {"role": new.role, "active": new.active}, told)
    if new.role != old.role:
        await audit.record(unit, "role_changed", before.id, who, old=old.role, new=new.role)
    if new.active != old.active:
        await audit.record(unit, "activation_changed", before.id, who, active=new.active)
    match effect:
        case domain.Sessions.END:
            await sessions.end(unit.sql, before.id, "deactivated", now, life)
        case domain.Sessions.RENEW:
            await sessions.renew(unit.sql, before.id, "role_changed", service.world, life)
        case domain.Sessions.KEEP:
            pass
    return after


async def account(unit: Unit, row: sa.Row[Any]) -> Account:
    """What a locked account is and may do, until the transaction ends."""
    return Account(row.id, row.role, row.active, await rights.held(unit.sql, row.role) or frozenset())


async def other_admins(unit: Unit, but: Account) -> int:
    """How many can administer the shop besides this locked account. Not asked, and 1, where it is no administrator."""
    return await rights.other_admins(unit.sql, user=but.user_id) if but.administers else 1


async def _gives(unit: Unit, role: str, by: Caller | None) -> frozenset[str]:
    """What the role allows, which ``by`` may give. Raises 422 where there is no such role, 403 where it allows more."""
    allowed = await rights.held(unit.sql, role)
    if allowed is None:
        raise invalid("/role", "is not a role of this shop: GET /api/v1/roles lists them")
    give(allowed, by)
    return allowed


def give(allowed: frozenset[str], by: Caller | None) -> None:
    """403 where somebody would give rights that they do not have."""
    if by is not None and (missing := sorted(allowed - by.rights)):
        raise Problem(RIGHT_NOT_YOURS, f"You do not have {', '.join(missing)} yourself.")


async def amend(unit: Unit, before: sa.Row[Any], changes: Mapping[str, Any]) -> sa.Row[Any]:
    """Change what the owner of a locked account says about themself. Refuses ``last-login-name``."""
    changes = {name: value for name, value in changes.items() if getattr(before, name) != value}
    if not changes:
        return before
    if "phone" in changes:
        changes["phone_verified"] = False
    kept = {**before._mapping, **changes}
    if not (kept["email"] or kept["username"] or kept["phone_verified"]):
        raise Refused("last-login-name", "The account would have nothing left to log in with.")
    told = UserUpdated(user_id=before.id, role=before.role, active=before.active)
    return await write(unit, before, changes, [told])


async def write(unit: Unit, before: sa.Row[Any], changes: Mapping[str, Any], told: Sequence[User]) -> sa.Row[Any]:
    """Write ``changes`` to the row locked as ``before`` and tell what happened, in order."""
    counters = {"version": before.version + 1, "sequence": before.sequence + len(told), "updated_at": unit.now}
    statement = users.update().where(users.c.id == before.id).values({**changes, **counters}).returning(users)
    after: sa.Row[Any] = (await unit.sql.execute(statement)).one()
    tell(unit, told, before.sequence)
    return after


def tell(unit: Unit, told: Sequence[User], sequence: int) -> None:
    """Send facts about one user, numbered on from ``sequence``."""
    for number, fact in enumerate(told, sequence + 1):
        unit.send(cast("Message", fact), subject=fact.user_id, sequence=number)


async def locked(unit: Unit, user_id: str) -> sa.Row[Any] | None:
    """The account's row, held until the transaction ends."""
    return (await unit.sql.execute(users.select().where(users.c.id == user_id).with_for_update())).one_or_none()


async def owned(unit: Unit, user_id: str) -> sa.Row[Any] | None:
    """The same for its owner, whose token may count for some seconds after the account was closed."""
    row = await locked(unit, user_id)
    return row if row is not None and row.active else None


async def give_way(unit: Unit, names: Mapping[str, str | None]) -> None:
    """An address that nobody confirmed keeps nobody from it who has."""
    for name, value in names.items():
        if value is not None:
            await forget_unconfirmed(unit, users.c[name] == value)


async def forget_unconfirmed(unit: Unit, which: sa.ColumnElement[bool]) -> int:
    """Delete those accounts among ``which`` whose address nobody confirmed, and tell it. Answers how many."""
    rows = users.delete().where(~users.c.verified, which).returning(users.c.id, users.c.role, users.c.sequence)
    gone = (await unit.sql.execute(rows)).all()
    for each in gone:
        tell(unit, [UserErased(user_id=each.id, role=each.role, active=False)], each.sequence)
    return len(gone)


@contextmanager
def taken_is_422() -> Iterator[None]:
    """An e-mail address, username or phone that another account has is a 422 that names the field."""
    try:
        yield
    except IntegrityError as error:
        cause = error.orig and error.orig.__cause__
        if not isinstance(cause, asyncpg.UniqueViolationError) or cause.constraint_name not in TAKEN:
            raise
        raise invalid(f"/{TAKEN[cause.constraint_name]}", "is taken") from None
