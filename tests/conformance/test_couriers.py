"""What both couriers promise, with every loop running: nothing lost, one effect, order within a key."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from chassis.codec import encode
from chassis.courier import Courier, LocalCourier
from chassis.fixtures import INTERNAL_KEY, fresh_database, until
from chassis.rabbit import RabbitCourier, Topology, declare
from chassis.servers.postgres import EmbeddedPostgres
from chassis.servers.rabbit_for_tests import Broker
from chassis.service import Service
from chassis.settings import Settings
from chassis.world import World, new_id, utc_now
from pydantic import SecretStr
from soko_contracts import Envelope
from toy.domain import AddOrder
from toy.service import build, build_listener, listening, subscriptions

MESSAGES = 600
KEYS = 20
SECONDS = 60
OUTAGE_SECONDS = 10


@dataclass
class Cluster:
    """Two services, each with one or more replicas, on their own databases."""

    toys: list[Service]
    listeners: list[Service]
    urls: tuple[str, str]

    async def settled(self, expected: int) -> None:
        """Wait until everything sent has been worked on by both."""
        await until(lambda: self._quiet(expected))

    async def _quiet(self, expected: int) -> bool:
        toy, listener = [await asyncpg.connect(url) for url in self.urls]
        try:
            heard = await listener.fetchval("select count(*) from log")
            waiting = await toy.fetchval("select (select count(*) from inbox) + (select count(*) from outbox)")
            return bool(heard >= expected and not waiting)
        finally:
            await toy.close()
            await listener.close()

    async def check(self, amounts: list[int]) -> None:
        """Read both databases: every message had its effect once, was told once, and was heard in order."""
        toy, listener = [await asyncpg.connect(url) for url in self.urls]
        try:
            assert await toy.fetchval("select count(*) from events") == len(amounts)
            assert await toy.fetchval("select sum(total) from tallies") == sum(amounts)
            assert await listener.fetchval("select count(*) from log") == len(amounts)
            assert await listener.fetchval("select sum(amount) from log") == sum(amounts)
            totals = [tuple(row) for row in await toy.fetch("select id, total from tallies order by id")]
            kept = await listener.fetch("select tally_id, total from heard order by tally_id")
            assert [tuple(row) for row in kept] == totals
            told = {row["message_id"]: row for row in await toy.fetch("select * from published")}
            heard: dict[str, int] = {}
            for row in await listener.fetch("select * from done where subscription = 'write_down' order by id"):
                message = told[row["message_id"]]
                assert message["sequence"] > heard.get(message["subject"], 0), "out of order"
                heard[message["subject"]] = message["sequence"]
        finally:
            await toy.close()
            await listener.close()

    async def order(self, amounts: list[int]) -> None:
        """Have the toy add these, as a relay would deliver them; some come twice, one of those at the same time."""
        now = utc_now()
        envelopes = []
        for n, amount in enumerate(amounts):
            key = f"k{n % KEYS}"
            body = encode(AddOrder(tally_id=key, amount=amount))
            id_ = new_id()
            envelopes.append(
                Envelope(
                    id=id_,
                    source="test",
                    type="toy.add.v1",
                    time=now,
                    subject=key,
                    partitionkey=key,
                    sequence=n,
                    correlationid=id_,
                    causationid=id_,
                    data=body,
                )
            )
        for start in range(0, len(envelopes), 50):
            some = envelopes[start : start + 50]
            await asyncio.gather(self._surely(some), self._surely(some[::7]))

    async def _surely(self, envelopes: list[Envelope]) -> None:
        """Send as a relay does: again, until the courier returns."""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    return await self.toys[0].world.courier.send(envelopes)
                except Exception:
                    await asyncio.sleep(0.2)


MakeCourier = Callable[[], Awaitable[Courier]]


@asynccontextmanager
async def cluster(server: EmbeddedPostgres, couriers: MakeCourier, replicas: int = 1) -> AsyncIterator[Cluster]:
    urls = await fresh_database(server), await fresh_database(server)
    settings = Settings(soko_env="testing", soko_internal_key=SecretStr(INTERNAL_KEY))
    services: list[list[Service]] = [[], []]
    started: list[Courier] = []
    shared = await couriers()
    for replica in range(replicas):
        courier = shared if replica == 0 or isinstance(shared, LocalCourier) else await couriers()
        started.append(courier)
        for which, make in enumerate((build, build_listener)):
            world = World(courier=courier)
            service = make(settings.on(urls[which]), world)
            await service.migrate()
            await service.start()
            services[which].append(service)
        if isinstance(courier, RabbitCourier):
            await courier.start()
    try:
        yield Cluster(services[0], services[1], urls)
    finally:
        for service in (*services[0], *services[1]):
            await service.stop()
        for courier in started:
            if isinstance(courier, RabbitCourier):
                await courier.stop()


@pytest.fixture(params=["local", "rabbit"])
def couriers(request: pytest.FixtureRequest) -> MakeCourier:
    """Makes couriers of the kind under test."""
    if request.param == "local":

        async def local() -> Courier:
            return LocalCourier()

        return local
    broker: Broker = request.getfixturevalue("rabbit")
    topology = Topology(f"conformance-{new_id()[-12:]}")

    async def rabbit() -> Courier:
        await declare(broker.url, {"toy": subscriptions.types, "listener": listening.types}, topology)
        return RabbitCourier(broker.url, topology)

    return rabbit


async def test_nothing_is_lost_doubled_or_out_of_order(postgres: EmbeddedPostgres, couriers: MakeCourier) -> None:
    amounts = [n for n in range(MESSAGES) if n != 13]
    async with cluster(postgres, couriers) as both:
        await both.order(amounts)
        await both.settled(len(amounts))
        await both.check(amounts)


async def test_two_replicas_side_by_side_are_as_good_as_one(postgres: EmbeddedPostgres, couriers: MakeCourier) -> None:
    amounts = [n for n in range(MESSAGES) if n != 13]
    async with cluster(postgres, couriers, replicas=2) as both:
        await both.order(amounts)
        await both.settled(len(amounts))
        await both.check(amounts)


@pytest.mark.parametrize("couriers", ["rabbit"], indirect=True)  # in one process nobody takes over
async def test_a_replica_that_stops_hands_over(postgres: EmbeddedPostgres, couriers: MakeCourier) -> None:
    amounts = [n for n in range(MESSAGES) if n != 13]
    async with cluster(postgres, couriers, replicas=2) as both:
        ordering = asyncio.create_task(both.order(amounts))
        await until(lambda: both.toys[0].database.pool.fetchval("select count(*) from events"))
        await both.toys[1].stop()
        await both.listeners[1].stop()
        await ordering
        await both.settled(len(amounts))
        await both.check(amounts)


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A server that the test may take away."""
    home = Path(tempfile.mkdtemp(prefix="soko-away-"))
    home.chmod(0o755)
    server = EmbeddedPostgres(home)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(home, ignore_errors=True)


