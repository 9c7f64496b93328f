"""Whose account it is that somebody logs in to by way of a provider."""

from typing import Any, Final

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import Problem
from chassis.unit import Unit, driver
from soko_contracts.identity import UserVerified

from identity import accounts, audit, codes, letters
from identity.app import Identity
from identity.codes import Address
from identity.outside.claims import Person, Said
from identity.outside.provider import Provider
from identity.problems import DEACTIVATED
from identity.registrations import NO_PASSWORD
from identity.tables import codes as code_rows
from identity.tables import outside_identities, reset_tokens

USED: Final = """
UPDATE outside_identities SET last_used_at = $3, provider = $4 WHERE issuer = $1 AND subject = $2 RETURNING user_id
"""


async def whose(service: Identity, provider: Provider, said: Said, network: str, context: Context) -> str:
    """The id of the account that is linked to this somebody, or is now. Raises 403 and 503.

    A link is made by an e-mail address that both sides have verified, and by nothing else. Who registered with it and
    never confirmed it may be anybody: the account becomes that of whom the provider vouches for, and what it said until
    now, its password first of all, counts no more.
    """
    linked = (provider.settings.issuer, said.subject, service.world.clock(), provider.name)
    if known := await service.database.pool.fetchval(USED, *linked):
        return str(known)
    person = await provider.person(said)
    to = Address("email", person.email, network)
    async with service.unit(context) as unit:
        connection = await driver(unit.sql)
        await connection.execute(codes.IN_TURN, f"identity.outside:{provider.settings.issuer} {said.subject}")
        await codes.in_turn(unit, to)
        if known := await connection.fetchval(USED, *linked):  # by another login at the same time
            return str(known)
        holder = await codes.at(unit, to)
        if holder is None:
            user = await _made(service, unit, person)
        elif not holder.active:
            raise Problem(DEACTIVATED)
        elif not holder.verified:
            user = await _taken_over(service, unit, holder, person)
        else:
            user = holder
            letters.write(service, unit, "provider_linked", to.to, user, {"provider": provider.settings.shown})
        link: dict[str, Any] = {"issuer": provider.settings.issuer, "subject": said.subject, "provider": provider.name}
        link |= {"user_id": user.id, "linked_at": unit.now, "last_used_at": unit.now}
        await unit.sql.execute(outside_identities.insert().values(link))
        await audit.record(unit, "provider_linked", user.id, provider=provider.name)
    return str(user.id)


async def _made(service: Identity, unit: Unit, person: Person) -> "sa.Row[Any]":
    said = {"email": person.email, "phone": None, "phone_verified": False, **_of(person)}
    said["language"] = service.settings.default_language
    user = await accounts.insert(unit, service.world.ids(), said, verified=True)
    letters.write(service, unit, "welcome", ("email", person.email), user, {"first_name": user.first_name})
    return user


async def _taken_over(service: Identity, unit: Unit, before: "sa.Row[Any]", person: Person) -> "sa.Row[Any]":
    for table in (code_rows, reset_tokens):
        await unit.sql.execute(table.delete().where(table.c.user_id == before.id))
    told = [UserVerified(user_id=before.id, role=before.role, active=before.active)]
    user = await accounts.write(unit, before, {**_of(person), "verified": True}, told)
    letters.write(service, unit, "welcome", ("email", person.email), user, {"first_name": user.first_name})
    return user


def _of(person: Person) -> dict[str, Any]:
    names = {"first_name": person.first_name, "last_name": person.last_name}
    return {"username": None, "password_hash": NO_PASSWORD, **names}
