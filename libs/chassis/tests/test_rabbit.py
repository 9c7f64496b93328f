"""The courier over a real RabbitMQ: nothing lost, nothing acked too early, nothing thrown away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import aio_pika
import asyncpg
import pytest
from chassis.courier import Unroutable
from chassis.fixtures import until
from chassis.rabbit import RabbitCourier, Topology, declare
from chassis.servers.rabbit_for_tests import Broker
from envelopes import COMMAND, EVENT, envelope
from soko_contracts import Envelope

SECONDS = 20
DIRECTORY_SAVED = 1.5
"""RabbitMQ saves its list of quorum queues about twice a second: a node killed before forgets a queue just declared."""


class Inbox:
    """Keeps what it receives; ``trouble`` may refuse first."""

    def __init__(self, trouble: Callable[[Sequence[Envelope]], None] = lambda _: None) -> None:
        self.trouble = trouble
        self.received: list[Envelope] = []
        self.batches = 0
        self._changed = asyncio.Condition()

    async def receive(self, envelopes: Sequence[Envelope]) -> None:
        self.trouble(envelopes)
        known = {message.id for message in self.received}
        self.received += {message.id: message for message in envelopes if message.id not in known}.values()
        self.batches += 1
        async with self._changed:
            self._changed.notify_all()

    async def holds(self, count: int) -> list[int]:
        async with asyncio.timeout(SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= count)
        return [message.sequence for message in self.received]


@asynccontextmanager
async def running(
    rabbit: Broker, topology: Topology, inboxes: dict[str, Inbox], types: Collection[str] = (EVENT, COMMAND)
) -> AsyncIterator[RabbitCourier]:
    courier = RabbitCourier(rabbit.url, topology)
    for service, inbox in inboxes.items():
        courier.subscribe(service, types, inbox.receive)
    await courier.start()
    try:
        yield courier
    finally:
        await courier.stop()


async def dead_letters(rabbit: Broker, topology: Topology, service: str) -> list[bytes]:
    connection = await aio_pika.connect(rabbit.url)
    async with connection, connection.channel() as channel, asyncio.timeout(SECONDS):
        queue = await channel.get_queue(topology.dead_letter_queue_name(service))
        async with queue.iterator(no_ack=True) as messages:
            async for message in messages:
                return [message.body]
    return []


async def test_an_event_reaches_every_subscriber_in_order(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"order": [EVENT], "notification": [EVENT]}, topology)
    inboxes = {"order": Inbox(), "notification": Inbox()}
    async with running(rabbit, topology, inboxes) as courier:
        await courier.send([envelope(number) for number in range(500)])
        await courier.send([envelope(number) for number in range(500, 1000)])
        for inbox in inboxes.values():
            assert await inbox.holds(1000) == list(range(1000))
            assert inbox.batches < 1000


async def test_an_envelope_arrives_as_it_was_sent(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"order": [EVENT]}, topology)
    inbox = Inbox()
    sent = envelope(7, data='{"name": "Åsa"}'.encode())
    async with running(rabbit, topology, {"order": inbox}) as courier:
        await courier.send([sent])
        await inbox.holds(1)
    assert inbox.received == [sent]


async def test_what_nobody_started_to_consume_waits(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"order": [EVENT]}, topology)
    async with running(rabbit, topology, {}) as courier:
        await courier.send([envelope(1)])
    inbox = Inbox()
    async with running(rabbit, topology, {"order": inbox}):
        assert await inbox.holds(1) == [1]


async def test_a_command_that_nobody_obeys_is_refused(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"order": [EVENT]}, topology)
    async with running(rabbit, topology, {}) as courier:
        with pytest.raises(Unroutable, match=COMMAND):
            await courier.send([envelope(1, COMMAND)])


async def test_an_event_that_nobody_hears_is_sent_all_the_same(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {}, topology)
    async with running(rabbit, topology, {}) as courier:
        await courier.send([envelope(1)])


async def test_a_command_reaches_the_one_that_obeys(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"inventory": [COMMAND], "order": [EVENT]}, topology)
    inboxes = {"inventory": Inbox(), "order": Inbox()}
    async with running(rabbit, topology, inboxes) as courier:
        await courier.send([envelope(1, COMMAND), envelope(2, EVENT)])
        assert await inboxes["inventory"].holds(1) == [1]
        assert await inboxes["order"].holds(1) == [2]


async def test_messages_wait_while_the_inbox_cannot_be_written(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"order": [EVENT]}, topology)
    failures = iter([ConnectionError("gone"), TimeoutError("slow"), asyncpg.CannotConnectNowError("starting")])

    def trouble(_: Sequence[Envelope]) -> None:
        for failure in failures:
            raise failure

    inbox = Inbox(trouble)
    async with running(rabbit, topology, {"order": inbox}) as courier:
        await courier.send([envelope(number) for number in range(20)])
        assert await inbox.holds(20) == list(range(20))


async def test_what_was_not_stored_is_not_acked(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"order": [EVENT]}, topology)
    tried = asyncio.Event()

    def trouble(_: Sequence[Envelope]) -> None:
        tried.set()
        raise ConnectionError("gone")

    dying = RabbitCourier(rabbit.url, topology)
    dying.subscribe("order", [EVENT], Inbox(trouble).receive)
    await dying.start()
    await dying.send([envelope(number) for number in range(5)])
    async with asyncio.timeout(SECONDS):
        await tried.wait()
    stopping = asyncio.create_task(dying.stop(within=0.1))
    inbox = Inbox()
    async with running(rabbit, topology, {"order": inbox}):
        assert await inbox.holds(5) == list(range(5))
    await stopping


async def test_what_cannot_be_decoded_goes_to_the_dead_letters(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"order": [EVENT]}, topology)
    inbox = Inbox()
    connection = await aio_pika.connect(rabbit.url)
    async with connection, connection.channel() as channel:
        exchange = await channel.get_exchange(topology.exchange("event").name)
        await exchange.publish(aio_pika.Message(b"no envelope"), EVENT)
    async with running(rabbit, topology, {"order": inbox}) as courier:
        await courier.send([envelope(1)])
        assert await inbox.holds(1) == [1]
        assert await dead_letters(rabbit, topology, "order") == [b"no envelope"]


async def test_a_message_that_the_database_cannot_hold_takes_no_other_with_it(
    rabbit: Broker, topology: Topology
) -> None:
    await declare(rabbit.url, {"order": [EVENT]}, topology)

    def trouble(envelopes: Sequence[Envelope]) -> None:
        if any(message.sequence == 2 for message in envelopes):
            raise asyncpg.UntranslatableCharacterError("\\u0000 cannot be converted to text")

    inbox = Inbox(trouble)
    async with running(rabbit, topology, {"order": inbox}) as courier:
        await courier.send([envelope(number, data=b"%d" % number) for number in range(5)])
        assert await inbox.holds(4) == [0, 1, 3, 4]
        assert await dead_letters(rabbit, topology, "order") == [b"2"]


async def test_one_replica_consumes_and_the_next_takes_over(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {"order": [EVENT]}, topology)
    first, second = Inbox(), Inbox()
    async with running(rabbit, topology, {"order": first}) as courier:
        await courier.send([envelope(0)])
        await first.holds(1)
        async with running(rabbit, topology, {"order": second}) as standby:
            await standby.send([envelope(number) for number in range(1, 50)])
            await first.holds(50)
            assert second.received == []
            await courier.stop()
            await standby.send([envelope(50)])
            assert await second.holds(1) == [50]


async def test_a_service_starts_before_its_queue_is_declared(rabbit: Broker, topology: Topology) -> None:
    inbox = Inbox()
    async with running(rabbit, topology, {"order": inbox}) as courier:
        await declare(rabbit.url, {"order": [EVENT]}, topology)
        await courier.send([envelope(1)])
        assert await inbox.holds(1) == [1]


async def test_nothing_is_lost_when_the_broker_is_killed_under_load(rabbit: Broker, topology: Topology) -> None:
    if rabbit.node is None:
        pytest.skip("this broker is not ours to kill")
    await declare(rabbit.url, {"order": [EVENT]}, topology)
    await asyncio.sleep(DIRECTORY_SAVED)
    inbox = Inbox()
    messages = [envelope(number) for number in range(2000)]

    async def relay(courier: RabbitCourier) -> None:
        """As the outbox does it: the same messages again until they are safe."""
        for first in range(0, len(messages), 50):
            while True:
                try:
                    await courier.send(messages[first : first + 50])
                    break
                except (TimeoutError, ConnectionError):
                    await asyncio.sleep(0.05)

    async with running(rabbit, topology, {"order": inbox}) as courier:
        relaying = asyncio.create_task(relay(courier))
        await inbox.holds(200)
        rabbit.node.kill()
        rabbit.node.start()
        await asyncio.wait_for(relaying, 60)
        assert await inbox.holds(2000) == list(range(2000))
        assert courier.connected


async def test_it_is_known_whether_the_broker_is_reached(rabbit: Broker, topology: Topology) -> None:
    await declare(rabbit.url, {}, topology)
    async with running(rabbit, topology, {}) as courier:
        await until(lambda: is_connected(courier))
    assert not courier.connected
    nowhere = RabbitCourier("amqp://127.0.0.1:1/", topology)
    await nowhere.start()
    with pytest.raises(ConnectionError):
        await nowhere.send([envelope(1)])
    assert not nowhere.connected
    await nowhere.stop()


async def test_sending_waits_for_what_migrate_declares(rabbit: Broker, topology: Topology) -> None:
    async with running(rabbit, topology, {}) as courier:
        with pytest.raises(ConnectionError):
            await courier.send([envelope(1)])
        await declare(rabbit.url, {"order": [EVENT]}, topology)
        await until(lambda: is_sent(courier))


async def is_sent(courier: RabbitCourier) -> bool:
    try:
        await courier.send([envelope(1)])
    except ConnectionError:
        return False
    return True


async def is_connected(courier: RabbitCourier) -> bool:
    return courier.connected
