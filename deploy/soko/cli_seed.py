"""Commands that fill a shop: demo data, the first administrator."""

import asyncio
import os
from typing import Annotated

import typer

from soko import seeding
from soko.plainly import beside_the_shop, say
from soko.progress import console, steps

seed = typer.Typer(help="Fill a development shop: users and catalog, unless one of them is named.")
users = typer.Typer(help="Accounts.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(seed, name="seed")
    app.add_typer(users, name="users")


Products = Annotated[int, typer.Option(min=1, max=1_000_000, help="How many products in all.")]


@seed.callback(invoke_without_command=True)
def seed_all(context: typer.Context, products: Products = 1000) -> None:
    if context.invoked_subcommand is None:
        seed_users()
        seed_catalog(products)


@seed.command("users")
def seed_users() -> None:
    """Make the demo accounts."""

    from soko.operations import opened

    async def make() -> list[str]:
        async with opened("identity") as identity:
            return await seeding.seed_users(identity)

    with beside_the_shop():
        made = asyncio.run(make())
        console.print(f"Made {', '.join(made)}." if made else "They are all there.")


@seed.command("catalog")
def seed_catalog(products: Products = 1000) -> None:
    """Make demo products, with their stock."""

    from soko.operations import opened

    async def make() -> int:
        async with opened("catalog") as catalog:
            with steps() as shown, shown.step("Filling the shelves", products) as tell:
                return await seeding.seed_catalog(catalog, products, tell)

    with beside_the_shop():
        console.print(f"Made {asyncio.run(make())} products.")


@users.command("create-admin")
def create_admin(
    email: Annotated[str, typer.Argument(help="The administrator's address; ADMIN_EMAIL where it is left out.")] = "",
    password: Annotated[
        str, typer.Option(envvar="ADMIN_PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
) -> None:
    """Make an administrator, verified at once."""

    from chassis.http import Problem

    from soko.operations import opened

    async def make(address: str) -> str:
        async with opened("identity") as identity:
            try:
                return await seeding.create_admin(identity, address, password)
            except Problem as problem:
                say(str(problem), *(f"{pointer}: {rule}" for pointer, rule in problem.errors))

    with beside_the_shop():
        address = email or os.environ.get("ADMIN_EMAIL", "")
        if not address:
            raise typer.BadParameter("say whose account it is: soko users create-admin someone@shop.example")
        console.print(f"{address} is an administrator, {asyncio.run(make(address))}.")
