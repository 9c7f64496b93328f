"""What was measured, as tables: for the terminal, and for a page that keeps the prose around them."""

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table as Shown

console = Console()

PERCENTS = (50, 95, 99)


@dataclass
class Table:
    """``name`` is the marker of its place in the page; the first column of ``rows`` says what was measured."""

    name: str
    columns: Sequence[str]
    rows: list[list[str]] = field(default_factory=list)

    def add(self, what: str, *cells: float | str | None) -> None:
        """One row; None is an empty cell, and so is what is left out at the end."""
        row = [what, *(cell(value) for value in cells)]
        self.rows.append(row + [""] * (len(self.columns) - len(row)))

    def show(self) -> None:
        shown = Shown(*self.columns, title=self.name)
        for row in self.rows:
            shown.add_row(*row)
        console.print(shown)

    def markdown(self) -> str:
        lines = [list(self.columns), ["---", *["---:"] * (len(self.columns) - 1)], *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: float | str | None) -> str:
    """A figure with as many digits as mean something."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def share(figure: float, limit: float) -> str:
    """A figure as a part of its limit: ``31% of 41,210``."""
    return f"{figure / limit:.1%} of {limit:,.0f}"


def milliseconds(seconds: Sequence[float]) -> list[float | None]:
    """p50, p95 and p99; nothing where too few were measured to say."""
    if len(seconds) < 2:
        return [None for _ in PERCENTS]
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return [cuts[percent - 1] * 1000 for percent in PERCENTS]


def write(page: Path, parts: Iterable[tuple[str, str]]) -> None:
    """Put each text between its markers, ``<!-- bench:name -->`` and ``<!-- /bench -->``; a new one goes to the end."""
    text = page.read_text()
    for name, part in parts:
        block = f"<!-- bench:{name} -->\n{part}\n<!-- /bench -->"
        place = re.compile(rf"<!-- bench:{re.escape(name)} -->\n.*?<!-- /bench -->", re.DOTALL)
        found = place.search(text)
        before, after = (text[: found.start()], text[found.end() :]) if found else (f"{text.rstrip()}\n\n", "\n")
        text = before + block + after
    page.write_text(text)
