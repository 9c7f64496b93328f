"""Changes the domains of order, payment and inventory in every small way, one at a time, and runs their tests.

``python -m tests.mutation [SERVICE ...] [--only PATTERN]``. Exit 1 when a change goes unnoticed that
``docs/mutation.md`` does not explain, or when that page explains one that is noticed by now.
"""

import argparse
import ast
import gc
import importlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from tests.mutation.judging import judge, run_tests, verdict
from tests.mutation.mutants import mutants

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mutation.md"
JOBS = 2

DOMAINS = {
    "order": (
        "domain",
        "by_hand",
        "coupons",
        "refunds",
        "fulfilment",
        "state",
        "reactions",
        "money",
        "shipments",
        "totals",
        "values",
    ),
    "payment": ("domain.commands", "domain.news", "domain.rules", "domain.state"),
    "inventory": (
        *("domain.stock", "domain.shelves", "domain.costing", "domain.location", "domain.holding", "domain.listing"),
        *("domain.reservation", "domain.reservation_events"),
    ),
}
DRAWING = ("interleavings", "machine")
IMPORTED_BEFORE = ("chassis.aggregate", "chassis.service", "chassis.testing", "hypothesis.stateful", "journal")


def explained() -> set[str]:
    """The mutants that the page says nothing can notice: those that begin a line of a list."""
    return set(re.findall(r"^- `(.+?)`: ", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def tests_of(service: str) -> list[Path]:
    """The tests of its domain: those that need no database, and so await nothing; those that draw commands last."""
    found = (ROOT / "services" / service / "tests").glob("test_*.py")
    return sorted(
        (path for path in found if "async def test_" not in path.read_text(encoding="utf-8")),
        key=lambda path: (path.stem.endswith(DRAWING), path),
    )


def main() -> int:
    """As the command says."""
    wanted = argparse.ArgumentParser(prog="mutation", description=__doc__)
    wanted.add_argument("service", nargs="*", choices=[[], *DOMAINS], default=[])
    wanted.add_argument("--only", default="", help="only those whose name matches this pattern")
    asked = wanted.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    for module in IMPORTED_BEFORE:
        importlib.import_module(module)
    os.nice(10)
    gc.freeze()
    known, unexplained = explained(), list[str]()
    survivors, seen = set[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        for service in asked.service or DOMAINS:
            tests = tests_of(service)
            began, log = time.monotonic(), Path(folder) / "unchanged.log"
            if verdict(os.waitpid(run_tests(tests, log), 0)[1], log) != "survived":
                print(log.read_text(), f"the tests of {service} fail without any change", sep="\n")
                return 2
            print(f"{service}: {time.monotonic() - began:.0f} s unchanged", flush=True)
            trees = {}
            for name in DOMAINS[service]:
                path = (ROOT / "services" / service / service).joinpath(*name.split(".")).with_suffix(".py")
                trees[f"{service}.{name}"] = path, ast.parse(path.read_text(encoding="utf-8"))
            made = [each for module, (_, tree) in trees.items() for each in mutants(module, tree)]
            made = [each for each in made if re.search(asked.only, each.name)]
            for mutant, said, seconds in judge(made, trees, tests, JOBS, Path(folder)):
                seen += 1
                if said == "survived":
                    survivors.add(mutant.name)
                    if mutant.name not in known:
                        unexplained.append(mutant.name)
                        print(f"  unnoticed ({seconds:.0f} s): {mutant.name}", flush=True)
            print(f"{service}: {len(made)} changes in {time.monotonic() - began:.0f} s", flush=True)
    prefixes = tuple(f"{service}." for service in asked.service or DOMAINS)
    noticed = [] if asked.only else sorted(name for name in known - survivors if name.startswith(prefixes))
    for name in noticed:
        print(f"  noticed by now, take it off the page: {name}")
    print(f"{seen} changes, {len(survivors)} unnoticed, {len(unexplained)} of them without an explanation")
    return 1 if unexplained or noticed else 0


if __name__ == "__main__":
    sys.exit(main())
