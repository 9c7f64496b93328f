"""What every command begins with: problems said in one line, and the way to the services' data."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from chassis import logs
from chassis.decider import Refused
from chassis.http import Problem
from chassis.servers import ServerFailed
from pydantic import ValidationError

from soko.databases import reachable
from soko.home import Home
from soko.progress import console
from soko.run import prepare_environment
from soko.services import CARDSIM, SERVICES
from soko.settings import ShopSettings


@contextmanager
def plainly() -> Iterator[None]:
    """What a person can put right is one line and exit code 1."""
    try:
        yield
    except (ServerFailed, Refused) as failed:
        _say(str(failed))
    except Problem as problem:
        _say(str(problem), *(f"{pointer}: {rule}" for pointer, rule in problem.errors))
    except ValidationError as error:
        _say(*(f"{'_'.join(map(str, each['loc'])).upper() or 'Settings'}: {each['msg']}" for each in error.errors()))


def _say(*lines: str) -> None:
    for line in lines:
        console.print(line, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(1)


@contextmanager
def beside_the_shop() -> Iterator[tuple[Home, ShopSettings]]:
    """For a command on the services' data, whether the shop is open or not."""
    with plainly():
        settings = ShopSettings()
        home = Home(settings.soko_home)
        prepare_environment(settings, home, f"http://{settings.host}:{settings.port}")
        logs.configure(settings.soko_env, level=settings.log_level or "WARNING")
        needed = [*SERVICES] if settings.strict else [*SERVICES, CARDSIM]
        with reachable(home, settings, needed):
            yield home, settings
