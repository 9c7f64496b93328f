"""What stands on the broker before anything is sent: two topic exchanges, and for each service two queues.

The migrate step declares all of it; services and relays only look it up. A queue that is declared by whoever comes
first would lose what was published before.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aio_pika.abc import AbstractRobustQueue
from faststream.rabbit import ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue
from soko_contracts import MESSAGES

DECLARE_SECONDS = 30
UNLIMITED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Topology:
    """The names, all under one ``namespace``: several shops, or tests, can live on one broker."""

    namespace: str = "soko"

    @property
    def dead_letters(self) -> RabbitExchange:
        return RabbitExchange(f"{self.namespace}.dead-letters", type=ExchangeType.DIRECT, durable=True)

    def exchange(self, kind: str) -> RabbitExchange:
        """Of ``event`` or ``command``."""
        return RabbitExchange(f"{self.namespace}.{kind}s", type=ExchangeType.TOPIC, durable=True)

    def queue_name(self, service: str) -> str:
        return f"{self.namespace}.{service}"

    def dead_letter_queue_name(self, service: str) -> str:
        return f"{self.namespace}.{service}.dead"

    def queue(self, service: str) -> RabbitQueue:
        """The service's inbound queue: replicated, in order for one consumer at a time, its rejects kept elsewhere.

        Deliveries are not limited: a message comes again only when its consumer went away before it could store it,
        and after 20 times, which is the default, that would throw the message out.
        """
        return RabbitQueue(
            self.queue_name(service),
            queue_type=QueueType.QUORUM,
            durable=True,
            arguments={
                "x-single-active-consumer": True,
                "x-dead-letter-exchange": self.dead_letters.name,
                "x-dead-letter-routing-key": self.dead_letter_queue_name(service),
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
                "x-delivery-limit": UNLIMITED,
            },
        )

    def dead_letter_queue(self, service: str) -> RabbitQueue:
        """What could not even be decoded, for a person to look at."""
        return RabbitQueue(
            self.dead_letter_queue_name(service),
            queue_type=QueueType.QUORUM,
            durable=True,
            arguments={"x-delivery-limit": UNLIMITED},
        )


async def declare(url: str, services: Mapping[str, Collection[str]], topology: Topology | None = None) -> None:
    """Make exchanges, queues and bindings for ``services``: what each of them receives, by message type.

    Doing it again changes nothing. A type that a service no longer names stays bound, and is ignored on receipt.
    """
    names = topology or Topology()
    broker = RabbitBroker(url, fail_fast=True, logger=None)
    try:
        async with asyncio.timeout(DECLARE_SECONDS):
            await broker.connect()
            dead_letters = await broker.declare_exchange(names.dead_letters)
            exchanges = {kind: await broker.declare_exchange(names.exchange(kind)) for kind in ("event", "command")}
            for service, types in services.items():
                dead: AbstractRobustQueue = await broker.declare_queue(names.dead_letter_queue(service))
                await dead.bind(dead_letters, routing_key=dead.name)
                queue: AbstractRobustQueue = await broker.declare_queue(names.queue(service))
                for type_ in sorted(types):
                    await queue.bind(exchanges[MESSAGES[type_].KIND], routing_key=type_)
    finally:
        await broker.stop()
