"""An hour of histories on every core, from where the last hour ended: ``docs/simulation.json`` counts them."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from soko.simulation.cores import play_on_every_core

COUNTED = Path(__file__).parents[2] / "docs" / "simulation.json"
ENOUGH = 10_000
SECONDS = 60 * float(os.environ.get("SIMULATION_MINUTES", "60"))
EVERY = 25
"""Seeds between two looks into the file: so many an interruption loses at most."""


@pytest.mark.long
def test_ten_thousand_histories_end_well_over_all_hours() -> None:
    counted: dict[str, Any] = json.loads(COUNTED.read_text())
    if counted["seeds"] >= ENOUGH:
        pytest.skip(f"{counted['seeds']} seeds are counted in {COUNTED.name}: enough")
    first = counted["next"]
    run = {"began": datetime.now(UTC).isoformat(timespec="seconds"), "first": first, "seeds": 0, "failed": []}
    counted["runs"].append(run)
    found: list[str] = []
    for seed, breaches in play_on_every_core(range(first, first + ENOUGH - counted["seeds"]), seconds=SECONDS):
        counted["seeds"] += 1
        counted["next"] = max(counted["next"], seed + 1)
        run["seeds"] += 1
        if breaches:
            run["failed"].append(seed)
            found.extend(f"seed {seed}: {line}" for line in breaches)
        if run["seeds"] % EVERY == 0:
            COUNTED.write_text(json.dumps(counted, indent=1) + "\n")
    COUNTED.write_text(json.dumps(counted, indent=1) + "\n")
    assert not found, "\n".join(found)
