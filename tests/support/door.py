"""A shop in this process that serves on a port, for browsers and for curl."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chassis.servers import child
from chassis.servers.postgres import EmbeddedPostgres
from chassis.web import listen, web_server
from shopping import OpenShop, open_shop


@dataclass
class Door:
    """A shop, and where it serves."""

    shop: OpenShop
    url: str


@asynccontextmanager
async def open_door(postgres: EmbeddedPostgres) -> AsyncIterator[Door]:
    """A new shop with accounts and nothing on its shelves."""
    port = child.pick_port()
    url = f"http://127.0.0.1:{port}"
    async with open_shop(postgres, PUBLIC_URL=url, CARDSIM_URL=f"{url}/cardsim") as shop:
        web = web_server(shop.shop.app)
        serving = asyncio.create_task(web.serve(sockets=[listen("127.0.0.1", port)]))
        await web.ready.wait()
        try:
            yield Door(shop, url)
        finally:
            web.should_exit = True
            await serving
