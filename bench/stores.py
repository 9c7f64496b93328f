"""What the chassis's store and couriers do in a second, each beside the plain library below it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aio_pika
import asyncpg
import orjson
import sqlalchemy as sa
from catalog.service import build as build_catalog
from catalog.settings import Settings as CatalogSettings
from chassis.aggregate import Aggregate
from chassis.context import Context
from chassis.courier import LocalCourier
from chassis.decider import Decider
from chassis.rabbit import RabbitCourier, Topology, declare
from chassis.service import Service
from chassis.settings import Settings
from chassis.world import World, new_id
from pydantic import SecretStr
from soko_contracts import Envelope

KEY = SecretStr("a key that only this measurement ever uses, twice 32")
AT_ONCE = 16
MESSAGES = 100
"""Messages in one ``send``, or confirms waited for at once."""
RECEIVER, STOCK_LEVEL = "catalog", "inventory.stock_level.v1"
INSERT = """
insert into events (stream, version, type, data, meta, recorded_at) values ($1, $2, $3, $4, $5, $6)
"""


@dataclass(frozen=True, slots=True)
class Count:
    """Count one more, with a text to carry."""

    text: str


@dataclass(frozen=True, slots=True)
class Counted:
    """One more."""

    text: str


counter: Decider[Count, int, Counted] = Decider(
    "counter", 0, lambda command, state: [Counted(command.text)], lambda state, event: state + 1
)
COUNTER = Aggregate(counter, {"counted.v1": Counted})
TEXT = "x" * 200


async def rate(work: Callable[[], Awaitable[int]], seconds: float, at_once: int) -> float:
    """What ``work`` counts, a second, when so many do it side by side."""
    done, started = 0, time.perf_counter()

    async def repeat() -> None:
        nonlocal done
        while time.perf_counter() < started + seconds:
            done += await work()

    await asyncio.gather(*(repeat() for _ in range(at_once)))
    return done / (time.perf_counter() - started)


async def fresh(server: str, name: str) -> str:
    """The URL of a new database on the server at this URL."""
    connection = await asyncpg.connect(server)
    await connection.execute(f"create database {name}")
    await connection.close()
    return f"{server.rpartition('/')[0]}/{name}"


async def appends(server: str, seconds: float) -> tuple[float, float]:
    """Events a second through the chassis (load, decide, append), and by asyncpg's plain inserts: a commit each."""
    url = await fresh(server, "bench_appends")
    settings = Settings(soko_internal_key=KEY, database_url=url, database_pool=AT_ONCE)
    service = Service(
        "bench",
        settings,
        World(),
        tables=sa.MetaData(),
        migrations="inventory.migrations",
        aggregates=(COUNTER,),
    )
    await service.migrate()
    await service.open_database()

    def appending(stream: str) -> Callable[[], Awaitable[int]]:
        async def append() -> int:
            id_ = new_id()
            await service.execute(counter, stream, Count(TEXT), Context(id_, id_, id_))
            return 1

        return append

    def inserting(stream: str) -> Callable[[], Awaitable[int]]:
        version = 0

        async def insert() -> int:
            nonlocal version
            version += 1
            id_ = new_id()
            meta = orjson.dumps({"correlationid": id_, "causationid": id_, "request_id": id_}).decode()
            data = orjson.dumps({"text": TEXT}).decode()
            await service.database.pool.execute(INSERT, stream, version, "counted.v1", data, meta, datetime.now(UTC))
            return 1

        return insert

    try:
        plain = await asyncio.gather(*(rate(inserting(f"plain-{n}"), seconds, 1) for n in range(AT_ONCE)))
        ours = await asyncio.gather(*(rate(appending(new_id()), seconds, 1) for _ in range(AT_ONCE)))
    finally:
        await service.stop()
    return sum(ours), sum(plain)


