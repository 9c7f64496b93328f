"""Commands that look into services and repair them."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from soko.plainly import beside_the_shop
from soko.progress import console, steps
from soko.services import SERVICES, known

dead_letters = typer.Typer(help="Messages and calls that were given up.", no_args_is_help=True)
views = typer.Typer(help="What services show, made from their events.", no_args_is_help=True)
jobs = typer.Typer(help="Recurring jobs.", no_args_is_help=True)
out = Console(highlight=False, soft_wrap=True)

One = Annotated[str, typer.Argument(help="The service.")]
Some = Annotated[list[str] | None, typer.Option("--service", help="Only this service; all, where it is left out.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(dead_letters, name="dead-letters")
    app.add_typer(views, name="views")
    app.add_typer(jobs, name="jobs")
    app.command("events")(show_events)
    app.command("republish")(republish)


def _chosen(services: list[str] | None) -> Sequence[str]:
    return [known(name) for name in services] if services else SERVICES


@dead_letters.command("list")
def list_dead_letters(service: Some = None) -> None:
    """What is parked, oldest first."""
    from soko import operations

    with beside_the_shop():
        found = asyncio.run(operations.dead_letters(_chosen(service)))
        table = Table("id", "what", "for", "key", "tries", "parked", "error", box=None)
        for letter in found:
            row = letter.row
            handler, error = str(row["handler"]), str(row["error"] or "")
            table.add_row(
                letter.id, row["name"], handler, row["key"], str(row["tries"]), moment(row["parked_at"]), error
            )
        out.print(table if found else "Nothing is parked.")


@dead_letters.command("show")
def show_dead_letter(id_: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """One of them whole, without what is personal or secret."""
    from soko import operations

    with beside_the_shop():
        service = known(id_.partition("-")[0])
        found = [letter for letter in asyncio.run(operations.dead_letters([service])) if letter.id == id_]
        if not found:
            raise operations.missing_letter(id_)
        for name, value in found[0].row.items():
            out.print(f"{name:<14} {readable(value) if name == 'data' else value}", markup=False)


@dead_letters.command("replay")
def replay_dead_letters(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every one of them.")] = False,
) -> None:
    """Try them again, from the first try."""
    from soko import operations

    with beside_the_shop():
        chosen = list(ids or [])
        if everything:
            chosen = [letter.id for letter in asyncio.run(operations.dead_letters(SERVICES))]
        for each in chosen:
            asyncio.run(operations.settle_dead_letter(each, replay=True))
        out.print(f"{len(chosen)} will be tried again.")


@dead_letters.command("drop")
def drop_dead_letters(ids: Annotated[list[str], typer.Argument(metavar="ID")]) -> None:
    """Give them up for good; what waited behind them goes on."""
    from soko import operations

    with beside_the_shop():
        for each in ids:
            asyncio.run(operations.settle_dead_letter(each, replay=False))
        out.print(f"{len(ids)} dropped.")


@views.command("rebuild")
def rebuild_views(service: One) -> None:
    """Make a service's views anew from its events, beside live traffic."""
    from soko import operations

    with beside_the_shop():
        with steps() as shown, shown.step(f"Reading {service}'s events") as tell:
            rebuilt = asyncio.run(operations.rebuild(service, tell))
        for each in rebuilt:
            difference = "differed from what stood there" if each.differed else "the same as before"
            out.print(f"{each.table}: {each.rows} rows, {difference}")
        if not rebuilt:
            out.print(f"{service} has no views made from events.")


@jobs.command("list")
def list_jobs(service: Some = None) -> None:
    """Every job, when it ran last and what came of it."""
    from soko import operations

    with beside_the_shop():
        table = Table("service", "job", "next", "last", "result", box=None)
        for name, row in asyncio.run(operations.jobs(_chosen(service))):
            result = row["last_error"] or row["last_result"] or ""
            upcoming = moment(row["next_at"]) if row["enabled"] else "disabled"
            table.add_row(name, row["name"], upcoming, moment(row["last_finished_at"]), result)
        out.print(table)


@jobs.command("run")
def run_job(service: One, job: Annotated[str, typer.Argument(help="The job's name.")]) -> None:
    """Run a job now and say what came of it."""
    from soko import operations

    with beside_the_shop() as (home, _):
        row = asyncio.run(operations.run_job(home, service, job))
        out.print(row["last_error"] or row["last_result"] or "Done.", markup=False)
        if row["last_error"]:
            raise typer.Exit(1)


def republish(
    service: One,
    to: Annotated[str, typer.Option(help="The service that gets them, and nobody else.")],
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only events of this type.")] = None,
) -> None:
    """Give a service the events that another has published, once more; what it has seen it leaves out."""
    from soko import operations

    with beside_the_shop():
        with steps() as shown, shown.step(f"Reading what {service} has published") as tell:
            sent = asyncio.run(operations.republish(service, known(to), kind or [], tell))
        out.print(f"{sent} events were given to {to}.")


def show_events(
    service: One,
    stream: Annotated[str | None, typer.Option(help="One stream: its name, or its id.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing what comes.")] = False,
    newest: Annotated[int, typer.Option(min=1, max=100_000, help="How many to begin with.")] = 50,
) -> None:
    """Show a service's own events, newest last."""

    def show(row: Any) -> None:
        at = row["recorded_at"].strftime("%H:%M:%S.%f")[:-3]
        out.print(f"{row['position']:>8} {at} {row['stream']} {row['version']} ", end="", style="dim", markup=False)
        out.print(f"{row['type']} {readable(row['data'])}", markup=False)

    from soko import operations

    with beside_the_shop():
        try:
            asyncio.run(operations.events(service, stream, follow, newest, show))
        except KeyboardInterrupt:
            console.print()


def moment(at: datetime | None) -> str:
    """A time as lists show it."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def readable(data: str | dict[str, Any] | list[Any]) -> str:
    """JSON in one line."""
    return json.dumps(json.loads(data) if isinstance(data, str) else data, ensure_ascii=False, default=str)
