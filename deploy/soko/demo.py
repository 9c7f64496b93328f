"""``soko demo``: buys something, and shows each request and each event as it happens."""

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
from chassis.http import Money
from chassis.servers import ServerFailed

from soko.home import Home
from soko.progress import console
from soko.seeding import demo_password
from soko.settings import ShopSettings

OPEN_SECONDS = 120
TELL_SECONDS = 10
LAST_EVENTS = {"order.confirmed.v1", "inventory.stock_committed.v1", "notification.sent.v1"}
"""When all of these have been told, the story is over."""
ADDRESS = {"name": "A. Customer", "line1": "1 Market St", "city": "Nairobi", "country": "KE", "phone": "+254700000001"}
TOLD = ("number", "status", "reason", "sku", "quantity", "method", "amount", "kind", "channel", "carrier")


def demo(settings: ShopSettings) -> None:
    """Buy from the shop that runs here; if none does, from one that is started for it. Raises ``ServerFailed``."""
    if not settings.development:
        raise ServerFailed(f"The demo buys with demo accounts: SOKO_ENV={settings.soko_env} has none.")
    holder = Home(settings.soko_home).holder()
    url = str(holder["url"]) if holder else f"http://{settings.host}:{settings.port}"
    started = None if holder else subprocess.Popen([sys.executable, "-m", "soko", "run"], start_new_session=True)
    try:
        asyncio.run(_buy(url, started))
    except aiohttp.ClientError as error:
        raise ServerFailed(f"The shop at {url} does not answer: {error}") from error
    finally:
        if started:
            started.terminate()
            started.wait()


async def _buy(url: str, started: "subprocess.Popen[bytes] | None") -> None:
    async with aiohttp.ClientSession(f"{url}/api/v1/") as session:
        await _opened(session, url, started)
        customer, staff = Person(session), Person(session)
        await staff.login("staff@soko.example")
        story = Story()
        async with _watched(staff, story):
            with story.step("log in as customer@soko.example"):
                await customer.login("customer@soko.example")
            with story.step("look for a kettle"):
                product = await _something(customer)
            sku = product["variants"][0]["sku"]
            price = _money(product["price"])
            with story.step(f"put two of {product['name']} ({sku}, {price}) into the cart"):
                await customer.ask("POST", "cart/items", {"sku": sku, "quantity": 2})
            order = {
                "shipping_address": ADDRESS,
                "shipping_method": "standard",
                "payment": {"method": "card", "token": "tok_success"},
            }
            with story.step("check out, paying by card"):
                answer = await customer.ask("POST", "orders", order)
            story.note(
                f"order {answer['number']}: {answer['status']}, {answer['payment_status']}, {_money(answer['total'])}"
            )
            await story.told_all()
        if started:
            story.note("this shop closes now, its data stays: make run opens it again")
        else:
            story.note(f"the shop's mails are at {url}/, the order at {url}/api/v1/orders/{answer['number']}")


class Person:
    """Somebody with an account."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.headers: dict[str, str] = {}

    async def login(self, email: str) -> None:
        answer = await self.ask("POST", "auth/login", {"email": email, "password": demo_password()})
        self.headers["Authorization"] = f"Bearer {answer['access_token']}"

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """What the shop answers. Raises ``ServerFailed`` with the problem it answers instead."""
        headers = {**self.headers, "Idempotency-Key": str(uuid.uuid4()), "Prefer": "wait=10"}
        async with self.session.request(method, path, json=body, params=query, headers=headers) as answer:
            said = await answer.json(content_type=None)
            if answer.status >= 400:
                raise ServerFailed(f"{method} /{path}: {answer.status} {said.get('detail') or said.get('title')}")
            return said


class Story:
    """What is printed, with the milliseconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._left = set(LAST_EVENTS)
        self._over = asyncio.Event()

    @contextmanager
    def step(self, what: str) -> Any:
        self._say(f"[bold]{what}[/bold]")
        yield

    def note(self, what: str) -> None:
        self._say(what)

    def event(self, event: dict[str, Any]) -> None:
        data = event["data"]
        if {"amount", "currency"} <= data.keys():
            data = {**data, "amount": Money.of(data["amount"], data["currency"]).model_dump()}
        told = ", ".join(f"{name} {_plain(data[name])}" for name in TOLD if data.get(name) not in (None, "", []))
        self._say(f"   [cyan]{event['type']}[/cyan] [dim]{told}[/dim]")
        self._left.discard(event["type"])
        if not self._left:
            self._over.set()

    async def told_all(self) -> None:
        try:
            async with asyncio.timeout(TELL_SECONDS):
                await self._over.wait()
        except TimeoutError:
            return

    def _say(self, what: str) -> None:
        console.print(f"[dim]{(time.monotonic() - self._began) * 1000:>6.0f} ms[/dim]  {what}", soft_wrap=True)


@asynccontextmanager
async def _watched(staff: Person, story: Story) -> AsyncIterator[None]:
    """Tell the story every event from now on."""
    position = await _newest(staff)
    watching = asyncio.create_task(_watch(staff, story, position))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(staff: Person, story: Story, position: int) -> None:
    headers = {**staff.headers, "Accept": "text/event-stream"}
    silence = aiohttp.ClientTimeout(total=None)
    async with staff.session.get("events", params={"after": str(position)}, headers=headers, timeout=silence) as feed:
        async for line in feed.content:
            if line.startswith(b"data: "):
                story.event(json.loads(line.removeprefix(b"data: ")))


async def _newest(staff: Person) -> int:
    """The last position of the feed, found by halving: the feed only answers what comes after a position."""
    low, high = 0, 1
    while await _anything_after(staff, high):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if await _anything_after(staff, middle):
            low = middle + 1
        else:
            high = middle
    return low


async def _anything_after(staff: Person, position: int) -> bool:
    return bool((await staff.ask("GET", "events", after=str(position), limit="1"))["items"])


async def _something(customer: Person) -> Any:
    """A product that is in stock."""
    for query in ({"search": "kettle"}, {}):
        found = (await customer.ask("GET", "products", in_stock="true", page_size="20", **query))["items"]
        for product in found:
            whole = await customer.ask("GET", f"products/{product['id']}")
            if whole["variants"] and whole["variants"][0]["in_stock"]:
                return whole
    raise ServerFailed("Nothing is in stock: soko seed catalog --products 1000 fills the shelves.")


async def _opened(session: aiohttp.ClientSession, url: str, started: "subprocess.Popen[bytes] | None") -> None:
    """Wait until the shop serves."""
    until = time.monotonic() + OPEN_SECONDS
    while True:
        if started and started.poll() is not None:
            raise ServerFailed("The shop did not open, as said above.")
        try:
            async with session.get(f"{url}/health/ready") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        if time.monotonic() > until:
            raise ServerFailed(f"No shop answers at {url}.")
        await asyncio.sleep(0.2)


def _money(money: dict[str, str]) -> str:
    return f"{money['currency']} {money['amount']}"


def _plain(value: Any) -> str:
    return _money(value) if isinstance(value, dict) and "currency" in value else str(value)
