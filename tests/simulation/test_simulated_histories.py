"""Histories that chance plays: the same chance the same history, and none ends in a breach."""

import inspect
import os
import random
import subprocess
import sys
from collections.abc import Iterable

from chassis.faults import POINTS
from soko.simulation.chance import KINDS
from soko.simulation.history import History
from soko.simulation.report import Tally
from soko.simulation.runs import run_seeds
from soko.simulation.shoppers import Shopper
from soko.simulation.staff import Staff

KNOWN = (6, 7, 7374, 8187)
"""Seeds that ended badly once, by mistakes of the simulation: 6 while a count had found units of a confirmed order
missing, 7 while a service that had died was heard on behalf of the one that came after it, 7374 because nobody gave
the feed's last events their positions, 8187 because the oracle took units of a SKU from two locations for too
few."""

AT_LEAST = 20
SECONDS = 180
NO_ACTIONS = {"actions", "act", "ask", "press", "log_in", "make_good"}


def played(seeds: Iterable[int], seconds: float | None = None) -> Tally:
    """Play them; a seed that ends in a breach fails the test with what was found."""
    tally, found = Tally(), list[str]()

    def tell(history: History) -> None:
        tally.add(history)
        found.extend(f"seed {history.seed}: {line}" for line in history.found)

    run_seeds(seeds, tell, seconds=seconds)
    assert not found, "\n".join(found)
    return tally


def actions(person: type) -> set[str]:
    """What somebody of this kind may do, as the tally says it."""
    names = {name for name, _ in inspect.getmembers(person, inspect.iscoroutinefunction) if not name.startswith("_")}
    return {f"{person.__name__.lower()}: {name.replace('_', ' ')}" for name in names - NO_ACTIONS}


def test_a_seed_played_again_is_the_same_history_hash_for_hash() -> None:
    hashes: list[str] = []
    run_seeds([3, 4, 5, 3, 4, 5], lambda history: hashes.append(history.hash))
    assert hashes[:3] == hashes[3:]
    assert len(set(hashes)) == 3


def test_another_process_with_other_hashes_of_text_plays_the_same_history() -> None:
    def last_line(hash_seed: str) -> str:
        command = [sys.executable, "-m", "soko", "simulate", "--seed", "3"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()[-1].rpartition("hash ")[2]

    assert last_line("1") == last_line("2") != ""


def test_seeds_that_ended_in_a_breach_once_end_well() -> None:
    played(KNOWN)


def test_every_kind_of_action_and_misfortune_occurs_in_thirty_seeds() -> None:
    counted = played(range(1, 31)).counted
    expected = actions(Shopper) | actions(Staff) | set(KINDS)
    assert expected - set(counted) == set()
    assert {point for point in POINTS if f"crash at a point: {point}" in counted} >= POINTS - {"call.leased"}
    assert {"placed", "confirmed", "cancelled: by_customer", "cancelled: payment_timeout"} <= set(counted)


def test_histories_nobody_has_played_before_end_well() -> None:
    """As many as fit in three minutes, from a seed that is drawn anew each time and printed."""
    first = random.randrange(1_000_000, 1_000_000_000)
    print(f"from seed {first} on")
    tally = played(range(first, first + AT_LEAST))
    if tally.seconds < SECONDS:
        played(range(first + AT_LEAST, first + 10_000), SECONDS - tally.seconds)
