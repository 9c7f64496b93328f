"""Another address for an account: it counts once its code is confirmed, and then the old one is told."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from chassis.http import invalid
from chassis.unit import Unit
from soko_contracts.identity import UserUpdated

from identity import accounts, audit, codes, letters
from identity.app import Identity
from identity.brakes import Kind
from identity.codes import Address
from identity.tables import users

CHANNELS: Final[tuple[Kind, ...]] = ("email", "phone")


async def propose(
    service: Identity, unit: Unit, before: "sa.Row[Any]", changes: Mapping[str, Any], network: str
) -> dict[str, Any]:
    """``changes`` of a locked account with new addresses as pending ones, a code on its way to each.

    One that somebody else has looks no different here: its owner is told so instead.
    """
    found = dict(changes)
    for channel in CHANNELS:
        if channel not in found:
            continue
        value, pending = found.pop(channel), f"pending_{channel}"
        found[pending] = None
        if value is None:
            found[channel] = None
        elif value != getattr(before, channel) or (channel == "phone" and not before.phone_verified):
            found[pending], to = value, Address(channel, value, network)
            await codes.hold_back(service, unit, "code", to)
            if holder := await holder_of(unit, to, before.id):
                letters.write(service, unit, "account_exists", to.to, holder)
            else:
                await codes.send(service, unit, before, to)
    return found


async def proposed(unit: Unit, to: Address, caller: str | None) -> "sa.Row[Any] | None":
    """The caller's account, locked, where this address is pending there."""
    rows = users.select().where(users.c.id == caller, users.c[f"pending_{to.channel}"] == to.value)
    return (await unit.sql.execute(rows.with_for_update())).one_or_none()


async def holder_of(unit: Unit, to: Address, but: str) -> "sa.Row[Any] | None":
    """Who else has proven the address to be theirs."""
    proven = users.c.verified if to.channel == "email" else users.c.phone_verified
    others = users.select().where(users.c[to.channel] == to.value, proven, users.c.id != but)
    return (await unit.sql.execute(others)).one_or_none()


async def take(service: Identity, unit: Unit, before: "sa.Row[Any]", to: Address) -> None:
    """The pending address is proven: it replaces the old one, which is told."""
    if await holder_of(unit, to, before.id):
        raise invalid(f"/{to.channel}", "is taken")
    await accounts.give_way(unit, {to.channel: to.value})
    changes: dict[str, Any] = {to.channel: to.value, f"pending_{to.channel}": None}
    if to.channel == "phone":
        changes["phone_verified"] = True
    told = [UserUpdated(user_id=before.id, role=before.role, active=before.active)]
    await accounts.write(unit, before, changes, told)
    await audit.record(unit, "address_changed", before.id, channel=to.channel)
    if old := getattr(before, to.channel):
        letters.write(service, unit, "address_changed", (to.channel, old), before)
