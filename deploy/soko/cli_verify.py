"""``soko verify``: whether what always holds does hold."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from soko.plainly import beside_the_shop
from soko.progress import Steps, console, steps
from soko.services import CARDSIM, SERVICES, variable

if TYPE_CHECKING:
    from soko.oracle import Report

out = Console(highlight=False, soft_wrap=True, markup=False)

BROKEN, NOT_AT_REST = 1, 2


def add_to(app: typer.Typer) -> None:
    app.command("verify")(verify)


def verify(
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until nothing is on its way.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON.")] = False,
) -> None:
    """Read every database and the simulated provider's ledger, and name each thing that should never be.

    It asks no service and changes nothing. Exit code 0: all rules hold. 1: something is broken, and named. 2: nothing
    broken was found, but the shop is not at rest: rules that hold only then were not looked at.
    """
    from soko import oracle

    with beside_the_shop():
        urls = {
            name: url for name in (*SERVICES, CARDSIM) if (url := os.environ.get(variable(name, "DATABASE_URL"), ""))
        }
        with steps() as shown:
            moving = asyncio.run(_rest(urls, wait, shown))
            report = asyncio.run(oracle.verify(urls, at_rest=not moving, watch=shown.step))
        if as_json:
            out.print(json.dumps(_told(report, moving), indent=2))
        else:
            _show(report, moving)
        if report.breaches:
            raise typer.Exit(BROKEN)
        if moving:
            raise typer.Exit(NOT_AT_REST)


async def _rest(urls: Mapping[str, str], wait: float, shown: Steps) -> list[str]:
    from soko import oracle

    if not wait:
        return await oracle.unrest(urls)
    with shown.step("Waiting until nothing is on its way"):
        return await oracle.rest(urls, wait)


def _show(report: "Report", moving: Sequence[str]) -> None:
    from soko.oracle import RULES

    for rule in report.checked:
        found = [breach for breach in report.breaches if breach.rule == rule]
        if found:
            out.print(f"{rule}: broken {report.counts[rule]} times. {RULES[rule]}", style="red")
        for breach in found:
            out.print(f"  {breach.about}: {breach.found}")
            out.print(f"    {'; '.join(breach.rows)}", style="dim")
        if len(found) < report.counts[rule]:
            out.print(f"  and {report.counts[rule] - len(found)} more")
    broken, looked = len(report.counts), f"{len(report.checked)} of {len(RULES)} rules"
    held = f"{broken} of them are broken" if broken else "all of them hold"
    out.print(f"Looked at {looked}, over {report.orders} orders: {held}.")
    if moving:
        console.print("The shop is not at rest, so rules that hold only then were not looked at:", style="yellow")
        for line in moving:
            console.print(f"  {line}", markup=False)
        console.print("--wait SECONDS waits for it.")


def _told(report: "Report", moving: Sequence[str]) -> dict[str, object]:
    return {
        "at_rest": not moving,
        "on_its_way": list(moving),
        "orders": report.orders,
        "rules": {rule: report.counts[rule] for rule in report.checked},
        "breaches": [
            {"rule": each.rule, "about": each.about, "found": each.found, "rows": each.rows} for each in report.breaches
        ],
    }
