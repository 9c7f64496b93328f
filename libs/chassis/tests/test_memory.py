"""What a busy moment took goes back to the system."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from chassis import memory
from chassis.servers.postgres import EmbeddedPostgres

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps it, and can be told not to")

BUSY_MOMENT = """
import resource, sys
from chassis.memory import give_back
if "--give-back" in sys.argv:
    give_back()
def held():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() // 2**20
before = held()
one = bytearray(30 * 2**20)
del one
blocks, pins = [], []
for _ in range(60):
    blocks.append(bytearray(b"x") * 2**20)
    pins.append(bytearray(b"x") * 2000)
blocks.clear()
print(held() - before)
"""


def left(*arguments: str) -> int:
    """MiB that a process still holds after it took 60 for a moment."""
    done = subprocess.run(
        [sys.executable, "-c", BUSY_MOMENT, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return int(done.stdout)


def test_what_a_busy_moment_took_is_given_back() -> None:
    assert left() > 40
    assert left("--give-back") < 10


def test_the_embedded_database_gives_back_too(postgres: EmbeddedPostgres) -> None:
    told = Path(f"/proc/{postgres.pid}/environ").read_text().split("\0")
    assert {f"{name}={value}" for name, value in memory.CHILD.items()} <= set(told)
