"""What every command begins with: problems said in one line, and the way to the services' data."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from chassis.decider import Refused
from chassis.servers import ServerFailed
from chassis.settings import broken
from pydantic import ValidationError

from soko.environment import prepare_environment
from soko.home import Home
from soko.progress import console
from soko.services import CARDSIM, SERVICES
from soko.settings import ShopSettings


@contextmanager
def plainly() -> Iterator[None]:
    """What a person can put right is one line and exit code 1."""
    try:
        yield
    except (ServerFailed, Refused) as failed:
        say(str(failed))
    except ValidationError as error:
        say(*broken(error))


def say(*lines: str) -> NoReturn:
    """Show what is wrong, and end with exit code 1."""
    for line in lines:
        console.print(line, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(1)


@contextmanager
def beside_the_shop() -> Iterator[tuple[Home, ShopSettings]]:
    """For a command on the services' data, whether the shop is open or not."""
    from chassis import logs

    from soko.databases import reachable

    with plainly():
        settings = ShopSettings()
        home = Home(settings.soko_home)
        prepare_environment(settings, home, f"http://{settings.host}:{settings.port}")
        logs.configure(settings.soko_env, level=settings.log_level or "WARNING")
        needed = [*SERVICES] if settings.strict else [*SERVICES, CARDSIM]
        with reachable(home, settings, needed):
            yield home, settings
