"""Where the tests' PostgreSQL keeps its files: in memory where there is room, since tests make and drop thousands."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
ROOM = 4 * 2**30
NAME = "soko-test-"
LOCK = "in-use"


@contextmanager
def folder_for_tests() -> Iterator[Path]:
    """A new folder that any user may pass through. What a killed run left behind is deleted first."""
    parent = _parent()
    for left in parent.glob(f"{NAME}*"):
        _delete_if_forsaken(left)
    home = Path(tempfile.mkdtemp(prefix=NAME, dir=parent))
    home.chmod(0o755)
    with (home / LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield home
    shutil.rmtree(home, ignore_errors=True)


def _parent() -> Path:
    usable = IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM
    return IN_MEMORY if usable else Path(tempfile.gettempdir())


def _delete_if_forsaken(folder: Path) -> None:
    """Whoever uses it holds its lock, from before there are data until it ends in whatever way."""
    if not (folder / "data").exists():
        return
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)
