"""Fixtures on a real Redis, a pytest plugin. Where none can be had, tests are skipped; with CI=true they fail."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.servers import ServerFailed
from chassis.servers.redis import PrivateRedis
from chassis.servers.redis_for_tests import GIVEN, Store, obtain


def pytest_configure() -> None:
    """The tests' server is not that of every service under test: those that shall have it are told so."""
    if url := os.environ.pop("REDIS_URL", ""):
        os.environ[GIVEN] = url


@pytest.fixture(scope="session")
def redis_store() -> Iterator[Store]:
    """One server a test run."""
    home = Path(tempfile.mkdtemp(prefix="soko-redis-"))
    try:
        store = obtain(home)
    except ServerFailed as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs Redis: {reason}")
        pytest.skip(str(reason))
    yield store
    store.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def redis_url(redis_store: Store) -> str:
    """A Redis that other tests use too: names in it are made of what no other test has."""
    return redis_store.url


@pytest.fixture
def enough_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not an absent Redis: for tests in which it is there all the time."""
    monkeypatch.setattr("chassis.redis.WITHIN", 10.0)


@pytest.fixture
def own_redis(redis_store: Store) -> Iterator[PrivateRedis]:
    """A Redis that the test may kill, freeze and empty; it runs again afterwards."""
    server = redis_store.server
    if server is None:
        pytest.skip("REDIS_URL is somebody's server: this test kills its own")
    yield server
    server.stop()
    server.start()
