"""Accounts made from the command line: the first administrator, and the published ones of a demo."""

import asyncio
from typing import Final

import sqlalchemy as sa
from chassis.decider import Refused
from chassis.http import invalid

from identity import accounts, fields
from identity.accounts import New
from identity.app import Identity
from identity.tables import users

DEMO_PASSWORD: Final = "soko-demo-2026"  # noqa: S105 - published, and refused where real customers are
DEMO: Final[dict[str, tuple[str, str]]] = {
    "admin@soko.example": ("admin", "Asha"),
    "staff@soko.example": ("staff", "Sam"),
    "customer@soko.example": ("customer", "Amina"),
}


async def create_admin(service: Identity, email: str, password: str) -> str:
    """A new administrator's id. Raises a 422 ``Problem`` where the address is taken, or either is not good enough."""
    try:
        email = fields.email(email)
    except ValueError as fault:
        raise invalid("/email", str(fault)) from None
    row, _ = await accounts.create(service, New(email=email, password=password, role="admin"), service.begins())
    return str(row.id)


async def demo_accounts(service: Identity) -> list[str]:
    """The addresses of the demo accounts that were made now; those that exist stay as they are.

    Their password is published, so this refuses with ``demo-data`` outside of development and testing.
    """
    if service.settings.strict:
        raise Refused("demo-data", f"Demo accounts are not for SOKO_ENV={service.settings.soko_env}.")
    async with service.database.engine.connect() as sql:
        known = set((await sql.execute(sa.select(users.c.email).where(users.c.email.in_(DEMO)))).scalars())
    made = [email for email in DEMO if email not in known]
    await asyncio.gather(*(_make(service, email, *DEMO[email]) for email in made))
    return made


async def _make(service: Identity, email: str, role: str, first_name: str) -> None:
    new = New(email=email, password=DEMO_PASSWORD, role=role, first_name=first_name, last_name=role.capitalize())
    await accounts.create(service, new, service.begins())
