"""A shop as its user starts it, in processes that can be killed, and a crowd that does not give up."""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import orjson
from chassis.fixtures import until
from chassis.servers import ServerFailed
from chassis.servers.child import pick_port
from chassis.servers.postgres import EmbeddedPostgres
from chassis.world import new_id
from shopping import ADDRESS
from soko.databases import on_server
from soko.oracle import Breach, breaches, unrest
from soko.seeding import demo_password
from soko.services import CARDSIM, SERVICES

STARTS_WITHIN = 120
SETTLES_WITHIN = 120
ANSWERED = (200, 201, 202, 402, 409)


@dataclass
class RunningShop:
    """One shop on a folder of its own."""

    home: Path
    url: str
    mode: str
    process: "subprocess.Popen[bytes]"
    given: Mapping[str, str]
    server: str = ""
    """The PostgreSQL that its databases are on, where that is not its own."""

    @classmethod
    def start(cls, mode: str, home: Path | None = None, port: int | None = None, **given: str) -> "RunningShop":
        """``soko run`` or ``soko processes``; on an existing folder the shop that was there goes on.

        ``given`` are further settings.
        """
        if home is None:
            home = new_home("soko-killed-")
        port = port or pick_port()
        environment = {
            **os.environ,
            "SOKO_HOME": str(home),
            "SOKO_ENV": "development",
            "SOKO_RATE_LIMITS": "off",
            "DEMO_PRODUCTS": "0",
            "METRICS_PORT": "0",
            "PORT": str(port),
            **given,
        }
        with (home / "shop.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "soko", mode], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        return cls(home, f"http://127.0.0.1:{port}", mode, process, given)

    def start_again(self) -> None:
        """Start it where it was, after it has ended."""
        port = int(self.url.rpartition(":")[2])
        self.process = self.start(self.mode, self.home, port, **self.given).process

    def children(self) -> list[dict[str, Any]]:
        """``name``, ``pid`` and ``port`` of each process of ``soko processes``, as its supervisor knows them."""
        try:
            return list(json.loads((self.home / "processes.json").read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return []

    def pid_of(self, name: str) -> int | None:
        """The process that a name stands for: a service, ``postgresql``, ``rabbitmq``, or ``shop`` for all in one."""
        if name == "shop":
            return self.process.pid if self.process.poll() is None else None
        if self.mode == "run":
            lines = (self.home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()
            return int(lines[0]) if lines else None
        return next((child["pid"] for child in self.children() if child["name"] == name), None)

    async def kill(self, name: str) -> None:
        """kill -9, and start the whole shop again if it was all of it: what else dies is started again by itself."""
        pid = await until(lambda: _soon(self.pid_of(name)))
        os.kill(pid, signal.SIGKILL)
        if name == "shop":
            self.process.wait()
            self.start_again()

    def databases(self) -> dict[str, str]:
        """Where each service's data is now."""
        server = self.server or EmbeddedPostgres(self.home / "postgres").running_url("postgres")
        return {name: on_server(server, name) for name in (*SERVICES, CARDSIM)}

    async def at_rest(self) -> list[Breach]:
        """Wait until nothing is on its way, then let the oracle look."""
        found = ["nobody knows: there is no database"]

        async def quiet() -> bool:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ServerFailed):
                found[:] = await unrest(self.databases())
            return not found

        try:
            await until(quiet, SETTLES_WITHIN)
        except TimeoutError:
            raise AssertionError(f"after {SETTLES_WITHIN} s there still are {found}") from None
        return await breaches(self.databases())

    def stop(self) -> None:
        """End it cleanly."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


async def _soon(value: Any) -> Any:
    return value


class Shopper:
    """Somebody who tries again, with the same key, until there is an answer."""

    def __init__(self, session: aiohttp.ClientSession, url: str, put_off: Counter[str] | None = None) -> None:
        self._session, self._url = session, url
        self.headers: dict[str, str] = {}
        self.put_off: Counter[str] = Counter() if put_off is None else put_off
        """Why it had to try again: the answers, by status and problem, that were none; and how often."""

    async def call(self, method: str, path: str, json: Any = None, *, key: str = "", within: float = 120) -> Any:
        """(status, body) of the first answer that is not a server's error, nor asks to come again."""
        headers = {**self.headers, "Idempotency-Key": key or new_id(), "Prefer": "wait=2"}
        async with asyncio.timeout(within):
            while True:
                try:
                    async with self._session.request(
                        method, f"{self._url}/api/v1{path}", json=json, headers=headers
                    ) as answer:
                        if token := answer.headers.get("X-Cart-Token"):
                            self.headers["X-Cart-Token"] = token
                        again = "Retry-After" in answer.headers
                        body = await said_by(answer)
                        if answer.status < 500 and not again:
                            return answer.status, body
                        problem = body.get("type", "") if isinstance(body, dict) else ""
                        self.put_off[f"{answer.status} {problem}{'' if again else ' for ever'}"] += 1
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    self.put_off[type(error).__name__] += 1
                await asyncio.sleep(random.uniform(0.1, 0.4))


async def said_by(answer: aiohttp.ClientResponse) -> Any:
    """Its body; of what is no JSON, as from a server that fails without a word of ours, the content type alone."""
    return orjson.loads(await answer.read()) if "json" in answer.content_type else {"type": answer.content_type}


async def login(session: aiohttp.ClientSession, url: str, email: str, put_off: Counter[str] | None = None) -> Shopper:
    """Somebody with an account."""
    person = Shopper(session, url, put_off)
    status, body = await person.call("POST", "/auth/login", {"email": email, "password": demo_password()})
    assert status == 200, body
    person.headers["Authorization"] = f"Bearer {body['access_token']}"
    return person


@asynccontextmanager
async def shopping(shop: RunningShop) -> AsyncIterator[aiohttp.ClientSession]:
    """A session, once the shop is open."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:

        async def opened() -> bool:
            if shop.process.poll() is not None:
                raise AssertionError((shop.home / "shop.log").read_text()[-3000:])
            try:
                async with session.get(f"{shop.url}/api/v1/products") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await until(opened, STARTS_WITHIN)
        yield session


async def stocked(session: aiohttp.ClientSession, url: str, stock: int) -> str:
    """A product with so many units."""
    staff, sku = await login(session, url, "staff@soko.example"), f"SKU-{new_id()[-12:]}"
    status, body = await staff.call("POST", "/categories", {"name": f"Shelf {sku}"})
    assert status == 201, body
    product = {
        "name": f"Kettle {sku}",
        "category_id": body["id"],
        "price": {"amount": "100.00", "currency": "KES"},
        "sku": sku,
        "initial_stock": stock,
    }
    status, body = await staff.call("POST", "/products", product)
    assert status in (201, 202), body
    return sku


def order_by_card(token: str) -> dict[str, Any]:
    """What a guest sends to order what is in the cart."""
    return {
        "email": "guest@soko.example",
        "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "payment": {"method": "card", "token": token},
    }


async def buy(session: aiohttp.ClientSession, url: str, sku: str) -> str:
    """One guest's checkout, however often it has to be tried; the order's id."""
    guest = Shopper(session, url)
    status, body = await guest.call("POST", "/cart/items", {"sku": sku, "quantity": 1})
    assert status in (200, 201), body
    order = order_by_card(random.choice(["tok_success"] * 8 + ["tok_declined", "tok_duplicate"]))
    status, body = await guest.call("POST", "/orders", order, key=new_id())
    assert status in ANSWERED, body
    return id_of(body)


def id_of(answer: Any) -> str:
    """Of the order that a checkout answered with, or with a problem about it."""
    return str(answer.get("id") or answer["order"]["id"])


def new_home(prefix: str) -> Path:
    """A new folder for a shop, which its servers can reach as another user."""
    home = Path(tempfile.mkdtemp(prefix=prefix))
    home.chmod(0o755)
    return home


def remove(shop: RunningShop) -> None:
    """Delete the folder of a shop that has stopped."""
    shutil.rmtree(shop.home, ignore_errors=True)
