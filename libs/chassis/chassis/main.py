"""A service alone in its process: ``python -m order``, and ``python -m order migrate`` before it.

The environment says where its database, the broker and the other services are.
"""

import asyncio
import logging
import os
import signal
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIServer

import uvloop
from pydantic import Field, ValidationError
from starlette.types import ASGIApp

from chassis import logs, metrics, migrations
from chassis.database import AWAY
from chassis.faults import Faults
from chassis.http import Connections, Peers, Upstream
from chassis.rabbit import RabbitCourier, declare
from chassis.servers import ServerFailed
from chassis.service import Service
from chassis.settings import Settings
from chassis.web import WebServer, listen, web_server
from chassis.world import World

FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0

log = logging.getLogger(__name__)

Build = Callable[[Any, World], Service]


class ProcessSettings(Settings):
    """What a process needs to know besides its service."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="The port to listen on.")
    metrics_port: int = Field(
        9464, ge=0, le=65535, description="The port of /metrics, never behind the gateway; 0: off."
    )
    metrics_host: str = Field("127.0.0.1", description="The address that /metrics listens on.")
    rabbitmq_url: str = Field(
        "",
        description="The broker between processes, amqp://user:password@host/vhost; without it `soko processes` "
        "starts a private node of an installed RabbitMQ.",
    )
    log_level: str = Field("", description="DEBUG, INFO, WARNING or ERROR; INFO, and WARNING for `soko run`.")


class Addresses(Mapping[str, ASGIApp]):
    """The other services, each where ``<SERVICE>_URL`` says: one address, or several with commas between."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._known: dict[str, Upstream] = {}

    def __getitem__(self, name: str) -> ASGIApp:
        if name not in self._known:
            given = os.environ.get(f"{name.upper()}_URL", "")
            if not given:
                raise KeyError(name)
            self._known[name] = Upstream(name, given.split(","), self._connections)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(name.removesuffix("_URL").lower() for name in os.environ if name.endswith("_URL"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def serve(build: Build, arguments: Sequence[str] | None = None) -> None:
    """The whole ``__main__`` of a service: serve, or with ``migrate`` make its tables and its queue."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if list(given) == ["migrate"]:
            asyncio.run(migrate(build))
        elif given:
            raise ServerFailed(f"There is only 'migrate', not {' '.join(given)!r}.")
        else:
            run_service(build, ProcessSettings())
    except (ServerFailed, ValidationError) as failed:
        sys.exit(str(failed))


def settings_of(build: Build) -> Settings:
    """The settings that ``build`` asks for, read from the environment."""
    made: Settings = typing.get_type_hints(build)["settings"]()
    return made


async def migrate(build: Build) -> None:
    """Bring the service's database to this code's tables, and declare its queue where there is a broker."""
    service = build(settings_of(build), World())
    await service.migrate()
    url = ProcessSettings().rabbitmq_url
    if url:
        await declare(url, {service.name: service.subscriptions.types})


def run_service(build: Build, settings: ProcessSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``ServerFailed`` where the port cannot be had or no broker is named."""
    if not settings.rabbitmq_url:
        raise ServerFailed("RABBITMQ_URL is missing: the broker that services talk over.")
    own = settings_of(build)
    listening = listen(settings.host, settings.port)
    logs.configure(settings.soko_env, level=settings.log_level or "INFO")

    async def main() -> None:
        connections = Connections()
        courier = RabbitCourier(settings.rabbitmq_url)
        world = World(
            courier=courier, peers=Peers(Addresses(connections)), faults=Faults.from_switch(settings.soko_faults)
        )
        service = build(own, world)
        try:
            await _start(service, courier)
            await serve_until_told(service.app, listening, settings, hurry=lambda: hurry([service]))
        finally:
            await service.stop()
            await courier.stop()
            await connections.close()

    uvloop.run(main())


async def _start(service: Service, courier: RabbitCourier) -> None:
    """Start when the database is there and has this code's tables; until then wait, and say so."""
    wait = FIRST_WAIT
    while True:
        try:
            if await migrations.current(service.settings.database_url, service.migrations):
                await service.start()
                await courier.start()
                return
            log.warning("%s waits for its database to be migrated", service.name)
        except AWAY as error:
            log.warning("%s waits for its database: %r", service.name, error)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


def hurry(services: Sequence[Service]) -> None:
    """Who waits for something to settle is answered now: the process is about to stop."""
    for service in services:
        if service.waiters is not None:
            service.waiters.close()


async def serve_until_told(
    app: ASGIApp,
    listening: Any,
    settings: ProcessSettings,
    *,
    hurry: Callable[[], None] = lambda: None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve ``app`` until SIGTERM or SIGINT, then finish what is under way. ``ready`` is called when it answers."""
    web: WebServer = web_server(app)

    def stop() -> None:
        hurry()
        web.force_exit = web.should_exit
        web.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    scraped = _metrics(settings)
    try:
        serving = asyncio.create_task(web.serve(sockets=[listening]))
        await web.ready.wait()
        ready()
        await serving
    finally:
        if scraped:
            metrics.stop(scraped)


def _metrics(settings: ProcessSettings) -> tuple[WSGIServer, Thread] | None:
    """``/metrics``, where it is wanted and its port is free: a shop opens without it."""
    if not settings.metrics_port:
        return None
    try:
        return metrics.serve(settings.metrics_port, settings.metrics_host)
    except OSError:
        log.warning("port %s is taken, so there are no metrics: set METRICS_PORT", settings.metrics_port)
        return None
