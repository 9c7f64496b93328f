"""``soko keys``: what access tokens are signed with."""

import asyncio
from typing import Any, cast

import typer
from rich.console import Console

from soko.cli_inspect import moment
from soko.plainly import beside_the_shop

keys = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)
out = Console(highlight=False, soft_wrap=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")


@keys.command("list")
def list_keys() -> None:
    """Every key, the newest first: when it signs, and until when tokens signed with it count."""
    with beside_the_shop():
        _show(asyncio.run(_signing(rotate=False)))


@keys.command("rotate")
def rotate_keys() -> None:
    """Publish a new key, which signs ten minutes from now.

    Shows all keys, the new one first. Nobody has to be told or started anew: services read the keys by themselves, and
    tokens signed with the old one live out their time.
    """
    with beside_the_shop():
        _show(asyncio.run(_signing(rotate=True)))


async def _signing(*, rotate: bool) -> list[dict[str, Any]]:
    from soko.operations import opened

    async with opened("identity") as identity:
        signing = cast("Any", identity).signing
        if rotate:
            await signing.rotate()
        told: list[dict[str, Any]] = await signing.told()
        return told


def _show(known: list[dict[str, Any]]) -> None:
    for key in known:
        line = f"{key['kid']}  signs from {moment(key['signs_from'])}"
        if key["signs_until"]:
            line += f" to {moment(key['signs_until'])}, its tokens count to {moment(key['honoured_until'])}"
        out.print(line)
