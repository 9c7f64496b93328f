"""Closing an account for good: what is personal goes at once, here, and everybody else is told."""

from typing import Any, Final

import sqlalchemy as sa
from chassis.unit import Unit

from identity import accounts, audit, domain, sessions
from identity.app import Identity
from identity.tables import addresses, codes, consents, recovery_codes, reset_tokens, second_factors

ERASED: Final = "erased"

UNCOUNTED = sa.text("DELETE FROM login_failures WHERE key = :key")

BLANK: Final[dict[str, Any]] = {
    "email": None,
    "username": None,
    "phone": None,
    "phone_verified": False,
    "pending_email": None,
    "pending_phone": None,
    "password_hash": ERASED,
    "mfa_since": None,
    "role": "customer",
    "first_name": ERASED,
    "last_name": ERASED,
    "active": False,
}
"""The id stays, for what refers to it; addresses and names are free for others again. No password has such a hash."""


async def erase(service: Identity, unit: Unit, before: sa.Row[Any]) -> None:
    """Erase the locked account ``before``. Refuses ``last-admin``."""
    account = await accounts.account(unit, before)
    told = domain.erase(account, other_admins=await accounts.other_admins(unit, account))
    blank = BLANK | {"language": service.settings.default_language}
    await accounts.write(unit, before, blank, [told])
    for table in (addresses, codes, consents, reset_tokens, second_factors, recovery_codes):
        await unit.sql.execute(table.delete().where(table.c.user_id == before.id))
    await unit.sql.execute(UNCOUNTED, {"key": f"account:{before.id}"})
    unit.forget(before.id)
    await audit.record(unit, "account_erased", before.id, role=before.role)
    await sessions.end(unit.sql, before.id, ERASED, unit.now, service.settings.access_token_life)
