"""Seed after seed, on one ground."""

import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from identity import passwords
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from soko.simulation.clock import VirtualLoop, run
from soko.simulation.gate import Gate
from soko.simulation.ground import Ground
from soko.simulation.history import History, play
from soko.simulation.opening import open_shop

Tell = Callable[[History], None]


def run_seeds(seeds: Iterable[int], tell: Tell, *, home: Path | None = None, seconds: float | None = None) -> None:
    """Play these seeds, ``tell`` what became of each, and begin none after so many ``seconds``.

    ``home`` is where the server is kept for the next time; without it a folder is made, and gone afterwards.
    """
    until = None if seconds is None else time.monotonic() + seconds
    with _folder(home) as folder, _silence(), _cheap_passwords():
        ground = Ground(folder)
        ground.start()
        try:

            async def main(loop: VirtualLoop) -> None:
                async for history in _played(ground, loop, seeds, until):
                    tell(history)

            run(main)
        finally:
            ground.stop()


async def _played(
    ground: Ground, loop: VirtualLoop, seeds: Iterable[int], until: float | None
) -> AsyncIterator[History]:
    gate = Gate(loop)
    await ground.open(loop, gate)
    try:
        await ground.empty()
        await open_shop(ground, loop)
        await ground.mark()
        for seed in seeds:
            if until is not None and time.monotonic() > until:
                return
            yield await play(seed, ground, gate, loop)
    finally:
        await ground.close()


@contextmanager
def _folder(home: Path | None) -> Any:
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
        yield home
        return
    made = Path(tempfile.mkdtemp(prefix="soko-simulation-"))
    made.chmod(0o755)  # the server may run as another user
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _silence() -> Any:
    """What services log about misfortunes is no news here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _cheap_passwords() -> Any:
    """Nobody guesses here, and honest hashes took a sixth of the time of all histories."""
    before = passwords.HASHER
    passwords.HASHER = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    try:
        yield
    finally:
        passwords.HASHER = before