def envelopes(count: int) -> list[Envelope]:
    """Events as the inventory tells them."""
    made = []
    for number in range(count):
        id_ = new_id()
        data = orjson.dumps({"sku": f"BENCH-{id_}", "on_hand": 9, "reserved": 1, "available": 8, "note": TEXT * 2})
        made.append(
            Envelope(
                id=id_,
                source="inventory",
                type=STOCK_LEVEL,
                time=datetime.now(UTC),
                subject=id_,
                partitionkey=id_,
                sequence=number,
                correlationid=id_,
                causationid=id_,
                data=data,
            )
        )
    return made


async def local(server: str, seconds: float) -> tuple[float, float]:
    """Messages a second by the courier of one process: handed over, and kept in a receiver's inbox."""
    nowhere = LocalCourier()

    async def forget(messages: Sequence[Envelope]) -> None:
        pass

    nowhere.subscribe(RECEIVER, [STOCK_LEVEL], forget)
    handed = await rate(_sending(nowhere), seconds, 1)
    courier, service = LocalCourier(), _catalog(await fresh(server, "bench_local"))
    await service.migrate()
    await service.database.start()
    try:
        courier.subscribe(RECEIVER, service.subscriptions.types, service.receive)
        return handed, await rate(_sending(courier), seconds, 2)
    finally:
        await service.stop()


async def rabbit(server: str, broker: str, seconds: float) -> tuple[float, float, float]:
    """Messages a second over RabbitMQ: by raw aio-pika and by the courier, confirmed; by it, and kept in an inbox."""
    names, service = Topology("bench"), _catalog(await fresh(server, "bench_rabbit"))
    await service.migrate()
    await service.database.start()
    await declare(broker, {RECEIVER: [STOCK_LEVEL]}, names)
    courier = RabbitCourier(broker, names)
    connection = await aio_pika.connect(broker)
    try:
        async with connection, connection.channel(publisher_confirms=True) as channel:
            queue = names.queue_name(RECEIVER)
            plain = await rate(_publishing(channel, queue), seconds, 1)
            await channel.queue_delete(queue)
            await declare(broker, {RECEIVER: [STOCK_LEVEL]}, names)
            sent = await rate(_sending(courier), seconds, 2)
            kept = await _kept(courier, service, seconds)
            for left in (queue, names.dead_letter_queue_name(RECEIVER)):
                await channel.queue_delete(left)
    finally:
        await courier.stop()
        await service.stop()
    return plain, sent, kept


async def _kept(courier: RabbitCourier, service: Service, seconds: float) -> float:
    """What was sent before is waiting in the queue: how fast it is stored."""
    stored, begun = 0, asyncio.Event()

    async def receive(messages: Sequence[Envelope]) -> None:
        nonlocal stored
        await service.receive(messages)
        stored += len(messages)
        begun.set()

    courier.subscribe(RECEIVER, [STOCK_LEVEL], receive)
    await courier.start()
    await begun.wait()
    before, started = stored, time.perf_counter()
    last, at = before, started
    while (now := time.perf_counter()) < started + seconds:
        if stored > last:
            last, at = stored, now
        elif now > at + 1:
            break  # the queue is empty
        await asyncio.sleep(0.01)
    return (last - before) / (at - started) if at > started else 0.0


def _catalog(url: str) -> Service:
    return build_catalog(CatalogSettings(soko_internal_key=KEY).on(url), World())


def _sending(courier: LocalCourier | RabbitCourier) -> Callable[[], Awaitable[int]]:
    async def send() -> int:
        await courier.send(envelopes(MESSAGES))
        return MESSAGES

    return send


def _publishing(channel: Any, queue: str) -> Callable[[], Awaitable[int]]:
    async def publish() -> int:
        made: Iterable[aio_pika.Message] = [
            aio_pika.Message(one.data, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=one.id)
            for one in envelopes(MESSAGES)
        ]
        await asyncio.gather(*(channel.default_exchange.publish(one, queue) for one in made))
        return MESSAGES

    return publish
