"""``soko run``: everything in one process, on an embedded PostgreSQL unless another is given."""

import asyncio
import logging
import signal
import socket
from contextlib import suppress

import uvloop
from chassis import logs, memory
from chassis.main import hurry, serve_until_told
from chassis.servers import ServerFailed
from chassis.servers.postgres import EmbeddedPostgres
from chassis.web import listen

from soko import databases, seeding
from soko.checks import refuse
from soko.environment import prepare_environment
from soko.home import Home
from soko.progress import Steps, console, steps
from soko.services import CARDSIM, SERVICES
from soko.settings import ShopSettings
from soko.shop import Shop

QUIET_SECONDS = 60
WATCH_SECONDS = 0.2

log = logging.getLogger(__name__)


def run(settings: ShopSettings) -> None:
    """Run the shop until it is told to stop. Raises ``ServerFailed`` with one line where it cannot."""
    memory.give_back()
    refuse(settings)
    home = Home(settings.soko_home)
    url = f"http://{settings.host}:{settings.port}"
    home.lock("run", url)
    listening = listen(settings.host, settings.port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logs.configure(settings.soko_env, level=settings.log_level or ("WARNING" if settings.development else "INFO"))
    prepare_environment(settings, home, url)
    settings = ShopSettings()
    needed = databases.missing([*SERVICES, CARDSIM])
    server = None if settings.database_url or not needed else EmbeddedPostgres(home.postgres)
    try:
        with steps() as shown:
            if server:
                with shown.step("Starting PostgreSQL"):
                    server.start()
            address = server.url("postgres") if server else settings.database_url
            uvloop.run(_serve(settings, home, address, needed, listening, server, shown))
    except KeyboardInterrupt:
        console.print("Stopped before it was open.")
    finally:
        if server:
            server.stop()


async def _serve(
    settings: ShopSettings,
    home: Home,
    address: str,
    needed: list[str],
    listening: socket.socket,
    server: EmbeddedPostgres | None,
    shown: Steps,
) -> None:
    if needed:
        await databases.create(address, needed)
        databases.use(address, needed)
    with shown.step("Loading the services"):
        shop = Shop(settings)
    with shown.step("Looking at the databases", len(shop.stateful)) as tell:
        await shop.migrate(tell)
    watching = asyncio.create_task(_watch(server)) if server else None
    await shop.start()
    try:
        if settings.development:
            await _fill(settings, home, shop, shown)
        shown.end()
        await serve_until_told(
            shop.app,
            listening,
            settings,
            hurry=lambda: hurry([*shop.services.values()]),
            ready=lambda: _welcome(settings, home),
        )
    finally:
        await shop.stop()
        if watching:
            watching.cancel()


async def _watch(server: EmbeddedPostgres) -> None:
    """Start the server again when it has died. The loop stands still meanwhile, but without it nothing could go on."""
    delay = 0.0
    while True:
        await asyncio.sleep(WATCH_SECONDS + delay)
        if server.pid:
            delay = 0.0
            continue
        log.error("PostgreSQL has died and is started again")
        try:
            server.start()
        except ServerFailed as error:
            delay = min(30.0, delay * 2 + 1)
            log.error("PostgreSQL does not start: %s", error)


async def _fill(settings: ShopSettings, home: Home, shop: Shop, shown: Steps) -> None:
    """Demo accounts and products, and wait until every service has heard of them."""
    seeded = seeding.Seeded(home)
    if seeded.covers(settings.demo_products, settings.database_url):
        return
    with shown.step("Making accounts"):
        await seeding.seed_users(shop.services["identity"])
    if settings.demo_products:
        with shown.step("Filling the shelves", settings.demo_products) as tell:
            await seeding.seed_catalog(shop.services["catalog"], settings.demo_products, tell)
    most = await shop.waiting()
    with shown.step("Telling every service", most or 1) as tell, suppress(TimeoutError):
        async with asyncio.timeout(QUIET_SECONDS):
            while waiting := await shop.waiting():
                most = max(most, waiting)
                tell(most - waiting, most)
                await asyncio.sleep(0.1)
    seeded.remember(settings.demo_products, settings.database_url)


def _welcome(settings: ShopSettings, home: Home) -> None:
    url = f"http://{settings.host}:{settings.port}"
    lines = [f"The shop is open at [bold]{url}[/bold]", f"  API         {url}/docs, {url}/api/v1/products"]
    if settings.development:
        lines.append(f"  accounts    {', '.join(seeding.ACCOUNTS)}: password {seeding.demo_password()}")
    lines.append(f"  data        {home.path} (mails are in mail/, SMS in sms/; make reset deletes it)")
    lines.append("  Ctrl-C, or make stop, closes it")
    console.print("\n".join(lines), soft_wrap=True)
