"""``soko processes``: the shop as it runs in a cluster, on one machine: a process for each service, over RabbitMQ.

Servers that nobody gave are embedded ones, shared by all. Whatever dies is started again.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis import logs
from chassis.courier import LocalCourier
from chassis.http import Peers
from chassis.rabbit import declare
from chassis.servers import ServerFailed, child
from chassis.servers.postgres import EmbeddedPostgres
from chassis.servers.rabbitmq import PrivateRabbit, find_server, how_to_get_one
from chassis.web import listen
from chassis.world import World

from soko import databases, parts, seeding
from soko.checks import read_all, refuse
from soko.children import Child, Process, Server
from soko.environment import prepare_environment
from soko.home import Home
from soko.operations import opened
from soko.progress import Steps, console, steps
from soko.services import CARDSIM, GATEWAY, PROCESSES, SERVICES, load, variable
from soko.settings import ShopSettings

LOOK_SECONDS = 0.1
FIRST_SECONDS = 15
READY_SECONDS = 60

log = logging.getLogger(__name__)


@dataclass
class Supervisor:
    """Everything that runs, in the order in which it was started."""

    settings: ShopSettings
    home: Home
    replicas: Mapping[str, int]
    children: list[Child] = field(default_factory=list)
    written: list[Any] = field(default_factory=list)
    stopping: bool = False

    def keep(self, name: str, server: Server, **shown: Any) -> None:
        """Start something and look after it."""
        kept = Child(name, server, log.warning, shown)
        kept.start()
        self.children.append(kept)

    def serve(self) -> None:
        """Start every process. Replicas are reached by the others at all their addresses."""
        ports = {name: [child.pick_port() for _ in range(self.replicas.get(name, 1))] for name in self.served()}
        ports[GATEWAY] = [self.settings.port]
        addresses = {
            variable(name, "URL"): ",".join(f"http://127.0.0.1:{port}" for port in taken)
            for name, taken in ports.items()
            if name != GATEWAY
        }
        for name, taken in ports.items():
            for number, port in enumerate(taken, 1):
                scraped = child.pick_port() if self.settings.metrics_port else 0
                host = self.settings.host if name == GATEWAY else "127.0.0.1"
                environment = {**addresses, "HOST": host, "PORT": str(port), "METRICS_PORT": str(scraped)}
                command = [sys.executable, "-m", "soko", "serve", name]
                process = Process(command, environment, port)
                self.keep(name if len(taken) == 1 else f"{name}.{number}", process, metrics=scraped)
            if name == "identity":
                # The others ask it for its keys as soon as they run.
                child.wait_taken(taken[0], FIRST_SECONDS)

    def watch(self) -> None:
        """Look after all of them until told to stop."""
        while not self.stopping:
            self._look()

    def wait_until_open(self) -> None:
        """Wait until the gateway answers, and says that it reaches every service. Raises ``ServerFailed``."""
        until = time.monotonic() + READY_SECONDS
        while not self.stopping:
            self._look()
            state = _health(f"http://{self.settings.host}:{self.settings.port}/health/ready")
            if state.get("status") == "ready":
                return
            if time.monotonic() > until:
                if not state:
                    raise ServerFailed(f"The gateway did not open within {READY_SECONDS} s.")
                log.warning("not there yet: %s", ", ".join(state.get("degraded", ())) or state.get("status"))
                return

    def stop(self) -> None:
        """The door first, then the services side by side, identity last as all ask it, then what they stand on."""
        processes = [each.server for each in self.children if isinstance(each.server, Process)]
        for each in processes[-1:]:
            each.stop()
        for each in processes[1:]:
            each.tell()
        for each in reversed(processes):
            each.stop()
        for kept in reversed(self.children):
            if not isinstance(kept.server, Process):
                kept.server.stop()
        (self.home.path / "processes.json").unlink(missing_ok=True)

    def served(self) -> Sequence[str]:
        """The names of what runs: where real customers are, no simulated card gateway."""
        return [name for name in PROCESSES if not (name == CARDSIM and self.settings.strict)]

    def _look(self) -> None:
        """Look after each, and write down who they are when that has changed."""
        for each in self.children:
            each.look()
        if (now := self._state()) != self.written:
            self.written = now
            beside = self.home.path / ".processes.json.part"  # whoever reads it finds all of it
            beside.write_text(json.dumps(now, indent=1) + "\n")
            beside.replace(self.home.path / "processes.json")
        time.sleep(LOOK_SECONDS)

    def _state(self) -> list[dict[str, Any]]:
        return [
            {"name": each.name, "pid": each.server.pid, "port": each.server.port, **each.shown}
            for each in self.children
        ]


def _health(url: str) -> dict[str, Any]:
    """What the gateway says of itself; nothing while it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own gateway
            said: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return {}
    return said


