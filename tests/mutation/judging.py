"""Running a service's tests on one of its mutants: in a child process that imports the changed module as if it were so.

Everything but the service itself is imported before, once; a child costs its import of the service and the tests.
"""

import ast
import contextlib
import importlib.abc
import importlib.machinery
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Literal

import pytest

from tests.mutation.mutants import Mutant

Verdict = Literal["noticed", "survived"]

MOST_SECONDS = 120
"""Of the processor's time: whoever needs more runs in circles, which is noticed too."""

PYTEST = (
    *("-q", "-x", "--noconftest", "--tb=line", "-p", "no:cacheprovider"),
    *("-p", "thoroughness", "--hypothesis-profile=mutation"),
)


@dataclass
class Changed(importlib.machinery.SourceFileLoader):
    """Loads the module from this code, whatever its file says."""

    name: str
    path: str
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:
        return self.code


@dataclass(frozen=True)
class Instead(importlib.abc.MetaPathFinder):
    """Finds the changed module before anyone finds the real one."""

    loader: Changed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.loader.name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self.loader, origin=self.loader.path)


def run_tests(tests: Sequence[Path], log: Path, changed: Changed | None = None) -> int:
    """Start a child that runs ``tests``; its process id."""
    if pid := os.fork():
        return pid
    with contextlib.suppress(BaseException):
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        if changed is not None:
            sys.meta_path.insert(0, Instead(changed))
        status = int(pytest.main([*PYTEST, *map(str, tests)]))
        sys.stdout.flush()
        os._exit(status)
    os._exit(pytest.ExitCode.INTERNAL_ERROR)


def verdict(status: int, log: Path) -> Verdict:
    """What the child's end says. Raises RuntimeError where it says nothing about the tests."""
    if os.WIFSIGNALED(status):
        return "noticed"
    match os.WEXITSTATUS(status):
        case pytest.ExitCode.OK:
            return "survived"
        case pytest.ExitCode.TESTS_FAILED | pytest.ExitCode.INTERRUPTED:  # the latter: it cannot even be imported
            return "noticed"
        case other:
            raise RuntimeError(f"pytest ended with {other}:\n{log.read_text()}")


def judge(
    mutants: Sequence[Mutant], trees: dict[str, tuple[Path, ast.Module]], tests: Sequence[Path], jobs: int, logs: Path
) -> Iterator[tuple[Mutant, Verdict, float]]:
    """Each mutant with what the tests say of it and the seconds that took, ``jobs`` at a time."""
    waiting, running = list(reversed(mutants)), dict[int, tuple[Mutant, Path, float]]()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            path, tree = trees[mutant.module]
            with mutant.made():
                code = compile(ast.fix_missing_locations(tree), str(path), "exec")
            log = logs / f"{len(waiting)}.log"
            pid = run_tests(tests, log, Changed(mutant.module, str(path), code))
            running[pid] = mutant, log, time.monotonic()
        pid, status = os.wait()
        mutant, log, since = running.pop(pid)
        yield mutant, verdict(status, log), time.monotonic() - since
