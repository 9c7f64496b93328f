"""``soko audit``: whether the record of security events is whole."""

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import asyncpg
import typer
from rich.console import Console

from soko.plainly import beside_the_shop
from soko.progress import Tell, steps
from soko.services import variable

if TYPE_CHECKING:
    from identity.audit_chain import Verified

audit = typer.Typer(help="The record of security events.", no_args_is_help=True)
out = Console(highlight=False, soft_wrap=True, markup=False)


def add_to(app: typer.Typer) -> None:
    app.add_typer(audit, name="audit")


@audit.command("verify")
def verify(
    kept: Annotated[
        str, typer.Option(metavar="NUMBER:HASH", help="What an earlier run ended with, kept outside the database.")
    ] = "",
) -> None:
    """Read the chain of security events and name the first one that was changed, taken away or doubled.

    Exit code 0: the chain is whole. 1: it is not.
    """
    number, _, hash_ = kept.partition(":")
    if kept and not (number.isdigit() and hash_):
        raise typer.BadParameter(f"{kept!r} is not like 1042:9f86d0…", param_hint="--kept")
    with beside_the_shop():
        with steps() as shown, shown.step("Reading security events") as tell:
            found = asyncio.run(_read(tell, (int(number), hash_) if kept else None))
        waiting = f"; {found.waiting} wait for their number" if found.waiting else ""
        out.print(f"{found.number} security events hold{waiting}. Keep this: {found.number}:{found.hash}")
        if found.fault:
            out.print(found.fault, style="red")
            raise typer.Exit(1)


async def _read(tell: Tell, kept: tuple[int, str] | None) -> "Verified":
    from identity import audit_chain

    connection = await asyncpg.connect(os.environ[variable("identity", "DATABASE_URL")])
    try:
        return await audit_chain.verify(connection, tell, kept)
    finally:
        await connection.close()