def run(settings: ShopSettings, replicas: Mapping[str, int]) -> None:
    """Run all processes until told to stop. Raises ``ServerFailed`` with one line where it cannot."""
    for name in replicas:
        if name not in SERVICES:
            raise ServerFailed(f"There is no service {name!r} to replicate: {', '.join(SERVICES)}.")
    refuse(settings)
    home = Home(settings.soko_home)
    url = f"http://{settings.host}:{settings.port}"
    home.lock("processes", url)
    listen(settings.host, settings.port).close()
    if not settings.rabbitmq_url and find_server() is None:
        raise ServerFailed(how_to_get_one())
    # A child with a setting that breaks a rule would be started again for ever.
    read_all()
    logs.configure(settings.soko_env, "supervisor", level=settings.log_level or "WARNING")
    prepare_environment(settings, home, url)
    if settings.development:
        os.environ.setdefault("LOG_LEVEL", "WARNING")
    supervisor = Supervisor(settings, home, replicas)

    def stop(number: int, frame: Any) -> None:
        if supervisor.stopping:
            raise KeyboardInterrupt
        supervisor.stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        with steps() as shown:
            _open(supervisor, shown)
        if not supervisor.stopping:
            _welcome(supervisor, url)
        supervisor.watch()
    finally:
        supervisor.stop()


def _open(supervisor: Supervisor, shown: Steps) -> None:
    settings, home = supervisor.settings, supervisor.home
    needed = databases.missing([name for name in supervisor.served() if name != GATEWAY])
    address = settings.database_url
    if needed and not address:
        with shown.step("Starting PostgreSQL"):
            server = EmbeddedPostgres(home.postgres)
            supervisor.keep("postgresql", server)
            address = server.url("postgres")
    if not settings.rabbitmq_url:
        with shown.step("Starting RabbitMQ"):
            node = PrivateRabbit(home.rabbitmq)
            supervisor.keep("rabbitmq", node)
            os.environ["RABBITMQ_URL"] = node.url()
    if supervisor.stopping:
        return
    asyncio.run(_prepare(settings, home, address, needed, shown))
    if supervisor.stopping:
        return
    with shown.step("Opening"):
        supervisor.serve()
        supervisor.wait_until_open()


async def _prepare(settings: ShopSettings, home: Home, address: str, needed: list[str], shown: Steps) -> None:
    """Databases, tables, queues, and in development the demo's data."""
    if needed:
        await databases.create(address, needed)
        databases.use(address, needed)
    with shown.step("Looking at the databases"):
        await migrate(settings)
    seeded = seeding.Seeded(home)
    if not settings.development or seeded.covers(settings.demo_products, settings.database_url):
        return
    with shown.step("Making accounts"):
        async with opened("identity") as identity:
            await seeding.seed_users(identity)
    if settings.demo_products:
        with shown.step("Filling the shelves", settings.demo_products) as tell:
            async with opened("catalog") as catalog:
                await seeding.seed_catalog(catalog, settings.demo_products, tell)
    seeded.remember(settings.demo_products, settings.database_url)


async def migrate(settings: ShopSettings) -> None:
    """Bring every database to this code's tables, and declare every queue where there is a broker.

    Databases that a server was given for are made first.
    """
    if settings.database_url:
        await databases.create(settings.database_url, databases.placed_on(settings.database_url, [*SERVICES, CARDSIM]))
    world = World(courier=LocalCourier(), peers=Peers({}))
    kinds = [load(name) for name in SERVICES]
    services = [kind.build(kind.settings(), world) for kind in kinds]
    if not settings.strict:
        await databases.migrate(parts.cardsim(world))
    for service in services:
        await databases.migrate(service)
    if url := os.environ.get("RABBITMQ_URL"):
        try:
            await declare(url, {service.name: service.subscriptions.types for service in services})
        except (OSError, ValueError) as error:
            broker = url.rpartition("@")[2]
            raise ServerFailed(f"RABBITMQ_URL leads to {broker}: {error or 'no answer'}") from error


def _welcome(supervisor: Supervisor, url: str) -> None:
    lines = [f"The shop is open at [bold]{url}[/bold]: {len(supervisor.children)} processes"]
    lines.append(f"  API         {url}/docs, {url}/api/v1/products")
    if supervisor.settings.development:
        lines.append(f"  accounts    {', '.join(seeding.ACCOUNTS)}: password {seeding.demo_password()}")
    lines.append(f"  processes   {supervisor.home.path}/processes.json")
    lines.append("  Ctrl-C, or make stop, closes it")
    console.print("\n".join(lines), soft_wrap=True)
