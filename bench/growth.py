"""``python -m bench.growth``: the same figures with more and more past orders in the databases, and a rebuild.

Flat is the aim: what a shop does today must not depend on how much it has done.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
import uvloop

from bench.client import Client
from bench.parts import machine
from bench.past import SERVICES, Batches
from bench.plots import bars
from bench.results import PAGE, PLOTS
from bench.shop import Shop, open_shop
from bench.shoppers import Bought, asking, customers, login, shopping, stocked
from bench.tables import Table, console, milliseconds, write

SHOPPERS = 16
ORDERS = (1_000, 10_000, 100_000)
FLAT = 0.15
REBUILT = "order"
FIGURES = (
    "settled orders/s, 16 shoppers",
    "flow p50, ms",
    "flow p99, ms",
    "shop, CPU ms/order",
    "PostgreSQL, CPU ms/order",
    "product list, requests/s",
    "product detail, requests/s",
    "an order, requests/s",
    "a customer's orders, requests/s",
    "all orders, first page, requests/s",
    "all orders, page 2 of the delivered, requests/s",
)


@dataclass
class Growth:
    """One shop that grows; ``figures`` by how many past orders it has."""

    shop: Shop
    seconds: float
    people: list[Client] = field(default_factory=list)
    skus: list[str] = field(default_factory=list)
    staff: list[Client] = field(default_factory=list)
    figures: dict[int, list[float]] = field(default_factory=dict)
    sizes: dict[int, float] = field(default_factory=dict)
    made: dict[int, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.perf_counter)

    def tell(self, text: str) -> None:
        """A line of progress."""
        console.print(f"[dim]{time.perf_counter() - self._began:5.0f} s[/dim]  {text}", soft_wrap=True)

    async def enter(self) -> None:
        """Products, shoppers, staff: new ones for each step, since tokens run out while the past is made."""
        for client in (*self.people, *self.staff):
            client.close()
        self.skus = self.skus or await stocked(self.shop)
        self.people = await customers(self.shop, SHOPPERS)
        self.staff = [await login(self.shop, "staff@soko.example") for _ in range(SHOPPERS)]

    async def measure(self, past: int) -> None:
        """Everything that should be flat."""
        await self.enter()
        bought = await shopping(self.shop, self.people, self.skus, self.seconds)
        flow = milliseconds(bought.flows)
        figures = [bought.rate, flow[0] or 0.0, flow[2] or 0.0, bought.cpu["shop"], bought.cpu["PostgreSQL"]]
        own = (await self.people[0].call("", "GET", "/api/v1/orders")).json()["items"][0]["id"]
        product = (await self.people[0].call("", "GET", "/api/v1/products?page_size=1")).json()["items"][0]["id"]
        delivered = "/api/v1/orders?status=delivered"
        page = (await self.staff[0].call("", "GET", delivered)).json()
        for who, path in (
            (self.people, "/api/v1/products"),
            (self.people, f"/api/v1/products/{product}"),
            (self.people[:1], f"/api/v1/orders/{own}"),
            (self.people, "/api/v1/orders"),
            (self.staff, "/api/v1/orders"),
            (self.staff, page.get("next") or delivered),
        ):
            rate, _ = await asking(who, lambda client, path=path: client.call("", "GET", path), self.seconds / 4)
            figures.append(rate)
        self.figures[past] = figures
        self.sizes[past] = await self._size()
        self.tell(f"{past:,} past orders: {figures[0]:.0f} orders/s, p99 {figures[2]:.0f} ms")

    async def grow(self, batches: Batches, past: int, wanted: int) -> int:
        """More past orders; how many there are now."""
        began, shown = time.perf_counter(), time.perf_counter()

        def progress(done: int) -> None:
            nonlocal shown
            if time.perf_counter() - shown > 5:
                shown = time.perf_counter()
                self.tell(f"{past + done:,} of {wanted:,} orders made, {done / (shown - began):,.0f} a second")

        now = past + await batches.write(wanted - past, progress)
        self.made[now] = (now - past) / (time.perf_counter() - began)
        self.tell(f"{now:,} past orders, {self.made[now]:,.0f} a second")
        return now

    async def _size(self) -> float:
        """GiB of all databases."""
        connection = await asyncpg.connect(self.shop.database())
        size = await connection.fetchval("select sum(pg_database_size(datname)) from pg_database")
        await connection.close()
        return float(size) / 2**30

    async def rebuild(self, past: int) -> Table:
        """The order's views are made anew from its events, while customers buy."""
        table = Table(
            "rebuild", [f"rebuild of the {REBUILT}'s views, 16 shoppers", "orders/s", "flow p50", "p95", "p99", "s"]
        )
        before = await shopping(self.shop, self.people, self.skus, self.seconds)
        table.add(f"before, {past:,} past orders", before.rate, *milliseconds(before.flows))
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "soko", "views", "rebuild", REBUILT),
            env={**os.environ, "SOKO_HOME": str(self.shop.home), "SOKO_ENV": "development"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told = asyncio.create_task(process.communicate())
        during = Bought(SHOPPERS)
        while not told.done():
            some = await shopping(self.shop, self.people, self.skus, 2.0)
            during.flows += some.flows
            during.statuses += some.statuses
            during.seconds += some.seconds
        said, _ = await told
        took = time.perf_counter() - began
        table.add("while it runs", during.rate, *milliseconds(during.flows), took)
        self.tell(f"rebuilt in {took:.0f} s:\n{said.decode(errors='replace').strip()}")
        if process.returncode:
            raise SystemExit(said.decode(errors="replace"))
        return table

    def table(self) -> Table:
        """A column for each number of past orders, and how far the last is from the first."""
        columns = sorted(self.figures)
        made = Table("growth", ["past orders", *(f"{past:,}" for past in columns), "last beside first", "within 15%"])
        first, last = self.figures[columns[0]], self.figures[columns[-1]]
        for number, name in enumerate(FIGURES):
            change = last[number] / first[number] - 1 if first[number] else 0.0
            worse = -change if "/s" in name else change
            cells = [self.figures[past][number] for past in columns]
            made.add(name, *cells, f"{change:+.0%}", "yes" if worse <= FLAT else "no")
        made.add("all databases, GiB", *(self.sizes[past] for past in columns))
        made.add("past orders made a second", *(self.made.get(past) for past in columns))
        return made


async def growth(orders: Sequence[int], seconds: float, rebuild: bool) -> list[Table]:
    async with open_shop("run") as shop:
        growing = Growth(shop, seconds)
        batches = Batches({name: shop.database(f"soko_{name}") for name in SERVICES})
        past = 0
        for wanted in sorted(orders):
            past = await growing.grow(batches, past, wanted)
            await growing.measure(past)
        tables = [growing.table()]
        if rebuild:
            tables.append(await growing.rebuild(past))
        return tables


def publish(tables: Sequence[Table]) -> None:
    """Write tables and the plot into docs/."""
    grown = tables[0]
    past = [f"{column} past orders" for column in grown.columns[1:-2]]
    rates = [float(cell.replace(",", "")) for cell in grown.rows[0][1 : 1 + len(past)]]
    plot = bars("Settled orders, 16 shoppers", "orders/s", {p: [r] for p, r in zip(past, rates, strict=True)}, ["rate"])
    folder = PAGE.parent / PLOTS
    folder.mkdir(exist_ok=True)
    (folder / "growth.svg").write_text(plot)
    write(PAGE, [("growth-machine", machine()), *((table.name, table.markdown()) for table in tables)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--orders", type=int, nargs="+", default=ORDERS, help="how many past orders, step by step")
    parser.add_argument("--seconds", type=float, default=12, help="how long orders are measured at each step")
    parser.add_argument("--no-rebuild", action="store_true", help="leave the rebuild out")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/")
    arguments = parser.parse_args()
    tables = uvloop.run(growth(arguments.orders, arguments.seconds, not arguments.no_rebuild))
    for table in tables:
        table.show()
    if arguments.write:
        publish(tables)


if __name__ == "__main__":
    main()
