"""``make bench``: a shop of its own, shoppers that buy, and what stands in the way of more.

Each figure stands beside its limit in the same run, since machines differ and are shared: trust the shares, and the
CPU that an order costs.
"""

import argparse
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from bench import parts
from bench.flash import measure_flash
from bench.parts import Measured
from bench.results import TITLES, publish, targets
from bench.shop import Shop, open_shop
from bench.tables import Table, console

Part = Callable[[Measured, Shop, str], Awaitable[None]]

ONE: dict[str, Part] = {
    "orders": parts.measure_orders,
    "memory": parts.measure_memory,
    "limits": parts.measure_limits,
    "hot": parts.measure_hot,
    "flash": measure_flash,
    "reads": parts.measure_reads,
    "catalog": parts.measure_catalog,
    "carts": parts.measure_carts,
    "stores": parts.measure_stores,
}
MANY: dict[str, Part] = {
    "orders": parts.measure_orders,
    "memory": parts.measure_memory,
    "limits": parts.measure_limits,
    "gateway": parts.measure_gateway,
    "stores": parts.measure_stores,
}
SHOPPERS, QUICK_SHOPPERS = (1, 16, 64, 200), (16, 64)
SECONDS, QUICK_SECONDS = 12.0, 4.0


async def measure(modes: Sequence[str], wanted: Sequence[str], measured: Measured) -> None:
    for mode in modes:
        todo = {name: part for name, part in (ONE if mode == "run" else MANY).items() if not wanted or name in wanted}
        if not todo:
            continue
        measured.enter()
        measured.tell(f"a shop opens: {parts.MODES[mode]}")
        async with open_shop(mode) as shop:
            opened = measured.table("opened", "first start, with 1,000 products", "s")
            opened.add(parts.MODES[mode], shop.opened)
            for part in todo.values():
                await part(measured, shop, mode)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer shoppers, shorter")
    parser.add_argument("--part", nargs="+", default=[], choices=sorted({*ONE, *MANY}), help="these parts only")
    parser.add_argument("--mode", nargs="+", default=list(parts.MODES), choices=parts.MODES, help="these shops only")
    parser.add_argument("--shoppers", type=int, nargs="+", help="how many buy at once")
    parser.add_argument("--seconds", type=float, help="how long each figure of orders is measured")
    parser.add_argument("--write", action="store_true", help="put tables and plots into docs/")
    arguments = parser.parse_args()
    quick = arguments.quick
    measured = Measured(
        seconds=arguments.seconds or (QUICK_SECONDS if quick else SECONDS),
        shoppers=arguments.shoppers or (QUICK_SHOPPERS if quick else SHOPPERS),
    )
    machine = parts.machine()
    console.print(machine, soft_wrap=True)
    uvloop.run(measure(arguments.mode, arguments.part, measured))
    shown: list[Table] = [measured.tables[name] for name in ("opened", *TITLES) if name in measured.tables]
    for table in (*shown, targets(measured)):
        if table.rows:
            table.show()
    if arguments.write:
        publish(measured, machine)


if __name__ == "__main__":
    main()
