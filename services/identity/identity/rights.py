"""What a role allows: the presets of the table that all services share, and those that administrators define.

Whoever gives, checks or signs what a role allows holds it: a change of the role waits until that is committed, and then
finds the account or the session that came of it. A role is locked behind the account and before any session.
"""

from collections.abc import Iterable

from soko_contracts.rights import PRESETS
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from identity import domain

HELD = text("SELECT rights FROM roles WHERE name = :role FOR SHARE")

# Those who could take away each other's last administrator take turns here, so that the second sees the first.
ADMINS_IN_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('identity.admins', 0))")

ADMINS = text("""
SELECT count(*) FROM users WHERE role <> 'customer' AND active AND id <> :user AND role <> :role AND role IN (
    SELECT unnest(CAST(:presets AS text[])) UNION SELECT name FROM roles WHERE :right = ANY(rights))
""")

ADMIN_PRESETS = [name for name, allowed in PRESETS.items() if domain.ADMINISTERS in allowed]


def of(role: str, defined: Iterable[str] | None) -> frozenset[str]:
    """What ``role`` allows, where ``defined`` is what its row says; nothing without a row. A preset needs none."""
    return PRESETS[role] if role in PRESETS else domain.known(defined or ())


async def held(sql: AsyncConnection, role: str) -> frozenset[str] | None:
    """What ``role`` allows, and goes on to until the transaction ends; None where there is no such role."""
    if role in PRESETS:
        return PRESETS[role]
    defined = (await sql.execute(HELD, {"role": role})).scalar_one_or_none()
    return None if defined is None else of(role, defined)


async def other_admins(sql: AsyncConnection, *, user: str = "", role: str = "") -> int:
    """How many can administer the shop besides this user and all who have this role; in turn with whoever else asks."""
    await sql.execute(ADMINS_IN_TURN)
    asked = {"user": user, "role": role, "presets": ADMIN_PRESETS, "right": domain.ADMINISTERS}
    count: int = (await sql.execute(ADMINS, asked)).scalar_one()
    return count
