"""What many histories came to."""

from collections import Counter

from soko.simulation.history import History


class Tally:
    """Sums over histories. ``failed`` are the seeds that ended in a breach."""

    def __init__(self) -> None:
        self.seeds = 0
        self.seconds = 0.0
        self.failed: list[int] = []
        self.counted: Counter[str] = Counter()
        self.hashes: dict[int, str] = {}

    def add(self, history: History) -> None:
        """One more."""
        self.seeds += 1
        self.seconds += history.seconds
        self.counted += history.tally
        self.hashes[history.seed] = history.hash
        if history.found:
            self.failed.append(history.seed)

    def lines(self) -> list[str]:
        """What to print: what happened how often, and how it ended."""
        counts = [f"{count:>7} {what}" for what, count in sorted(self.counted.items())]
        each = self.seconds / self.seeds if self.seeds else 0.0
        ended = (
            f"{len(self.failed)} ended in breaches: {', '.join(map(str, self.failed))}" if self.failed else "all well"
        )
        last = f"; hash {next(iter(self.hashes.values()))}" if self.seeds == 1 else ""
        return [*counts, f"{self.seeds} seeds, {each:.2f} s each, {ended}{last}"]
