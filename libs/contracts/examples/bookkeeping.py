"""A subscriber outside the shop: writes down every confirmed order.

``pip install soko-contracts "faststream[rabbit,cli]"``, then ``RABBITMQ_URL=amqp://… faststream run bookkeeping:app``.
"""

import os

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitMessage, RabbitQueue
from soko_contracts import Envelope, order, parse

# The shop's exchange: it is there already, and an outsider may not declare it.
EVENTS = RabbitExchange("soko.events", type=ExchangeType.TOPIC, declare=False)
FAILED = RabbitQueue("bookkeeping.failed", queue_type=QueueType.QUORUM, durable=True)
ORDERS = RabbitQueue(
    "bookkeeping.orders",
    queue_type=QueueType.QUORUM,
    durable=True,
    routing_key="order.confirmed.v1",  # "order.#" is all of order
    arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": FAILED.name},
)

broker = RabbitBroker(
    os.environ.get("RABBITMQ_URL", "amqp://localhost"),
    default_channel=Channel(prefetch_count=50),  # FastStream sets no limit by itself
)
app = FastStream(broker)
book: dict[str, order.Confirmed] = {}


@app.after_startup
async def keep_what_fails() -> None:
    """A message whose handler raised goes here, to be looked at; without this queue it would be thrown away."""
    await broker.declare_queue(FAILED)


@broker.subscriber(ORDERS, EVENTS, ack_policy=AckPolicy.REJECT_ON_ERROR)
async def confirmed(message: RabbitMessage) -> None:
    """Acknowledged when this returns. The same message may come twice: its order is written down once."""
    envelope = Envelope.parse({name: str(value) for name, value in message.headers.items()}, message.body)
    fact: order.Confirmed = parse(envelope.type, envelope.data)
    book.setdefault(fact.order_id, fact)
