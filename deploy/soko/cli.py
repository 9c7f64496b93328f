"""The ``soko`` command: the one place that knows all services."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from chassis.servers import ServerFailed
from pydantic import ValidationError

from soko.progress import console
from soko.settings import ShopSettings, read_env_file

app = typer.Typer(
    help="Soko, a shop's backend: run it, look into it, repair it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@contextmanager
def plainly() -> Iterator[None]:
    """What a person can put right is one line and exit code 1."""
    try:
        yield
    except ServerFailed as failed:
        console.print(f"[red]{failed}[/red]", soft_wrap=True)
        raise typer.Exit(1) from None
    except ValidationError as error:
        for each in error.errors():
            name = "_".join(str(part) for part in each["loc"]).upper()
            console.print(f"[red]{name}: {each['msg']}[/red]", soft_wrap=True)
        raise typer.Exit(1) from None


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
def stop() -> None:
    """Stop the shop that runs on this SOKO_HOME."""
    from soko.home import Home

    with plainly():
        stopped = Home(ShopSettings().soko_home).stop()
        console.print("The shop is closed." if stopped else "No shop is open.")


@app.command()
def reset() -> None:
    """Stop the shop and delete all its data."""
    from soko.home import Home

    with plainly():
        home = Home(ShopSettings().soko_home)
        home.stop()
        home.remove()
        console.print(f"{home.path} is gone.")


@app.command()
def check(deploy: Annotated[bool, typer.Option("--deploy", help="Settings that real customers need.")] = False) -> None:
    """Look for settings that cannot work."""
    from soko.checks import deploy_problems

    with plainly():
        settings = ShopSettings()
        found = deploy_problems(settings) if deploy else []
        for line in found:
            console.print(f"[red]{line}[/red]", soft_wrap=True)
        if found:
            raise typer.Exit(1)
        console.print("All settings are good.")
