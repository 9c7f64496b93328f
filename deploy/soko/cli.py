"""The ``soko`` command. Each command imports what it needs when it runs: ``soko stop`` needs no web framework."""

import asyncio
from typing import Annotated

import typer

from soko import cli_audit, cli_clients, cli_documents, cli_inspect, cli_keys, cli_seed, cli_simulate, cli_verify
from soko.home import Home
from soko.plainly import beside_the_shop, plainly
from soko.progress import console
from soko.settings import ShopSettings, read_env_file

app = typer.Typer(
    help="Soko, a shop's backend: run it, look into it, repair it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli_seed.add_to(app)
cli_inspect.add_to(app)
cli_keys.add_to(app)
cli_documents.add_to(app)
cli_simulate.add_to(app)
cli_verify.add_to(app)
cli_audit.add_to(app)
cli_clients.add_to(app)


@app.callback()
def begin() -> None:
    """Settings come from the environment, and from a file .env beside it."""
    read_env_file()


@app.command()
def run() -> None:
    """Run the whole shop in this process."""
    from soko.run import run as run_shop

    with plainly():
        run_shop(ShopSettings())


@app.command()
def serve(service: Annotated[str, typer.Argument(help="A service, gateway or cardsim.")]) -> None:
    """Run one service in this process; the environment says where everything else is."""
    from soko.serve import serve as serve_one

    with plainly():
        serve_one(service, ShopSettings())


@app.command()
def processes(
    replicas: Annotated[list[str] | None, typer.Option(help="catalog=2: how many processes of a service.")] = None,
) -> None:
    """Run the shop as a process for each service, over RabbitMQ."""
    from soko.processes import run as run_processes

    with plainly():
        run_processes(ShopSettings(), dict(map(_replicas, replicas or [])))


def _replicas(given: str) -> tuple[str, int]:
    name, _, number = given.partition("=")
    if not number.isdigit() or not 1 <= int(number) <= 16:
        raise typer.BadParameter(f"{given!r} is not like catalog=2, with 1 to 16 processes")
    return name, int(number)


@app.command()
def migrate() -> None:
    """Make or update every database's tables, and every queue where there is a broker."""
    from soko.processes import migrate as migrate_all

    with beside_the_shop() as (_, settings):
        asyncio.run(migrate_all(settings))
        console.print("All databases are at this version.")


@app.command()
def stop() -> None:
    """Stop the shop that runs on this SOKO_HOME."""
    with plainly():
        stopped = Home(ShopSettings().soko_home).stop()
        console.print("The shop is closed." if stopped else "No shop is open.")


@app.command()
def reset() -> None:
    """Stop the shop and delete all its data."""
    with plainly():
        home = Home(ShopSettings().soko_home)
        home.stop()
        home.remove()
        console.print(f"{home.path} is gone.")


@app.command()
def check(deploy: Annotated[bool, typer.Option("--deploy", help="Settings that real customers need.")] = False) -> None:
    """Look for settings that cannot work."""
    from soko.checks import deploy_advice, deploy_problems, media_problems, read_all

    with plainly():
        settings = ShopSettings()
        found = [*deploy_problems(settings), *media_problems()] if deploy else []
        for line in found:
            console.print(line, style="red", markup=False, soft_wrap=True)
        if found:
            raise typer.Exit(1)
        read_all()
        for line in deploy_advice() if deploy else ():
            console.print(line, style="yellow", markup=False, soft_wrap=True)
        console.print("All settings are good.")


@app.command()
def demo() -> None:
    """Buy something and show each step and event as it happens; starts a shop if none runs."""
    from soko.demo import demo as buy

    with plainly():
        buy(ShopSettings())
