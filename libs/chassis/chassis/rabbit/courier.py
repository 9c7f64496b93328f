"""The courier of a cluster: publisher confirms on the way out, the intake on the way in."""

import asyncio
import contextlib
from collections.abc import Awaitable, Collection, Sequence
from typing import Any

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage, AbstractRobustConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq.abc import DeliveredMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker
from faststream.rabbit.message import RabbitMessage
from soko_contracts import MESSAGES, Envelope
from yarl import URL

from chassis import telemetry
from chassis.courier import Receive, Unroutable
from chassis.rabbit.intake import Intake
from chassis.rabbit.middleware import middlewares
from chassis.rabbit.topology import Topology

CONFIRM_SECONDS = 15
CONNECT_SECONDS = 5
RECONNECT_SECONDS = 1
HEARTBEAT_SECONDS = 10
STOP_SECONDS = 10
PREFETCH = 500

log = structlog.get_logger(__name__)


class RabbitCourier:
    """Sends to the exchanges, and feeds every subscriber from its own queue; ``declare`` has made both.

    ``start`` returns at once and goes on trying while the broker is away: a service serves HTTP without it, and its
    messages wait in its outbox.
    """

    def __init__(self, url: str, topology: Topology | None = None) -> None:
        self._url = str(URL(url).update_query(heartbeat=HEARTBEAT_SECONDS))
        self._topology = topology or Topology()
        self._intakes: list[Intake] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._consumer: RabbitBroker | None = None
        self._publisher: RabbitBroker | None = None
        self._connections: list[AbstractRobustConnection] = []
        self._exchanges: dict[str, AbstractExchange] = {}
        self._opening = asyncio.Lock()
        self._away = False

    def subscribe(self, subscriber: str, types: Collection[str], receive: Receive) -> None:
        """Feed ``receive`` from the subscriber's queue once started. Its ``types`` were bound by ``declare``."""
        self._intakes.append(Intake(subscriber, receive))

    @property
    def connected(self) -> bool:
        """Whether the broker is there, as far as we know."""
        return bool(self._connections) and all(connection.connected.is_set() for connection in self._connections)

    async def start(self) -> None:
        """Begin to consume, now or as soon as the broker answers."""
        self._tasks = [asyncio.create_task(intake.run()) for intake in self._intakes]
        self._tasks.append(asyncio.create_task(self._consume()))

    async def stop(self, within: float = STOP_SECONDS) -> None:
        """Take no more, store and ack what was delivered, close. What is not stored ``within`` seconds comes again."""
        if self._consumer:
            for subscriber in self._consumer.subscribers:
                await _ended(subscriber.stop(), within)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                for intake in self._intakes:
                    await intake.flush()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for broker in (self._consumer, self._publisher):
            if broker:
                await _ended(broker.stop(), within)
        self._consumer = self._publisher = None
        self._connections, self._exchanges, self._tasks = [], {}, []

    async def send(self, envelopes: Sequence[Envelope]) -> None:
        """Publish, confirms side by side, and return when the broker has every one on disk.

        Raises ``Unroutable`` for a command that no queue is bound to, ``TimeoutError`` when no confirm comes, a
        ``ConnectionError`` when the broker is away: some may have been delivered, and all will be sent again.
        """
        async with asyncio.timeout(CONFIRM_SECONDS):
            if not self._exchanges:
                await self._open()
            # The frames leave in this order: tasks start in turn, and the channel writes in turn.
            results = await asyncio.gather(*map(self._publish, envelopes), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _publish(self, envelope: Envelope) -> None:
        kind = MESSAGES[envelope.type].KIND
        headers: dict[str, Any] = dict(envelope.headers())
        if telemetry.tracing and envelope.traceparent:
            headers["traceparent"] = envelope.traceparent  # where FastStream's middleware, and others', look for it
        message = Message(
            envelope.data,
            headers=headers,
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=envelope.id,
            timestamp=envelope.time,
            type=envelope.type,
            app_id=envelope.source,
        )
        try:
            answer = await self._exchanges[kind].publish(message, envelope.type, mandatory=kind == "command")
        except ChannelInvalidStateError as error:
            raise ConnectionError("the broker is away") from error
        except AMQPError as error:
            raise ConnectionError(f"the broker has not taken it: {error}") from error
        if isinstance(answer, DeliveredMessage):
            raise Unroutable(envelope.type)

    async def _open(self) -> None:
        """A connection of its own for publishing: a blocked publisher must not stop the acks."""
        async with self._opening:
            if self._exchanges:
                return
            broker = self._broker()
            try:
                connection = await broker.connect()
                channel = await connection.channel(publisher_confirms=True, on_return_raises=False)
                names = {kind: self._topology.exchange(kind).name for kind in ("event", "command")}
                exchanges = {kind: await channel.get_exchange(name, ensure=False) for kind, name in names.items()}
            except BaseException:
                await broker.stop()
                raise
            self._publisher, self._exchanges = broker, exchanges
            self._connections.append(connection)

    async def _consume(self) -> None:
        """Connect, again and again until the broker is there and the queues are declared; from then on it recovers."""
        said = ""
        while True:
            broker = self._broker(middlewares(self._intakes[0].subscriber) if self._intakes else ())
            for intake in self._intakes:
                self._feed(broker, intake)
            try:
                await broker.start()
            except Exception as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("broker_away", error=said)
                with contextlib.suppress(Exception):
                    await broker.stop()
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            self._consumer = broker
            self._connections.append(await broker.connect())
            return

    def _feed(self, broker: RabbitBroker, intake: Intake) -> None:
        queue = self._topology.queue(intake.subscriber)
        queue.declare = False

        async def take(message: AbstractIncomingMessage) -> None:
            await intake.take(message)

        broker.subscriber(
            queue,
            channel=Channel(prefetch_count=PREFETCH),
            ack_policy=AckPolicy.MANUAL,
            decoder=_raw,
            no_reply=True,
        )(take)

    def _closed(self, connection: object, error: BaseException | None = None) -> None:
        """Called for every failed try to connect again; said once."""
        if error is not None and not isinstance(error, asyncio.CancelledError) and not self._away:
            self._away = True
            log.warning("broker_away", error=str(error))

    def _reconnected(self, connection: object) -> None:
        if self._away:
            self._away = False
            log.warning("broker_back")

    def _broker(self, middlewares: Sequence[Any] = ()) -> RabbitBroker:
        return RabbitBroker(
            self._url,
            timeout=CONNECT_SECONDS,
            fail_fast=True,
            reconnect_interval=RECONNECT_SECONDS,
            graceful_timeout=STOP_SECONDS,
            apply_types=False,
            middlewares=middlewares,
            logger=None,
            on_close=[self._closed],
            on_reconnected=[self._reconnected],
        )


async def _ended(stopping: Awaitable[None], seconds: float) -> None:
    """Wait for a clean end; where the broker is away there is none to be had."""
    with contextlib.suppress(TimeoutError, OSError, AMQPError, ChannelInvalidStateError):
        async with asyncio.timeout(seconds):
            await stopping


async def _raw(message: RabbitMessage) -> AbstractIncomingMessage:
    """Hand over the message as it came: the intake decodes, and acks."""
    return message.raw_message
