"""``make bench``: a shop of its own, shoppers that buy, and what stands in the way of more.

Each figure stands beside its limit in the same run, since machines differ and are shared: trust the ratios.
"""

import argparse
import asyncio
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import uvloop
from chassis.servers.child import pick_port
from rich.console import Console
from rich.table import Table

from bench.client import Client, Timings
from bench.limits import pgbench, start_bare

HOST = "127.0.0.1"
PASSWORD = "soko-demo-2026"
ADDRESS = {"name": "A. Customer", "line1": "1 Market St", "city": "Nairobi", "country": "KE", "phone": "+254700000001"}
PRODUCTS = 50

console = Console()


@dataclass
class Report:
    """What was measured: (what, figure, unit, its limit, share of it)."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, what: str, figure: float, unit: str, limit: str = "", of: float = 0.0) -> None:
        share = f"{figure / of:.3f} of {of:,.0f} ({limit})" if of else ""
        self.rows.append((what, f"{figure:,.1f}", unit, share))

    def show(self) -> None:
        table = Table("measured", "figure", "unit", "beside its limit")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)

    def markdown(self) -> str:
        lines = ["| measured | figure | unit | beside its limit |", "| --- | ---: | --- | --- |"]
        return "\n".join(lines + [f"| {' | '.join(row)} |" for row in self.rows])


def start_shop(home: Path, port: int, mode: str) -> subprocess.Popen[bytes]:
    """The shop as its user starts it, without rate limits."""
    environment = {
        **os.environ,
        "PORT": str(port),
        "SOKO_HOME": str(home),
        "SOKO_ENV": "development",
        "SOKO_RATE_LIMITS": "off",
        "METRICS_PORT": "0",
    }
    log = (home / "bench.log").open("wb")
    return subprocess.Popen([sys.executable, "-m", "soko", mode], env=environment, stdout=log, stderr=log)


async def opened(port: int, shop: subprocess.Popen[bytes]) -> float:
    """Seconds until the shop answers."""
    started = time.perf_counter()
    while time.perf_counter() - started < 180:
        if shop.poll() is not None:
            raise SystemExit("the shop did not start: see bench.log")
        client = Client(HOST, port, Timings())
        try:
            if (await client.call("", "GET", "/api/v1/products?page_size=1")).status == 200:
                return time.perf_counter() - started
        except OSError:
            pass
        finally:
            client.close()
        await asyncio.sleep(0.2)
    raise SystemExit("the shop did not open within 180 s: see bench.log")


class Bench:
    """One shop under measurement."""

    def __init__(self, port: int, report: Report) -> None:
        self.port, self.report, self.timings = port, report, Timings()

    def client(self, timings: Timings | None = None) -> Client:
        return Client(HOST, self.port, timings or Timings())

    async def login(self, email: str) -> Client:
        client = self.client()
        answer = await client.call("login", "POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
        assert answer.status == 200, answer.body
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client

    async def stock(self) -> list[str]:
        """Products that do not run out; their SKUs."""
        staff = await self.login("staff@soko.example")
        categories = (await staff.call("", "GET", "/api/v1/categories?page_size=1")).json()["items"]
        skus = []
        for _ in range(PRODUCTS):
            sku = f"BENCH-{uuid.uuid4().hex[:12]}"
            product = {
                "name": f"Bench {sku}",
                "category_id": categories[0]["id"],
                "price": {"amount": "2499.00", "currency": "KES"},
                "sku": sku,
                "initial_stock": 1_000_000,
            }
            answer = await staff.call("", "POST", "/api/v1/products", product)
            assert answer.status == 201, answer.body
            skus.append(sku)
        return skus

    async def customers(self, count: int) -> list[Client]:
        """Logged-in shoppers, each with a connection."""
        admin = await self.login("admin@soko.example")
        emails = [f"shopper-{uuid.uuid4().hex[:10]}@soko.example" for _ in range(count)]
        for email in emails:
            answer = await admin.call("", "POST", "/api/v1/users", {"email": email, "password": PASSWORD})
            assert answer.status == 201, answer.body
        return [await self.login(email) for email in emails]

    async def buy(self, shopper: Client, skus: list[str], counts: dict[int, int]) -> None:
        """Two lines, a checkout, settled."""
        for sku in random.sample(skus, 2):
            answer = await shopper.call("add to cart", "POST", "/api/v1/cart/items", {"sku": sku, "quantity": 1})
            assert answer.status in (200, 201), answer.body
        body = {
            "shipping_address": ADDRESS,
            "shipping_method": "standard",
            "payment": {"method": "card", "token": "tok_success"},
        }
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Prefer": "wait=15"}
        answer = await shopper.call("checkout, settled", "POST", "/api/v1/orders", body, headers)
        counts[answer.status] = counts.get(answer.status, 0) + 1

    async def orders(self, shoppers: int, seconds: float, pg: float) -> None:
        skus, timings = await self.stock(), Timings()
        buyers = await self.customers(shoppers)
        for buyer in buyers:
            buyer._timings = timings
        counts: dict[int, int] = {}
        flows: list[float] = []

        async def shop(buyer: Client, until: float) -> None:
            while time.perf_counter() < until:
                started = time.perf_counter()
                await self.buy(buyer, skus, counts)
                flows.append(time.perf_counter() - started)

        await asyncio.gather(*(shop(buyer, time.perf_counter() + 2) for buyer in buyers))  # warm
        counts.clear()
        flows.clear()
        timings.seconds.clear()
        started = time.perf_counter()
        await asyncio.gather(*(shop(buyer, started + seconds) for buyer in buyers))
        took = time.perf_counter() - started
        settled = counts.get(201, 0)
        self.report.add(f"settled orders, {shoppers} shoppers", settled / took, "orders/s", "pgbench simple-update", pg)
        if strange := {status: count for status, count in counts.items() if status != 201}:
            self.report.rows.append(("other answers", str(strange), "", ""))
        percentiles(self.report, f"whole flow, {shoppers} shoppers", flows)
        for name, values in sorted(timings.seconds.items()):
            percentiles(self.report, f"{name}, {shoppers} shoppers", values)

    async def requests(self, name: str, path: str, seconds: float, bare: float, connections: int = 16) -> None:
        rate = await repeat(lambda: self.client(), path, seconds, connections)
        self.report.add(name, rate, "requests/s", "bare uvicorn JSON", bare)


def percentiles(report: Report, name: str, seconds: list[float]) -> None:
    if len(seconds) < 100:
        return
    cuts = statistics.quantiles(seconds, n=100)
    for percent in (50, 95, 99):
        report.add(f"{name}, p{percent}", cuts[percent - 1] * 1000, "ms")


async def repeat(make: Callable[[], Client], path: str, seconds: float, connections: int) -> float:
    """Requests a second of GET ``path``."""
    count = 0

    async def ask(client: Client, until: float) -> None:
        nonlocal count
        while time.perf_counter() < until:
            answer = await client.call("", "GET", path)
            assert answer.status == 200, answer.body
            count += 1
        client.close()

    started = time.perf_counter()
    tasks: list[Awaitable[None]] = [ask(make(), started + seconds) for _ in range(connections)]
    await asyncio.gather(*tasks)
    return count / (time.perf_counter() - started)


async def bare_rate(seconds: float) -> float:
    port = pick_port()
    process = start_bare(port)
    try:
        while True:
            try:
                probe = Client(HOST, port, Timings())
                await probe.call("", "GET", "/")
                break
            except OSError:
                await asyncio.sleep(0.1)
        return await repeat(lambda: Client(HOST, port, Timings()), "/", seconds, 16)
    finally:
        process.terminate()
        process.wait()


def server_url(home: Path) -> str:
    """The shop's embedded server."""
    folder = home / "postgres"
    password, port = (folder / "password").read_text().strip(), (folder / "port").read_text().strip()
    return f"postgresql://postgres:{password}@{HOST}:{port}/postgres"


