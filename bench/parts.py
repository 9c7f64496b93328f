"""What is measured, part by part; each makes the tables of its own."""

import itertools
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chassis.servers.rabbitmq import PrivateRabbit

from bench import catalog, limits, stores
from bench.client import Client
from bench.shop import Shop
from bench.shoppers import Bought, asking, customers, shopping, stocked
from bench.tables import Table, console, milliseconds, share

MODES = {"run": "one process", "processes": "processes over RabbitMQ"}
WORDS = ("kettle", "lamp", "classic", "savanna", "basket", "chair", "stool", "mug", "towel", "bag")
MIXED = 16
FULL_CART = 100


@dataclass
class Measured:
    """All that one run found out; ``rates`` are what the targets and the plots are made from, by name."""

    seconds: float
    shoppers: Sequence[int]
    tables: dict[str, Table] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    bought: dict[tuple[str, int], Bought] = field(default_factory=dict)
    _people: list[Client] = field(default_factory=list)
    _skus: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)

    def table(self, name: str, *columns: str) -> Table:
        """The table of this name, made when it is first asked for."""
        return self.tables.setdefault(name, Table(name, columns))

    def tell(self, text: str) -> None:
        """A line of progress."""
        console.print(f"[dim]{time.perf_counter() - self._began:5.0f} s[/dim]  {text}", soft_wrap=True)

    def enter(self) -> None:
        """Another shop: nobody is known in it."""
        self._people, self._skus = [], []

    async def people(self, shop: Shop, count: int) -> list[Client]:
        """So many customers, with connections."""
        if missing := count - len(self._people):
            self.tell(f"{missing} customers more log in") if missing > 0 else None
            self._people += await customers(shop, max(0, missing))
        return self._people[:count]

    async def skus(self, shop: Shop) -> list[str]:
        """Products that do not run out."""
        if not self._skus:
            self._skus = await stocked(shop)
        return self._skus

    def limit(self, name: str, figure: float) -> str:
        """``figure`` beside what the machine can do, where that was measured."""
        return share(figure, self.rates[name]) if name in self.rates else ""


async def measure_limits(measured: Measured, shop: Shop, mode: str) -> None:
    """PostgreSQL and an HTTP server alone, on this machine and at this time.

    After orders and memory: what pgbench fills of PostgreSQL's memory is not the shop's.
    """
    measured.tell(f"limits, with {MODES[mode]}")
    url = await stores.fresh(shop.database(), "bench_limit")
    measured.rates["pgbench"] = await limits.pgbench(url, measured.seconds / 2)
    measured.rates["bare"] = await limits.bare(measured.seconds / 3)
    table = measured.table("limits", "limit", *MODES.values())
    table.rows = table.rows or [
        ["pgbench simple-update, 16 clients, transactions/s", "", ""],
        ["an ASGI app that answers 15 bytes, 16 connections, requests/s", "", ""],
    ]
    column = 1 + list(MODES).index(mode)
    for row, name in zip(table.rows, ("pgbench", "bare"), strict=True):
        row[column] = f"{measured.rates[name]:,.0f}"
    if f"orders-{mode}" in measured.tables:
        for row in measured.tables[f"orders-{mode}"].rows:
            row[2] = measured.limit("pgbench", measured.rates[f"{mode} {row[0]}"])


