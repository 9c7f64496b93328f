"""A mail server, and the service that sends by it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from chassis.fixtures import Harness
from mailing import Running, Server
from notification.service import build
from notification.settings import Settings
from texting import Provider, carrying


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.controller.start()
    yield server
    server.controller.stop()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with carrying() as provider:
        yield provider


@pytest.fixture
def mailing(running: Running, tmp_path: Path) -> Running:
    """The service, with an admin and a folder for mails."""

    @asynccontextmanager
    async def run(**settings: Any) -> AsyncIterator[Harness]:
        given = {"admin_email": "boss@soko.example", "soko_home": tmp_path, **settings}
        async with running(build, Settings, **given) as harness:
            yield harness

    return run
