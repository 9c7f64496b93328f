"""The supervisor's children: started again when they die, later each time, and ended in order."""

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest
from chassis.servers import ServerFailed, child
from soko.children import Child, Process

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]
SECONDS = 20


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process(SLEEPER, {}, 0)
    yield made
    made.stop()


def looked_after(kept: Child) -> float:
    """Look until it runs again; how many seconds that took."""
    began = time.monotonic()
    while not kept.look():
        assert time.monotonic() - began < SECONDS
        time.sleep(0.01)
    return time.monotonic() - began


def test_what_dies_is_started_again_later_each_time(process: Process) -> None:
    told: list[str] = []
    kept = Child("order", process, told.append)
    kept.start()
    waits = []
    for _ in range(3):
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        assert child.wait_gone(process.pid or 0, SECONDS) or process.pid is None
        waits.append(looked_after(kept))
    assert waits[0] < waits[1] < waits[2]
    assert told == [f"order has ended and is started again in {delay} s" for delay in ("0.1", "0.2", "0.4")]


class Unstartable:
    """A server whose disk is full."""

    port = 0
    pid = None

    def start(self) -> None:
        raise ServerFailed("The disk is full.")

    def stop(self) -> None:
        return


def test_what_cannot_be_started_is_said_and_tried_again() -> None:
    told: list[str] = []
    kept = Child("postgresql", Unstartable(), told.append)
    until = time.monotonic() + SECONDS
    while told.count("postgresql does not start: The disk is full.") < 2:
        assert not kept.look()
        assert time.monotonic() < until


def test_a_process_that_is_stopped_is_gone(process: Process) -> None:
    process.start()
    pid = process.pid
    assert pid is not None
    process.stop()
    assert process.pid is None
    assert not child.alive(pid)
