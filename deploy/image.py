"""What goes into the image of one service; the Dockerfile asks. Needs Python 3.11 and nothing else.

``image.py requirements SERVICE`` prints that service's part of ``requirements.lock``, hashes included.
``image.py packages SERVICE`` copies its code to where this Python looks for packages.
"""

import compileall
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
SERVICES = ("identity", "catalog", "cart", "inventory", "payment", "order", "notification")
IMAGES = (*SERVICES, "gateway", "cardsim", "soko")
"""``cardsim`` is the simulated card gateway, ``soko`` the command: it knows everything, so it holds everything."""


@dataclass
class Locked:
    """One package of the lock: its lines, and the packages that asked for it."""

    lines: list[str] = field(default_factory=list)
    needed_by: set[str] = field(default_factory=set)


def members(service: str) -> set[str]:
    """The workspace's packages in this image."""
    shared = {"soko-contracts", "soko-chassis"}
    if service == "soko":
        return shared | {"soko", "soko-gateway"} | {f"soko-{name}" for name in SERVICES}
    return shared if service == "cardsim" else shared | {f"soko-{service}"}


def folders(service: str) -> Iterator[Path]:
    """Where those packages' code is."""
    yield ROOT / "libs" / "contracts" / "soko_contracts"
    yield ROOT / "libs" / "chassis" / "chassis"
    for name in SERVICES if service == "soko" else (service,):
        if name in SERVICES:
            yield ROOT / "services" / name / name
    if service in ("soko", "gateway"):
        yield ROOT / "gateway" / "gateway"
    if service in ("soko", "gateway", "cardsim"):  # soko.part starts the last two
        yield ROOT / "deploy" / "soko"


def read(lock: str) -> Mapping[str, Locked]:
    """The lock's packages by name. uv notes after each what it is there for: ``# via``."""
    packages: dict[str, Locked] = {}
    current = Locked()
    for line in lock.splitlines():
        if named := re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]]*\])?==", line):
            current = packages.setdefault(named[1], Locked())
        if parent := re.match(r"    #(?: via)? +(?!via)([A-Za-z0-9._-]+)$", line):
            current.needed_by.add(parent[1])
        if not line.lstrip().startswith("#"):
            current.lines.append(line)
    return packages


def requirements(lock: str, service: str) -> str:
    """The part of the lock that ``service`` needs, whatever those need included."""
    packages = read(lock)
    inside = members(service)
    while more := {name for name, locked in packages.items() if name not in inside and locked.needed_by & inside}:
        inside |= more
    return "".join(f"{line}\n" for name, locked in packages.items() if name in inside for line in locked.lines)


def copy(service: str, into: Path) -> None:
    """Put the code of the image's packages into ``into``."""
    for folder in folders(service):
        shutil.copytree(folder, into / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(into / folder.name, quiet=1)


def main(arguments: list[str]) -> int:
    """0 when done, 2 when called otherwise than the page above says."""
    match arguments:
        case ["requirements", service] if service in IMAGES:
            sys.stdout.write(requirements(LOCK.read_text(), service))
        case ["packages", service] if service in IMAGES:
            copy(service, Path(sysconfig.get_path("purelib")))
        case _:
            sys.stderr.write(f"image.py requirements|packages SERVICE: {', '.join(IMAGES)}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