async def measure_orders(measured: Measured, shop: Shop, mode: str) -> None:
    """Orders by so many shoppers, and what each costs."""
    columns = ["shoppers", "settled orders/s", "of pgbench", "flow p50", "p95", "p99"]
    columns += ["add to cart p50", "p95", "p99", "checkout p50", "p95", "p99"]
    parts = ["shop", "PostgreSQL", *(["RabbitMQ"] if mode == "processes" else []), "client"]
    table = measured.table(f"orders-{mode}", *columns)
    costs = measured.table(f"cpu-{mode}", "shoppers", *(f"{part}, CPU ms/order" for part in parts), "other answers")
    for count in measured.shoppers:
        skus, people = await measured.skus(shop), await measured.people(shop, count)
        bought = await shopping(shop, people, skus, measured.seconds)
        measured.bought[mode, count] = bought
        measured.rates[f"{mode} {count}"] = bought.rate
        timings = bought.timings.seconds
        flow, adding, placing = map(milliseconds, (bought.flows, timings["add to cart"], timings["checkout"]))
        measured.tell(f"{MODES[mode]}, {count} shoppers: {bought.rate:.0f} orders/s, p99 {flow[2] or 0:.0f} ms")
        table.add(str(count), bought.rate, None, *flow, *adding, *placing)
        costs.add(str(count), *(bought.cpu.get(part, 0.0) for part in parts), bought.others)


async def measure_memory(measured: Measured, shop: Shop, mode: str) -> None:
    """After all that went before."""
    used = shop.memory()
    table = measured.table(
        "memory", "MiB (PSS)", "shop", "PostgreSQL", "RabbitMQ", "together", "PostgreSQL's processes"
    )
    table.add(
        MODES[mode],
        *(used.get(name) for name in ("shop", "PostgreSQL", "RabbitMQ")),
        sum(used.values()),
        str(shop.connections()),
    )
    measured.rates[f"memory {mode}"] = sum(used.values())
    measured.tell(f"memory of {MODES[mode]}: {sum(used.values()):.0f} MiB")


async def measure_reads(measured: Measured, shop: Shop, mode: str) -> None:
    """The catalog, which everybody may read."""
    client = shop.client()
    items = (await client.call("", "GET", "/api/v1/products?page_size=100")).json()["items"]
    client.close()
    kinds = {
        "list, a page of 20": ["/api/v1/products"],
        "detail": [f"/api/v1/products/{item['id']}" for item in items],
        "search, one of ten words": [f"/api/v1/products?search={word}" for word in WORDS],
    }
    for name, paths in kinds.items():
        rate, took = await asking([shop.client() for _ in range(MIXED)], _reading(paths), measured.seconds / 3)
        _row(measured, "reads", name, rate, took, "bare")


async def measure_carts(measured: Measured, shop: Shop, mode: str) -> None:
    """Units added to carts, of one line and of a hundred."""
    skus, people = await measured.skus(shop), await measured.people(shop, MIXED)
    for lines in (1, FULL_CART):
        for person in people:
            await person.call("", "DELETE", "/api/v1/cart")
        await asking_once(people, skus[:lines])
        rate, took = await asking(people, _adding(skus[:lines]), measured.seconds / 3)
        _row(measured, "reads", f"add to a cart of {lines} line{'s' * (lines > 1)}", rate, took, "bare")
    for person in people:
        await person.call("", "DELETE", "/api/v1/cart")


async def measure_hot(measured: Measured, shop: Shop, mode: str) -> None:
    """Orders of one line: all of one SKU, beside any of a hundred."""
    skus, people = await measured.skus(shop), await measured.people(shop, MIXED)
    table = measured.table("hot", "16 shoppers, one line an order", "settled orders/s", "flow p50", "p95", "p99")
    for name, wanted in (("spread over 100 SKUs", skus), ("all on one SKU", skus[:1])):
        bought = await shopping(shop, people, wanted, measured.seconds, lines=1)
        measured.rates[name] = bought.rate
        table.add(name, bought.rate, *milliseconds(bought.flows))
        measured.tell(f"{name}: {bought.rate:.0f} orders/s")


async def measure_gateway(measured: Measured, shop: Shop, mode: str) -> None:
    """The same answer of the catalog's process, through the gateway's and without it."""
    table = measured.table("gateway", "product list", "requests/s", "p50", "p95", "p99", "of direct")
    direct = 0.0
    for name, port in (("the catalog's own process", shop.port_of("catalog")), ("through the gateway", 0)):
        clients = [shop.client(port=port) for _ in range(MIXED)]
        rate, took = await asking(clients, _reading(["/api/v1/products"]), measured.seconds / 3)
        direct = direct or rate
        table.add(name, rate, *milliseconds(took), f"{rate / direct:.0%}")
        measured.tell(f"product list, {name}: {rate:,.0f} requests/s")


