"""The command that plays the shop's histories."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from soko.plainly import plainly
from soko.progress import console

if TYPE_CHECKING:
    from soko.simulation.history import History

Seed = Annotated[int, typer.Option(min=1, help="The first seed. The same seed plays the same history.")]
Runs = Annotated[int, typer.Option(min=1, help="How many seeds, one after the other.")]
Home = Annotated[
    Path | None, typer.Option(help="A folder where the simulation's own PostgreSQL is kept; else one that goes again.")
]
Show = Annotated[bool, typer.Option("--trace", help="Print every line of each history.")]


def add_to(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(seed: Seed = 1, runs: Runs = 1, home: Home = None, trace: Show = False) -> None:
    """Play the whole shop in one process, on a virtual clock, with everything accidental drawn from a seed.

    Customers and staff act over HTTP while processes crash, messages come late or twice, the card gateway is silent and
    database commits fail. Then all of it ends, time goes on until nothing is left to do, and the databases are checked
    against each other. A seed that ends in a breach is printed, and plays the same history again.
    """
    from soko.simulation.report import Tally
    from soko.simulation.runs import run_seeds

    tally = Tally()
    columns = (TextColumn("Playing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with plainly(), Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        bar = shown.add_task("", total=runs)

        def tell(history: "History") -> None:
            tally.add(history)
            shown.advance(bar)
            if trace:
                print("\n".join(history.lines))
            if history.found:
                console.print(f"Seed {history.seed} ends in breaches:", style="red")
                for line in history.found:
                    console.print(f"  {line}", markup=False, soft_wrap=True)
                console.print(f"  Again, with its history: soko simulate --seed {history.seed} --trace")

        run_seeds(range(seed, seed + runs), tell, home=home)
    for line in tally.lines():
        print(line)
    if tally.failed:
        raise typer.Exit(1)
