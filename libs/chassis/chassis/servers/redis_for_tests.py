"""Which Redis the tests run on: a given one, an installed server, or one that apt installs now."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chassis.servers.apt import install
from chassis.servers.redis import PrivateRedis, find_server, how_to_get_one

GIVEN = "SOKO_TESTS_REDIS_URL"
"""Where ``REDIS_URL`` is kept while tests run."""


@dataclass(frozen=True, slots=True)
class Store:
    """A Redis for tests. ``server`` is there when it is ours to kill, to freeze and to empty."""

    url: str
    stop: Callable[[], None]
    server: PrivateRedis | None = None


def obtain(home: Path) -> Store:
    """A running Redis: the first that can be had. ``ServerFailed`` says why there is none."""
    given = os.environ.get(GIVEN)
    if given:
        return Store(given, stop=lambda: None)
    install("redis-server", find_server, how_to_get_one())
    server = PrivateRedis(home)
    server.start()
    return Store(server.url(), stop=server.stop, server=server)
