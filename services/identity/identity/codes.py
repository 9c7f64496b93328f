"""One-time codes that prove an address: made, sent, stored as a keyed hash, tried a few times."""

import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from chassis.unit import Unit, driver

from identity import brakes, domain, letters
from identity.app import Identity
from identity.brakes import Kind
from identity.tables import users

IN_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

KEEP: Final = """
INSERT INTO codes (user_id, channel, hash, tries, expires_at) VALUES ($1, $2, $3, 0, $4)
ON CONFLICT (user_id, channel) DO UPDATE
SET hash = excluded.hash, tries = 0, expires_at = excluded.expires_at
"""

KEPT: Final = "SELECT hash, tries, expires_at FROM codes WHERE user_id = $1 AND channel = $2 FOR UPDATE"
TRIED: Final = "UPDATE codes SET tries = tries + 1 WHERE user_id = $1 AND channel = $2"
USED: Final = "DELETE FROM codes WHERE user_id = $1 AND channel = $2"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a code goes, and from which network address it was asked for."""

    channel: Kind
    value: str
    network: str

    @property
    def to(self) -> tuple[Kind, str]:
        """By which channel, and where."""
        return self.channel, self.value


async def at(unit: Unit, to: Address) -> "sa.Row[Any] | None":
    """The account that this address belongs to, or is registered for: locked."""
    rows = users.select().where(users.c[to.channel] == to.value)
    if to.channel == "phone":
        rows = rows.where(users.c.phone_verified | ~users.c.verified).order_by(users.c.phone_verified.desc())
    return (await unit.sql.execute(rows.limit(1).with_for_update())).one_or_none()


async def in_turn(unit: Unit, to: Address) -> None:
    """Whoever has to do with this address does it alone. Comes before any row is locked."""
    connection = await driver(unit.sql)
    await connection.execute(IN_TURN, f"identity.{to.channel}:{to.value}")


async def hold_back(service: Identity, unit: Unit, what: str, to: Address) -> None:
    """429 where something of this kind was sent there a short while ago, whether anybody is known there or not."""
    connection = await driver(unit.sql)
    held_by = {
        brakes.named_key(what, to.channel, to.value): domain.SENDS,
        brakes.network_key(to.network): service.settings.address_brake(),
    }
    await brakes.refuse_held_back(connection, held_by, unit.now)
    await brakes.count(connection, list(held_by), unit.now, domain.SENDS.forget)


async def send(service: Identity, unit: Unit, user: "sa.Row[Any]", to: Address) -> None:
    """A new code; the one before it counts no more."""
    code = f"{secrets.randbelow(10**domain.CODE_DIGITS):0{domain.CODE_DIGITS}}"
    kept = _hash(service, user.id, to, code)
    connection = await driver(unit.sql)
    await connection.execute(KEEP, user.id, to.channel, kept, unit.now + domain.CODE_LIFE)
    life = letters.minutes(domain.CODE_LIFE.total_seconds())
    letters.write(service, unit, "verification_code", to.to, user, life, code=code)


async def spend(service: Identity, unit: Unit, user_id: str, to: Address, code: str) -> bool:
    """Whether it is the code that was sent there to this account. It counts once, and wrong ones use it up."""
    connection = await driver(unit.sql)
    kept = await connection.fetchrow(KEPT, user_id, to.channel)
    if kept is None or not domain.code_counts(tries=kept["tries"], expires_at=kept["expires_at"], now=unit.now):
        return False
    right = hmac.compare_digest(kept["hash"], _hash(service, user_id, to, code))
    await connection.execute(USED if right else TRIED, user_id, to.channel)
    return right


def _hash(service: Identity, user_id: str, to: Address, code: str) -> str:
    """Of the address too: a code proves the one it was sent to and no other."""
    said = "\n".join(("code", user_id, to.channel, to.value, code))
    return service.authentication.service_tokens.digest(said.encode())
