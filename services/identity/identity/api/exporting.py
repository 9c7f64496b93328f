"""Everything that the shop keeps about somebody, put together from what each service answers about its own data."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from chassis.context import Context
from chassis.exporting import Export, Told, told
from chassis.http.problems import unavailable

from identity import audit, brakes, domain
from identity.api.address_models import AddressAnswer
from identity.app import Identity
from identity.tables import (
    addresses,
    codes,
    consents,
    login_failures,
    outside_identities,
    reset_tokens,
    sessions,
    users,
)
from identity.tables import audit as events

KEEPERS: Final = ("catalog", "cart", "order", "payment", "notification")
"""Who keeps something about people, besides identity."""


def _theirs(table: sa.Table, newest: str, *shown: Any) -> Told:
    """These columns of the rows of a user, in the order of ``newest``."""
    columns = [table.c[each] if isinstance(each, str) else each for each in shown]
    return Told(lambda user_id: sa.select(*columns).where(table.c.user_id == user_id).order_by(table.c[newest].desc()))


def _failures(user_id: str) -> sa.Select[Any]:
    counted = sa.select(login_failures.c.failures, login_failures.c.last_at)
    return counted.where(login_failures.c.key == brakes.account_key(user_id, "email", ""))


def _addresses(user_id: str) -> sa.Select[Any]:
    return sa.select(addresses).where(addresses.c.user_id == user_id).order_by(addresses.c.created_at.desc())


def _address(row: Mapping[str, Any]) -> Any:
    return AddressAnswer.model_validate({**row, "default": row["is_default"]})


# Who of the shop did it is that person's own affair.
_BY_THE_SHOP = sa.func.coalesce(events.c.by_id != events.c.user_id, sa.false()).label("by_the_shop")

LISTS: Final = {
    "addresses": Told(_addresses, _address),
    "sessions": _theirs(
        sessions,
        "last_used_at",
        *("id", "device", "address", "client_id", "scope", "created_at", "last_used_at", "expires_at"),
    ),
    "consents": _theirs(consents, "given_at", "client_id", "scope", "given_at"),
    "security_events": _theirs(events, "arrival", "created_at", "kind", "details", _BY_THE_SHOP),
    "providers": _theirs(outside_identities, "linked_at", "provider", "issuer", "subject", "linked_at", "last_used_at"),
    "codes": _theirs(codes, "expires_at", "channel", "tries", "expires_at"),
    "password_resets": _theirs(reset_tokens, "expires_at", "channel", "address", "expires_at"),
    "failed_logins": Told(_failures),
}


async def export(service: Identity, user_id: str, context: Context) -> tuple[sa.Row[Any], Export] | None:
    """The account and all lists there are about it; None where it is gone.

    Raises 429 where it was asked for too often, and a 503 or 504 that names the service without which it would be half
    of it.
    """
    pool, held_by = service.database.pool, {f"export:{user_id}": domain.EXPORTS}
    now = service.world.clock()
    await brakes.refuse_held_back(pool, held_by, now)
    await brakes.count(pool, list(held_by), now, domain.EXPORTS.forget)
    (row, *parts) = await asyncio.gather(
        _account(service, user_id),
        _own(service, user_id),
        *(_asked(service, name, user_id, context) for name in KEEPERS),
    )
    if row is None:
        return None
    async with service.unit(context) as unit:
        await audit.record(unit, "exported", user_id)
    lists = {name: rows for part in parts for name, rows in part.lists.items()}
    return row, Export(lists=lists, truncated=[name for part in parts for name in part.truncated])


async def _account(service: Identity, user_id: str) -> "sa.Row[Any] | None":
    async with service.database.engine.connect() as sql:
        return (await sql.execute(users.select().where(users.c.id == user_id, users.c.active))).one_or_none()


async def _own(service: Identity, user_id: str) -> Export:
    async with service.database.engine.connect() as sql:
        return await told(sql, LISTS, user_id)


async def _asked(service: Identity, name: str, user_id: str, context: Context) -> Export:
    answer = await service.world.peers.get(name, f"/internal/v1/users/{user_id}/export", context=context)
    if not answer.ok:
        raise unavailable(name)
    return Export.model_validate_json(answer.body)