async def measure_stores(measured: Measured, shop: Shop, mode: str) -> None:
    """The chassis's pieces alone, in this process, on the shop's idle servers."""
    seconds, table = measured.seconds / 3, measured.table("stores", "alone", "a second", "of")
    if mode == "run":
        ours, plain = await stores.appends(shop.database(), seconds)
        table.add("events by asyncpg's plain inserts, 16 at once", plain)
        table.add("events by the chassis's execute, 16 at once", ours, share(ours, plain))
        handed, kept = await stores.local(shop.database(), seconds)
        table.add("messages by LocalCourier, to nobody", handed)
        table.add("messages by LocalCourier, into an inbox", kept)
        measured.tell(f"{ours:,.0f} appends/s, asyncpg alone {plain:,.0f}; LocalCourier {kept:,.0f} messages/s")
        return
    broker = os.environ.get("RABBITMQ_URL") or PrivateRabbit(shop.home / "rabbitmq").running_url()
    plain, sent, kept = await stores.rabbit(shop.database(), broker, seconds)
    table.add("messages by aio-pika, with confirms", plain)
    table.add("messages by RabbitCourier, with confirms", sent, share(sent, plain))
    table.add("messages from RabbitMQ into an inbox", kept, share(kept, plain))
    measured.tell(f"{sent:,.0f} messages/s by RabbitCourier, aio-pika alone {plain:,.0f}; stored {kept:,.0f}")


async def measure_catalog(measured: Measured, shop: Shop, mode: str) -> None:
    """Lists, searches and details at three sizes, by the catalog's service alone, with nothing kept from before."""
    table = measured.table("catalog", "products", "variants", "what", "p50", "p95", "p99")
    filling = measured.table("filling", "products", "variants", "filled in, s")
    async for found in catalog.catalogs(shop.database()):
        size, variants = f"{found.products:,}", f"{found.variants:,}"
        filling.add(size, variants, found.filling)
        for name, took in found.took.items():
            table.add(size, variants, name, *milliseconds(took))
            measured.rates[f"{name} of {found.products}"] = milliseconds(took)[1] or 0.0
        measured.tell(f"{size} products, filled in {found.filling:.0f} s")


async def asking_once(people: Sequence[Client], skus: Sequence[str]) -> None:
    """Put one of each SKU into every cart."""
    for person in people:
        for sku in skus:
            await person.call("", "POST", "/api/v1/cart/items", {"sku": sku, "quantity": 1})


def _reading(paths: Sequence[str]) -> Callable[[Client], object]:
    turn = itertools.cycle(paths)
    return lambda client: client.call("", "GET", next(turn))


def _adding(skus: Sequence[str]) -> Callable[[Client], object]:
    turn = itertools.cycle(skus)
    return lambda client: client.call("", "POST", "/api/v1/cart/items", {"sku": next(turn), "quantity": 1})


def _row(measured: Measured, table: str, name: str, rate: float, took: Sequence[float], limit: str) -> None:
    made = measured.table(table, "16 connections", "requests/s", "p50", "p95", "p99", "of the 15 bytes")
    made.add(name, rate, *milliseconds(took), measured.limit(limit, rate))
    measured.rates[name] = rate
    measured.tell(f"{name}: {rate:,.0f} requests/s")


def machine() -> str:
    """What this was measured on, in a sentence."""
    cpu = next(
        (
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[1]
    when = time.strftime("%Y-%m-%d", time.gmtime())
    return (
        f"{cores} cores ({cpu.strip()}), {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}, "
        f"{when}. Load before it began, over five minutes: {load:.1f}."
    )
