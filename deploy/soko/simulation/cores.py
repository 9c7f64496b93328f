"""Seeds played by a process on each core, every process on a ground of its own."""

import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait

from soko.simulation.runs import run_seeds

Ended = tuple[int, list[str]]
"""A seed, and the breaches that its history ended in."""


def play_on_every_core(seeds: range, *, seconds: float) -> Iterator[Ended]:
    """What became of each of ``seeds``, as they end; none is begun after so many ``seconds``.

    Raises RuntimeError at the end when a process did not get to its own.
    """
    spawn = multiprocessing.get_context("spawn")
    cores = os.cpu_count() or 1
    players, reading = [], set[Connection]()
    for core in range(cores):
        mine, its = spawn.Pipe(duplex=False)
        player = spawn.Process(target=_play, args=(seeds[core::cores], its, seconds))
        player.start()
        its.close()  # so that a player's death ends its pipe
        players.append(player)
        reading.add(mine)
    while reading:
        for told in wait(list(reading)):
            assert isinstance(told, Connection)
            try:
                yield told.recv()
            except EOFError:
                reading.discard(told)
    for player in players:
        player.join()
    if any(player.exitcode for player in players):
        raise RuntimeError("a player of seeds died: its last words stand above")


def _play(seeds: range, told: "Connection[Ended, None]", seconds: float) -> None:
    run_seeds(seeds, lambda history: told.send((history.seed, history.found)), seconds=seconds)