async def measure(port: int, home: Path, arguments: argparse.Namespace, shop: subprocess.Popen[bytes]) -> Report:
    report = Report()
    report.add("first start", await opened(port, shop), "s")
    url = server_url(home)
    connection = await asyncpg.connect(url)
    await connection.execute("create database bench_limit")
    await connection.close()
    with console.status("measuring the limits"):
        pg, bare = await pgbench(url), await bare_rate(3)
    report.add("pgbench simple-update, 16 clients", pg, "transactions/s")
    report.add("bare uvicorn JSON, 16 connections", bare, "requests/s")
    bench = Bench(port, report)
    product = (await bench.client().call("", "GET", "/api/v1/products?page_size=1")).json()["items"][0]["id"]
    with console.status("reading the catalog"):
        await bench.requests("product list, page of 20", "/api/v1/products", arguments.seconds / 3, bare)
        await bench.requests("product detail", f"/api/v1/products/{product}", arguments.seconds / 3, bare)
    for shoppers in arguments.shoppers:
        with console.status(f"{shoppers} shoppers buy"):
            await bench.orders(shoppers, arguments.seconds, pg)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=("run", "processes"), default="run", help="one process, or one a service")
    parser.add_argument("--shoppers", type=int, nargs="+", default=[16], help="how many buy at once")
    parser.add_argument("--seconds", type=float, default=15, help="how long each figure is measured")
    parser.add_argument("--write", type=Path, help="append the table to this page")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="soko-bench-"))
    home.chmod(0o755)
    port = pick_port()
    shop = start_shop(home, port, arguments.mode)
    try:
        report = uvloop.run(measure(port, home, arguments, shop))
        report.show()
        if arguments.write:
            with arguments.write.open("a") as page:
                page.write(report.markdown() + "\n")
    finally:
        shop.send_signal(signal.SIGINT)
        shop.wait(30)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
