"""Showing what takes longer than a second: a line a step, with a bar where the length is known."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console(stderr=True, highlight=False)

Tell = Callable[[int, int], None]
"""Told how much is done, and how much there is."""


class Steps:
    """Steps shown under each other; each is an ordinary ``with``."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    @contextmanager
    def step(self, what: str, total: int | None = None) -> Iterator[Tell]:
        """One step. What is yielded moves its bar."""
        task = self._shown.add_task(what, total=total)

        def tell(done: int, of: int) -> None:
            self._shown.update(task, completed=done, total=of)

        yield tell
        length = self._shown.tasks[task].total or 1
        self._shown.update(task, completed=length, total=length)

    def end(self) -> None:
        """Show no more steps: what follows is ordinary output."""
        self._shown.stop()


@contextmanager
def steps() -> Iterator[Steps]:
    """A block of steps, shown while they run; where there is no terminal, each is printed when it ends."""
    columns = (
        SpinnerColumn(finished_text="[green]done[/green]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=False) as shown:
        yield Steps(shown)
