"""The state machines of order, payment, inventory and cart, with fifteen times the runs of ``make test``."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MACHINES = sorted(
    [*ROOT.glob("services/*/tests/test_*_machine.py"), *ROOT.glob("services/*/tests/test_*_interleavings.py")]
)


@pytest.mark.long
@pytest.mark.parametrize("machine", MACHINES, ids=lambda path: path.stem)
def test_no_order_of_commands_breaks_a_rule(machine: Path) -> None:
    asked = [sys.executable, "-m", "pytest", "-q", "--hypothesis-profile=long", str(machine)]
    run = subprocess.run(asked, cwd=ROOT, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
