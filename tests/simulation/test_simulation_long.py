"""An hour of histories on every core, from where the last hour ended: ``docs/simulation.json`` counts them."""

import json
import multiprocessing
import os
from datetime import UTC, datetime
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import pytest
from soko.simulation.runs import run_seeds

COUNTED = Path(__file__).parents[2] / "docs" / "simulation.json"
ENOUGH = 10_000
SECONDS = 60 * float(os.environ.get("SIMULATION_MINUTES", "60"))
EVERY = 25
"""Seeds between two looks into the file: so many an interruption loses at most."""

Told = SimpleQueue[tuple[int, list[str]] | None]


def play(seeds: range, told: Told) -> None:
    """One core's share of the seeds, on a ground of its own; None at its end."""
    try:
        run_seeds(seeds, lambda history: told.put((history.seed, history.found)), seconds=SECONDS)
    finally:
        told.put(None)


@pytest.mark.long
def test_ten_thousand_histories_end_well_over_all_hours() -> None:
    counted: dict[str, Any] = json.loads(COUNTED.read_text())
    if counted["seeds"] >= ENOUGH:
        pytest.skip(f"{counted['seeds']} seeds are counted in {COUNTED.name}: enough")
    run = {"began": datetime.now(UTC).isoformat(timespec="seconds"), "first": counted["next"], "seeds": 0, "failed": []}
    counted["runs"].append(run)
    first, cores = counted["next"], os.cpu_count() or 1
    end = first + ENOUGH - counted["seeds"]
    found: list[str] = []
    spawn = multiprocessing.get_context("spawn")
    told: Told = spawn.SimpleQueue()
    players = [spawn.Process(target=play, args=(range(first + core, end, cores), told)) for core in range(cores)]
    for player in players:
        player.start()
    left = cores
    while left:
        news = told.get()
        if news is None:
            left -= 1
            continue
        seed, breaches = news
        counted["seeds"] += 1
        counted["next"] = max(counted["next"], seed + 1)
        run["seeds"] += 1
        if breaches:
            run["failed"].append(seed)
            found.extend(f"seed {seed}: {line}" for line in breaches)
        if run["seeds"] % EVERY == 0:
            COUNTED.write_text(json.dumps(counted, indent=1) + "\n")
    COUNTED.write_text(json.dumps(counted, indent=1) + "\n")
    for player in players:
        player.join()
    assert not found, "\n".join(found)
    assert not any(player.exitcode for player in players)
