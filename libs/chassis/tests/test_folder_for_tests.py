"""The folder of a test run is its own while it runs, and nobody's afterwards, however it ended."""

import subprocess
import sys
from pathlib import Path

from chassis.servers.folder_for_tests import folder_for_tests

ANOTHER_RUN = """
import time
from chassis.servers.folder_for_tests import folder_for_tests
with folder_for_tests() as home:
    (home / "data").mkdir()
    print(home, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_run_left_behind_is_deleted_by_the_next() -> None:
    with subprocess.Popen([sys.executable, "-c", ANOTHER_RUN], stdout=subprocess.PIPE, text=True) as another:
        assert another.stdout
        left = Path(another.stdout.readline().strip())
        with folder_for_tests() as mine:
            assert left.exists()
        assert not mine.exists()
        another.kill()
    with folder_for_tests():
        assert not left.exists()
