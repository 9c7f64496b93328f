"""Which tests run side by side in ``pytest -n 2``: a pytest plugin.

A file's tests share what they stand on, so they stay together. Those that start whole shops and break them wait most of
the time, and are one share: two of them at once would race for the machine, or for a broker that both are given. They
and the simulation come first, since they take longest.
"""

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling, LoadScopeScheduling  # type: ignore[import-untyped]

SHOPS_THAT_BREAK = (
    "tests/faults/",
    "tests/kills/",
    "tests/clients/",
    "tests/conformance/test_couriers.py",
    "deploy/tests/test_soko_run.py",
)
LONGEST_FIRST = (*SHOPS_THAT_BREAK, "tests/simulation/", "tests/refusals/test_schemathesis.py")


class Shares(LoadFileScheduling):  # type: ignore[misc]
    """A file is a share, but for the shops that break: all of those are one."""

    def _split_scope(self, nodeid: str) -> str:
        return "shops that break" if nodeid.startswith(SHOPS_THAT_BREAK) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return Shares(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """Sorting by it keeps the order of all that are not among the longest."""
    return next((turn for turn, start in enumerate(LONGEST_FIRST) if item.nodeid.startswith(start)), len(LONGEST_FIRST))
