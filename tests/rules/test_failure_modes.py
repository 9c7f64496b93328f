"""The page of what breaks names tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("libs", "services", "gateway", "deploy", "tests")
NAMED = sorted(set(re.findall(r"`(\w+\.py)::(\w+)`", (ROOT / "docs" / "failure-modes.md").read_text())))


@cache
def paths() -> dict[str, list[Path]]:
    """Every file of tests by its name."""
    found = dict[str, list[Path]]()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("test_*.py"):
            found.setdefault(path.name, []).append(path)
    return found


@cache
def defined_in(file: str) -> set[str]:
    (path,) = paths()[file]
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_the_page_names_exists(file: str, test: str) -> None:
    assert test in defined_in(file)


def test_the_page_names_tests_in_every_row() -> None:
    page = (ROOT / "docs" / "failure-modes.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| what"))]
    assert len(rows) > 70
    assert [row for row in rows if not re.search(r"::test_|by hand|untested", row.rpartition(" | ")[2])] == []
