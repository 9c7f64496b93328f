"""Two small services: ``tally`` obeys and tells, ``listener`` keeps what it hears."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from chassis.aggregate import Aggregate
from chassis.calls import Asked, Calls
from chassis.outcome import Do
from chassis.rows import Keep, Meta, Put
from chassis.service import Service
from chassis.settings import Settings
from chassis.subscriptions import Received, Subscriptions
from chassis.world import World

from toy.domain import (
    COMMANDS,
    EVENTS,
    Add,
    AddedEvent,
    AddOrder,
    Move,
    MoveOrder,
    RecordAnswer,
    Tally,
    move,
    tally,
)
from toy.tables import heard, log, metadata, tallies

subscriptions = Subscriptions()


@subscriptions.on(AddOrder, tally, new=True)
def add(message: AddOrder, at: Received) -> tuple[str, Add]:
    return message.tally_id, Add(message.tally_id, message.amount, at.now, message.ask, message.after)


@subscriptions.on(MoveOrder, move, key=lambda message: tally.name(message.source))
def take(message: MoveOrder, at: Received) -> Move:
    return Move(message.source, message.target, message.amount, at.now)


def view(event: object, state: Tally, meta: Meta) -> Iterable[Put]:
    yield Put(
        tallies,
        {"id": meta.id, "version": meta.version, "total": state.total, "count": state.count, "fired": state.fired},
    )


class Outside:
    """What the toy asks: counts how often, and may fail or be slow."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failures = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def calls(self, *, idempotent: bool = True) -> Calls:
        calls = Calls()

        def gave_up(asked: Asked) -> Iterable[Do]:
            return [Do(tally, asked.stream_id, RecordAnswer(asked.stream_id, "unknown"))]

        @calls.to("ask", lease=timedelta(seconds=5), tries=3, idempotent=idempotent, gave_up=gave_up)
        async def ask(asked: Asked, service: Service) -> Iterable[Do]:
            self.asked.append(asked.key)
            await self.gate.wait()
            if self.failures:
                self.failures -= 1
                raise ConnectionError("nobody there")
            return [Do(tally, asked.stream_id, RecordAnswer(asked.stream_id, "yes"))]

        return calls


def build(settings: Settings, world: World, outside: Outside | None = None, *, idempotent: bool = True) -> Service:
    """The service that obeys."""
    return Service(
        "toy",
        settings,
        world,
        tables=metadata,
        migrations="toy.migrations",
        aggregates=(Aggregate(tally, EVENTS, COMMANDS, view, (tallies,), snapshot_every=10),),
        subscriptions=subscriptions,
        calls=(outside or Outside()).calls(idempotent=idempotent),
    )


listening = Subscriptions()


@listening.keep(AddedEvent)
def keep_total(message: AddedEvent, at: Received) -> Iterable[Keep]:
    return [Keep(heard, {"tally_id": message.tally_id, "total": message.total, "sequence": at.sequence})]


@listening.handle(AddedEvent)
def write_down(message: AddedEvent, at: Received) -> Iterable[Put]:
    return [Put(log, {"tally_id": message.tally_id, "sequence": at.sequence, "amount": message.amount})]


def build_listener(settings: Settings, world: World) -> Service:
    """The service that listens."""
    return Service("listener", settings, world, tables=metadata, migrations="toy.migrations", subscriptions=listening)
