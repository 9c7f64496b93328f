"""Registering: an account that waits until whoever made it shows the code that was sent to its address."""

from typing import Any, Final

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import Problem, invalid
from chassis.unit import Unit, driver
from soko_contracts.identity import UserVerified

from identity import accounts, addressing, brakes, codes, letters, passwords, resets
from identity.accounts import New
from identity.app import Identity
from identity.codes import Address
from identity.problems import INVALID_CODE
from identity.tables import users

NO_PASSWORD: Final = ""
"""A hash that no password fits: whoever confirms the account is sent a token to choose one."""


async def register(service: Identity, new: New, to: Address, context: Context) -> None:
    """Send a code, whoever is known at the address: who has an account there is told so there, and nowhere else.

    An account that was never confirmed gives way to the next who registers: nobody can keep an address from its owner.
    Where two registered with different passwords, the code would not tell whose is the owner's, and a stranger who came
    second could wait for the owner to confirm: then neither password counts.
    """
    if fault := passwords.fault(new.password, new.email, new.username, new.phone):
        raise invalid("/password", fault)
    hashed = await service.passwords.hash(new.password)
    with accounts.taken_is_422():
        async with service.unit(context) as unit:
            await codes.in_turn(unit, to)
            found = await codes.at(unit, to)
            await codes.hold_back(service, unit, "code", to)
            waiting = found if found is not None and not found.verified else None
            if new.username and await _taken(unit, new.username, waiting.id if waiting else None):
                raise invalid("/username", "is taken")
            if found is not None and waiting is None:
                letters.write(service, unit, "account_exists", to.to, found)
                return
            said = {
                "username": new.username,
                "password_hash": hashed,
                "first_name": new.first_name,
                "last_name": new.last_name,
                "language": new.language or service.settings.default_language,
            }
            if waiting is not None:
                if not (await service.passwords.verify(new.password, waiting.password_hash)).right:
                    said["password_hash"] = NO_PASSWORD
                user = await accounts.write(unit, waiting, said, ())
            else:
                named = {"email": new.email, "phone": new.phone, "phone_verified": False}
                user = await accounts.insert(unit, service.world.ids(), {**said, **named}, verified=False)
            await codes.send(service, unit, user, to)


async def resend(service: Identity, to: Address, caller: str | None, context: Context) -> None:
    """Another code, where an account waits for one."""
    async with service.unit(context) as unit:
        await codes.in_turn(unit, to)
        own = await addressing.proposed(unit, to, caller)
        found = own or await codes.at(unit, to)
        await codes.hold_back(service, unit, "code", to)
        if own is not None and (holder := await addressing.holder_of(unit, to, own.id)):
            letters.write(service, unit, "account_exists", to.to, holder)
        elif found is not None and (own or not found.verified):
            await codes.send(service, unit, found, to)


async def verify(service: Identity, to: Address, code: str, caller: str | None, context: Context) -> None:
    """The address is its owner's. Raises 422 ``invalid-code``, and 429 where too many were tried."""
    with accounts.taken_is_422():
        async with service.unit(context) as unit:
            connection = await driver(unit.sql)
            own = await addressing.proposed(unit, to, caller)
            found = own or await codes.at(unit, to)
            key = brakes.account_key(found.id if found else None, *to.to)
            held_by = {key: service.settings.account_brake()}
            held_by[brakes.network_key(to.network)] = service.settings.address_brake()
            await brakes.refuse_held_back(connection, held_by, unit.now)
            right = found is not None and await codes.spend(service, unit, found.id, to, code)
            if found is not None and right:
                await connection.execute(brakes.FORGIVEN, key)
                await (addressing.take if own else _confirm)(service, unit, found, to)
            else:
                await brakes.count(connection, list(held_by), unit.now, service.settings.account_brake().forget)
    if not right:
        raise Problem(INVALID_CODE)


async def _taken(unit: Unit, username: str, own: str | None) -> bool:
    named = sa.select(sa.true()).where(sa.func.lower(users.c.username) == username.lower(), users.c.id != (own or ""))
    return (await unit.sql.execute(named)).first() is not None


async def _confirm(service: Identity, unit: Unit, user: "sa.Row[Any]", to: Address) -> None:
    changes = {"verified": True, "phone_verified": user.phone_verified or to.channel == "phone"}
    told = [UserVerified(user_id=user.id, role=user.role, active=user.active)]
    await accounts.write(unit, user, changes, told)
    letters.write(service, unit, "welcome", to.to, user, {"first_name": user.first_name})
    if user.password_hash == NO_PASSWORD:
        await resets.send(service, unit, user, to)