async def test_ten_seconds_without_postgres_lose_nothing(own_postgres: EmbeddedPostgres, couriers: MakeCourier) -> None:
    amounts = [n for n in range(MESSAGES) if n != 13]
    async with cluster(own_postgres, couriers) as both:
        ordering = asyncio.create_task(both.order(amounts))
        await until(lambda: both.toys[0].database.pool.fetchval("select count(*) from events"))
        assert own_postgres.pid
        os.kill(own_postgres.pid, signal.SIGKILL)
        await asyncio.sleep(OUTAGE_SECONDS)
        own_postgres.start()
        await ordering
        await both.settled(len(amounts))
        await both.check(amounts)


async def test_a_broker_restarted_under_load_loses_nothing(postgres: EmbeddedPostgres, rabbit: Broker) -> None:
    if rabbit.node is None:
        pytest.skip("the broker was given to us: it is not ours to restart")
    amounts = [n for n in range(MESSAGES) if n != 13]
    topology = Topology(f"restart-{new_id()[-12:]}")

    async def courier() -> Courier:
        await declare(rabbit.url, {"toy": subscriptions.types, "listener": listening.types}, topology)
        return RabbitCourier(rabbit.url, topology)

    async with cluster(postgres, courier) as both:
        ordering = asyncio.create_task(both.order(amounts))
        await until(lambda: both.toys[0].database.pool.fetchval("select count(*) from events"))
        rabbit.node.stop()
        rabbit.node.start()
        await ordering
        await both.settled(len(amounts))
        await both.check(amounts)
