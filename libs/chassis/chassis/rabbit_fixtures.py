"""Fixtures on a real RabbitMQ, a pytest plugin. Where none can be had, tests are skipped; with CI=true they fail."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import aio_pika
import pytest
import pytest_asyncio
from soko_contracts import MESSAGES

from chassis.rabbit import Topology
from chassis.servers import ServerFailed
from chassis.servers.rabbit_for_tests import Broker, obtain


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Broker]:
    """One broker a test run."""
    home = Path(tempfile.mkdtemp(prefix="soko-rabbit-"))
    try:
        broker = obtain(home)
    except ServerFailed as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs RabbitMQ: {reason}")
        pytest.skip(str(reason))
    yield broker
    broker.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest_asyncio.fixture
async def topology(rabbit: Broker) -> AsyncIterator[Topology]:
    """Names of this test's own, removed after it."""
    names = Topology(f"test-{uuid4().hex[:12]}")
    yield names
    connection = await aio_pika.connect(rabbit.url)
    async with connection, connection.channel() as channel:
        for service in {type_.split(".")[0] for type_ in MESSAGES}:
            await channel.queue_delete(names.queue_name(service))
            await channel.queue_delete(names.dead_letter_queue_name(service))
        for exchange in (names.dead_letters, names.exchange("event"), names.exchange("command")):
            await channel.exchange_delete(exchange.name)
