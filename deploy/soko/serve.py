"""``soko serve``: one service, the gateway or the simulated card gateway, alone in this process."""

import asyncio
from collections.abc import Callable

import uvloop
from chassis import logs, main
from chassis.http import Peers
from chassis.http.upstream import Connections
from chassis.servers import ServerFailed
from chassis.web import listen
from chassis.world import World

from soko import parts
from soko.services import CARDSIM, GATEWAY, PROCESSES, SERVICES, load
from soko.settings import ShopSettings


def serve(name: str, settings: ShopSettings) -> None:
    """Serve ``name`` until SIGINT or SIGTERM."""
    if name in SERVICES:
        kind = load(name)
        main.serve(kind.build, kind.settings)
    elif name == GATEWAY:
        _serve(name, settings, _gateway)
    elif name == CARDSIM:
        _serve(name, settings, lambda addresses: parts.cardsim(World(peers=Peers(addresses))))
    else:
        raise ServerFailed(f"There is no {name!r} to serve: {', '.join(PROCESSES)}.")


def _gateway(addresses: main.Addresses) -> parts.Part:
    return parts.gateway({name: addresses[name] for name in (*SERVICES, CARDSIM) if name in addresses})


def _serve(name: str, settings: ShopSettings, make: Callable[[main.Addresses], parts.Part]) -> None:
    main.require_of_all(settings)
    listening = listen(settings.host, settings.port)

    async def run() -> None:
        logs.configure(settings.soko_env, name, level=settings.log_level or "INFO")
        connections = Connections()
        part = make(main.Addresses(connections))
        try:
            await main.once_there(name, part.start)
            await main.serve_until_told(part.app, listening, settings)
        finally:
            await part.stop()
            await connections.close()

    try:
        uvloop.run(run())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return
