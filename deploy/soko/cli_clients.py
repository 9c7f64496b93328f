"""``soko clients``: the applications that log people in at this shop, and the programs that act by themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from pydantic import ValidationError
from rich.console import Console

from soko.cli_inspect import moment
from soko.plainly import beside_the_shop, say

if TYPE_CHECKING:
    from identity.app import Identity

clients = typer.Typer(help="Applications that log people in here (OpenID Connect).", no_args_is_help=True)
out = Console(highlight=False, soft_wrap=True, markup=False)

OPTIONS = {"name": "NAME", "kind": "--machine", "redirect_uris": "--redirect-uri", "scopes": "--scope"}
"""What a field of a client is called here."""


def add_to(app: typer.Typer) -> None:
    app.add_typer(clients, name="clients")


@clients.command("create")
def create_client(
    name: Annotated[str, typer.Argument(help="What people read when it asks them: Kettle Club.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="What it may ask for, once each: openid, profile, email, phone, offline_access (refresh tokens), "
            "account (shop as the person), or a right such as orders:read."
        ),
    ],
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Where people are sent back to, letter by letter. May be given again.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="An app that can keep no secret: it gets none.")] = False,
    machine: Annotated[
        bool, typer.Option("--machine", help="A program that acts for itself, with these rights and nobody's account.")
    ] = False,
) -> None:
    """Register an application. Its secret is shown now and never again.

    soko clients create "Kettle Club" --redirect-uri https://club.example/callback --scope openid --scope email
    """
    if public and machine:
        raise typer.BadParameter("a machine has to keep a secret: choose one of --public and --machine")
    kind = "public" if public else "machine" if machine else "confidential"

    async def make(identity: "Identity") -> Any:
        from chassis.http import Problem
        from identity.api.clients import NewClient
        from identity.openid import clients as registered

        given = {"name": name, "kind": kind, "redirect_uris": redirect_uri or [], "scopes": scope}
        try:
            new = registered.New(**dict(NewClient.model_validate(given)))
            return await registered.create(identity, new, identity.begins())
        except ValidationError as error:
            faults = [(str(each["loc"][0]), str(each["msg"])) for each in error.errors()]
            say(*(f"{OPTIONS[name]}: {rule.removeprefix('Value error, ')}" for name, rule in faults))
        except Problem as problem:
            say(str(problem))

    with beside_the_shop():
        row, secret, _ = _with_identity(make)
        out.print(f"client_id      {row.id}")
        if secret:
            out.print(f"client_secret  {secret}")


@clients.command("list")
def list_clients() -> None:
    """Every application, the newest first."""

    async def read(identity: "Identity") -> Any:
        from identity.openid import clients as registered

        return await identity.database.pool.fetch(registered.ALL)

    with beside_the_shop():
        for row in _with_identity(read):
            out.print(f"{row['id']}  {row['name']}, {row['kind']}, since {moment(row['created_at'])}: {row['scope']}")
            for uri in row["redirect_uris"]:
                out.print(f"    {uri}")


@clients.command("delete")
def delete_client(client_id: Annotated[str, typer.Argument(help="As `soko clients list` shows it.")]) -> None:
    """Delete an application. All that it was given ends, everywhere within seconds."""

    async def drop(identity: "Identity") -> bool:
        from identity.openid import clients as registered

        async with identity.unit(identity.begins()) as unit:
            return await registered.delete(identity, unit, client_id)

    with beside_the_shop():
        if not _with_identity(drop):
            raise typer.BadParameter(f"there is no client {client_id}", param_hint="CLIENT_ID")
        out.print("deleted")


def _with_identity(do: "Callable[[Identity], Awaitable[Any]]") -> Any:
    from soko.operations import opened

    async def run() -> Any:
        async with opened("identity") as identity:
            return await do(cast("Identity", identity))

    return asyncio.run(run())
