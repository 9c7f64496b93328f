"""The toy's contracts are known while its tests run, and nowhere else."""

from collections.abc import Iterator

import pytest
from soko_contracts.registry import MESSAGES
from toy.domain import CONTRACTS


@pytest.fixture(autouse=True)
def toy_contracts() -> Iterator[None]:
    """Register them for one test."""
    MESSAGES.update(CONTRACTS)
    yield
    for type_ in CONTRACTS:
        del MESSAGES[type_]
