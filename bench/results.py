"""The targets, the page and the plots, made from what was measured."""

from collections.abc import Sequence
from pathlib import Path

from bench.parts import MODES, Measured
from bench.plots import bars
from bench.tables import PERCENTS, Table, milliseconds, write

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PLOTS = "benchmarks"
TITLES = {
    "limits": "What the machine can do, beside each shop",
    "orders-run": "Orders, one process; times in ms",
    "cpu-run": "What an order costs, one process",
    "orders-processes": "Orders, a process a service, over RabbitMQ; times in ms",
    "cpu-processes": "What an order costs, over RabbitMQ",
    "reads": "Requests, one process; times in ms",
    "catalog": "The catalog's service, nothing from its cache; times in ms",
    "filling": "Demo products, by `soko seed`",
    "hot": "A hot SKU; times in ms",
    "flash": "A flash sale; times in ms",
    "gateway": "The gateway's own share, processes; times in ms",
    "stores": "Store and couriers",
    "memory": "Memory, after all orders",
}


def targets(measured: Measured) -> Table:
    """Each target beside what was measured; left out where its part was not run."""
    rates = measured.rates
    table = Table("targets", ["target", "wanted", "measured", "met"])

    def at_least(what: str, name: str, wanted: float) -> None:
        if name in rates:
            table.add(what, f">= {wanted:,.0f}", rates[name], "yes" if rates[name] >= wanted else "no")

    def at_most(what: str, figure: float | None, wanted: float) -> None:
        if figure is not None:
            table.add(what, f"<= {wanted:,.0f}", figure, "yes" if figure <= wanted else "no")

    at_least("settled orders/s, one process, 16 shoppers", "run 16", 285)
    at_least("settled orders/s, one process, 64 shoppers", "run 64", 450)
    best = max((rates[name] for name in rates if name.startswith("processes ")), default=None)
    if best is not None:
        table.add("settled orders/s, processes over RabbitMQ", ">= 150", best, "yes" if best >= 150 else "no")
    at_least("product list, requests/s", "list, a page of 20", 2200)
    at_least("product detail, requests/s", "detail", 2200)
    at_most("p95 of a filtered search in 100,000 products, ms", rates.get("search with two filters of 100000"), 50)
    if "all on one SKU" in rates:
        part = rates["all on one SKU"] / rates["spread over 100 SKUs"] * 100
        table.add("orders of a hot SKU, % of spread", ">= 90", part, "yes" if part >= 90 else "no")
    if "flash confirmed" in rates:
        confirmed = rates["flash confirmed"]
        table.add("flash sale: of 100 units, sold", "100", confirmed, "yes" if confirmed == 100 else "no")
    if ("run", 16) in measured.bought:
        at_most("p99 of the flow, one process, 16 shoppers, ms", milliseconds(measured.bought["run", 16].flows)[2], 100)
    at_most("MiB of the one-process shop with its database", rates.get("memory run"), 400)
    return table


def plots(measured: Measured) -> dict[str, str]:
    """SVG by file name."""
    made, bought = {}, measured.bought
    counts = sorted({count for _, count in bought})
    if counts:
        groups = {
            f"{count} shopper{'s' * (count > 1)}": [
                bought[mode, count].rate if (mode, count) in bought else None for mode in MODES
            ]
            for count in counts
        }
        made["orders.svg"] = bars("Settled orders", "orders/s", groups, list(MODES.values()))
    for mode, name in MODES.items():
        flows = {
            f"{count} shoppers": milliseconds(bought[mode, count].flows) for count in counts if (mode, count) in bought
        }
        if flows:
            made[f"flow-{mode}.svg"] = bars(f"Whole flow, {name}", "ms", flows, [f"p{one}" for one in PERCENTS])
        costs = {f"{count} shoppers": bought[mode, count].cpu for count in counts if (mode, count) in bought}
        if costs:
            parts = [
                part
                for part in ("shop", "PostgreSQL", "RabbitMQ", "client")
                if any(part in one for one in costs.values())
            ]
            groups = {count: [cost.get(part) for part in parts] for count, cost in costs.items()}
            made[f"cpu-{mode}.svg"] = bars(f"What an order costs, {name}", "CPU ms", groups, parts)
    reads = measured.tables.get("reads")
    if reads:
        groups = {row[0]: [measured.rates[row[0]]] for row in reads.rows}
        made["requests.svg"] = bars("Requests, one process, 16 connections", "requests/s", groups, ["requests/s"])
    return made


def sections(measured: Measured, machine: str) -> list[tuple[str, str]]:
    """What goes between which markers of the page."""
    made = [("machine", machine)]
    found = targets(measured)
    if found.rows:
        made.append((found.name, found.markdown()))
    for name, title in TITLES.items():
        if name in measured.tables:
            made.append((name, f"### {title}\n\n{measured.tables[name].markdown()}"))
    return made


def publish(measured: Measured, machine: str, page: Path = PAGE) -> None:
    """Write the tables between the page's markers, and the plots beside it."""
    folder = page.parent / PLOTS
    folder.mkdir(exist_ok=True)
    drawn = plots(measured)
    for name, svg in drawn.items():
        (folder / name).write_text(svg)
    shown = shown_plots(sorted(path.name for path in folder.glob("*.svg")))
    write(page, [*sections(measured, machine), ("plots", shown)])


def shown_plots(names: Sequence[str]) -> str:
    return "\n".join(f"![{name.removesuffix('.svg')}]({PLOTS}/{name})" for name in names)
