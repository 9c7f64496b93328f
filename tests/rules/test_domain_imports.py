"""A domain imports the standard library, the contracts and the decider: what it decides needs nothing else."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.parent for path in ROOT.glob("services/*/*/__init__.py"))
ALLOWED = ("soko_contracts", "chassis.decider")
IMPURE = {"asyncio", "os", "pathlib", "random", "secrets", "socket", "time"}
STATE_STORED = {"identity", "catalog", "notification"}
"""Their rules are pure functions too, but no deciders."""


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, with names imported from packages as possible modules."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(module: str, package: Path) -> Path | None:
    """The file of a module inside the service, if that is what the name means."""
    path = package.parent.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def domain_files(package: Path) -> set[Path]:
    """``domain`` and whatever of its own service it reaches."""
    start = [path for path in (package / "domain.py", *package.glob("domain/*.py")) if path.is_file()]
    reached, left = set[Path](), list(start)
    while left:
        path = left.pop()
        if path not in reached:
            reached.add(path)
            left += [
                found
                for module in imported(path)
                if module.split(".")[0] == package.name and (found := file_of(module, package))
            ]
    return {path for path in reached if path.name != "__init__.py" or path.parent != package}


@pytest.mark.parametrize("package", SERVICES, ids=lambda path: path.name)
def test_a_domain_imports_nothing_but_words_and_rules(package: Path) -> None:
    for path in domain_files(package):
        for module in imported(path):
            top = module.split(".")[0]
            allowed = top == package.name or top in sys.stdlib_module_names or module.startswith(ALLOWED)
            assert allowed or module == "chassis", f"{path.relative_to(ROOT)} imports {module}"
            assert top not in IMPURE, f"{path.relative_to(ROOT)} imports {module}: a domain has no clock, ids or I/O"


def test_every_event_sourced_service_has_a_domain() -> None:
    assert {path.name for path in SERVICES if domain_files(path)} >= {path.name for path in SERVICES} - STATE_STORED
