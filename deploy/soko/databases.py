"""One database for each service: given one by one, on a given server, or on the embedded one. Never schemas: advisory
locks are per database.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from chassis.servers import ServerFailed
from chassis.servers.postgres import EmbeddedPostgres

from soko.home import Home
from soko.parts import Stateful
from soko.services import variable
from soko.settings import ShopSettings

CONNECT_SECONDS = 10


def database_name(service: str) -> str:
    return f"soko_{service}"


def missing(services: Sequence[str]) -> list[str]:
    """Those that were not given a database of their own."""
    return [service for service in services if not os.environ.get(variable(service, "DATABASE_URL"))]


def on_server(server: str, service: str) -> str:
    """The address of the service's database on ``server`` (``postgresql://user:password@host/anything?options``)."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{database_name(service)}"))


def placed_on(server: str, services: Sequence[str]) -> list[str]:
    """Those whose database the environment names on ``server``."""
    return [
        service
        for service in services
        if os.environ.get(variable(service, "DATABASE_URL")) == on_server(server, service)
    ]


async def create(server: str, services: Sequence[str]) -> None:
    """Make the services' databases on ``server`` where they are not there yet."""
    parts = urlsplit(server)
    maintenance = urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else "/postgres"))
    connection = await _connect("DATABASE_URL", maintenance)
    try:
        there = {row["datname"] for row in await connection.fetch("select datname from pg_database")}
        for service in services:
            if database_name(service) not in there:
                await connection.execute(f'create database "{database_name(service)}"')
    finally:
        await connection.close()


async def migrate(part: Stateful) -> None:
    """Bring the part's database to this code's tables. Raises ``ServerFailed`` where its setting leads to none."""
    try:
        await part.migrate()
    except Exception:
        setting = variable(part.name, "DATABASE_URL")
        if setting in os.environ:
            await (await _connect(setting, os.environ[setting])).close()
        raise


async def _connect(setting: str, url: str) -> "asyncpg.Connection[Any]":
    try:
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        server = urlsplit(url).netloc.rpartition("@")[2] or "nowhere"
        raise ServerFailed(f"{setting} leads to {server}: {error or 'no answer'}") from error


def use(server: str, services: Sequence[str]) -> None:
    """Tell the services, by the environment, where their databases on ``server`` are.

    ``DATABASE_URL`` goes: it names the server and no database, and a service must not take it for its own.
    """
    os.environ.update({variable(service, "DATABASE_URL"): on_server(server, service) for service in services})
    os.environ.pop("DATABASE_URL", None)


@contextmanager
def reachable(home: Home, settings: ShopSettings, services: Sequence[str]) -> Iterator[None]:
    """For commands beside a shop: the environment names every service's database while this lasts.

    The embedded server is the running shop's, else it is started for as long as the command takes.
    """
    needed = missing(services)
    if settings.database_url or not needed:
        use(settings.database_url, needed)
        yield
        return
    server = EmbeddedPostgres(home.postgres)
    if home.holder() is not None:
        use(server.running_url("postgres"), needed)
        yield
        return
    if not server.data.exists():
        raise ServerFailed(f"There is no shop in {home.path} yet: make run starts one.")
    home.lock("command", "-")
    server.start()
    try:
        use(server.url("postgres"), needed)
        yield
    finally:
        server.stop()
