"""One service as a process of its own: ``python -m order``, or ``soko serve order``."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from threading import Thread, Timer
from typing import TypeVar
from wsgiref.simple_server import WSGIServer

import uvloop
from pydantic import ValidationError
from starlette.types import ASGIApp

from chassis import logs, metrics, migrations, telemetry
from chassis.database import is_away
from chassis.faults import Faults
from chassis.http import Peers
from chassis.http.streams import Streams
from chassis.http.upstream import Connections, Upstream
from chassis.servers import ServerFailed
from chassis.service import Service
from chassis.settings import ProcessSettings, Settings, broken
from chassis.web import listen, web_server
from chassis.world import World

S = TypeVar("S", bound=Settings)

KEY_LENGTH = 32
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
STOPS_WITHIN = 50.0
"""Seconds. A server that is cut off and says nothing can hold a clean end up for ever; a death is as good as one."""

log = logging.getLogger(__name__)


class Addresses(Mapping[str, ASGIApp]):
    """The other services, each where ``<SERVICE>_URL`` says: one address, or several with commas between."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._known: dict[str, ASGIApp] = {}

    def __getitem__(self, name: str) -> ASGIApp:
        if name not in self._known:
            given = os.environ.get(f"{name.upper()}_URL", "")
            addresses = [address.strip().rstrip("/") for address in given.split(",") if address.strip()]
            if not addresses:
                raise KeyError(name)
            self._known[name] = Upstream(name, addresses, self._connections)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix("_URL").lower() for name in os.environ if name.endswith("_URL"))

    def __len__(self) -> int:
        return len(list(iter(self)))


def serve(build: Callable[[S, World], Service], settings_class: Callable[[], S]) -> None:
    """Serve until SIGINT or SIGTERM, finish what has begun, and exit; 2 with one line where something is missing."""
    try:
        process, settings = ProcessSettings(), settings_class()
        _require(process, settings)
        listening = listen(process.host, process.port)
        uvloop.run(_serve(build, settings, process, listening))
    except ServerFailed as failed:
        sys.stderr.write(f"{failed}\n")
        raise SystemExit(2) from None
    except ValidationError as error:
        sys.stderr.write("\n".join([*broken(error), ""]))
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(0) from None


def _require(process: ProcessSettings, settings: Settings) -> None:
    needed = {
        "RABBITMQ_URL (amqp://user:password@host/vhost)": process.rabbitmq_url,
        "the service's database URL (<SERVICE>_DATABASE_URL)": settings.database_url,
    }
    if missing := [name for name, value in needed.items() if not value]:
        raise ServerFailed(f"Missing: {', '.join(missing)}.")
    require_of_all(settings)


def require_of_all(settings: Settings) -> None:
    """What no process does without. Raises ``ServerFailed``, with the one line to show."""
    if not settings.soko_internal_key.get_secret_value():
        raise ServerFailed("Missing: SOKO_INTERNAL_KEY (the same for all services).")
    if settings.strict and settings.soko_faults:
        raise ServerFailed(f"SOKO_FAULTS kills processes, for tests: {settings.soko_env} refuses it.")
    if settings.strict and not settings.public_url:
        raise ServerFailed("Missing: PUBLIC_URL, where customers reach the shop.")
    if settings.strict and len(settings.soko_internal_key.get_secret_value()) < KEY_LENGTH:
        raise ServerFailed(f"SOKO_INTERNAL_KEY must be {KEY_LENGTH} characters of chance or more.")


async def _serve(
    build: Callable[[S, World], Service], settings: S, process: ProcessSettings, listening: socket.socket
) -> None:
    from chassis.rabbit import RabbitCourier  # what this loads a shop in one process never needs

    connections = Connections()
    courier = RabbitCourier(process.rabbitmq_url)
    faults = Faults.from_switch(settings.soko_faults)
    service = build(settings, World(courier=courier, peers=Peers(Addresses(connections)), faults=faults))
    logs.configure(settings.soko_env, service.name, level=process.log_level or "INFO")
    telemetry.start(process.otel_exporter_otlp_endpoint)  # before the courier, whose consumer looks whether it does
    try:
        await once_there(service.name, partial(_start, service))
        await courier.start()
        await serve_until_told(service.app, listening, process, hurry=lambda: hurry([service]))
    finally:
        await courier.stop()
        await service.stop()
        await connections.close()


async def _start(service: Service) -> None:
    if not await migrations.current(service.settings.database_url, service.migrations):
        raise ServerFailed(f"The database of {service.name} is not at this version: run `soko migrate` first.")
    await service.start()


async def once_there(name: str, start: Callable[[], Awaitable[None]]) -> None:
    """``start`` once the database is there; it may be on its way up, like this process."""
    wait = FIRST_WAIT
    while True:
        try:
            return await start()
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("%s waits for its database: %r", name, error)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


def hurry(services: Sequence[Service]) -> None:
    """Who waits for something to settle is answered now: the process is about to stop."""
    for service in services:
        if service.waiters is not None:
            service.waiters.close()


async def serve_until_told(
    app: ASGIApp,
    listening: socket.socket,
    process: ProcessSettings,
    *,
    hurry: Callable[[], None] = lambda: None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve ``app`` until SIGTERM or SIGINT, then finish the requests under way; a second signal does not wait.

    ``ready`` is called when it answers, ``hurry`` when it is to stop. Whatever its caller does afterwards, the process
    has ended ``STOPS_WITHIN`` seconds after the signal.
    """
    streams = Streams(app)
    web = web_server(streams)

    def stop() -> None:
        hurry()
        streams.close()
        web.force_exit = web.should_exit
        web.should_exit = True
        last = Timer(STOPS_WITHIN, _end)
        last.daemon = True
        last.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    scraped = _metrics(process)
    telemetry.start(process.otel_exporter_otlp_endpoint)
    serving = asyncio.create_task(web.serve(sockets=[listening]))
    try:
        await web.ready.wait()
        ready()
        await serving
    finally:
        if scraped:
            metrics.stop(scraped)
        await asyncio.to_thread(telemetry.stop)


def _end() -> None:
    log.error("the process did not stop within %.0f s and ends as it is: nothing is lost by it", STOPS_WITHIN)
    os._exit(1)


def _metrics(process: ProcessSettings) -> tuple[WSGIServer, Thread] | None:
    """``/metrics``, where it is wanted and its port is free: customers are served without it."""
    if not process.metrics_port:
        return None
    try:
        return metrics.serve(process.metrics_port, process.metrics_host)
    except OSError:
        log.warning("port %s is taken, so there are no metrics: set METRICS_PORT", process.metrics_port)
        return None
