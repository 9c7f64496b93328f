"""What one order holds, from the reserve to its end: released or sold.

Only the order ends a reservation. When its time is up inventory asks, and asks again, ever more rarely, until the
order says extend, commit or release. A release that comes first leaves a tombstone, and the late reserve is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from chassis.decider import After, Call, Decider, Effect, Send
from soko_contracts import inventory as contracts

from inventory.domain.reservation_events import (
    AnsweredAgain,
    AskNow,
    CommitPutOff,
    Committed,
    Event,
    Expire,
    Expired,
    Extend,
    Extended,
    Held,
    Line,
    Pended,
    Rejected,
    Released,
    Short,
    TurnedAway,
)
from inventory.domain.shelves import MAIN

ASK_CATALOG = "catalog.variants"
EXPIRY = "expiry"
PATIENCE = 6
"""How often the wait between two questions to the order doubles: with a minute at first, an hour in the end."""


class Status(StrEnum):
    """Where a reservation stands."""

    NONE = "none"
    PENDING = "pending"
    HELD = "held"
    REJECTED = "rejected"
    RELEASED = "released"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Reservation:
    """``lines`` are held while the status is ``held``, and were sold or given back after.

    ``ask_at`` is when the order is asked, ``asked`` how often it was without saying extend. ``put_off``: it has said
    commit, but not all of its units were there.
    """

    status: Status = Status.NONE
    lines: tuple[Line, ...] = ()
    shortages: tuple[Short, ...] = ()
    ask_at: datetime | None = None
    ask_every: int = 0
    asked: int = 0
    put_off: bool = False

    @property
    def patience(self) -> timedelta:
        """How long to wait before the order is asked again."""
        return timedelta(seconds=self.ask_every * 2 ** min(self.asked, PATIENCE))


Command = Extend | Expire | AskNow


def decide(command: Command, state: Reservation) -> list[Event]:
    """What concerns the reservation alone; what moves units too is decided in ``holding``."""
    match command:
        case Extend(order_id, expires_at):
            if state.status == Status.HELD:
                return [Extended(order_id, expires_at)]
            # What was never asked for, or is being looked into, has nothing to extend; what has ended says so.
            return [] if state.status in (Status.NONE, Status.PENDING) else [AnsweredAgain(order_id)]
        case Expire(order_id, at):
            if state.status != Status.HELD or state.ask_at is None or at < state.ask_at:
                return []
            return [Expired(order_id, at, at + state.patience)]
        case AskNow(order_id, now):
            return [Expired(order_id, now, now + state.patience)] if state.put_off else []
        case _:
            assert_never(command)


def evolve(state: Reservation, event: Event) -> Reservation:
    """The reservation after the event."""
    match event:
        case Pended(_, lines, _, expires_at, ask_every):
            return Reservation(Status.PENDING, lines, ask_at=expires_at, ask_every=ask_every)
        case Held(_, lines, expires_at, ask_every):
            return Reservation(Status.HELD, lines, ask_at=expires_at, ask_every=ask_every)
        case Rejected(_, shortages):
            return Reservation(Status.REJECTED, shortages=shortages)
        case Released(_, lines):
            return Reservation(Status.RELEASED, lines)
        case Committed(_, lines):
            return Reservation(Status.COMMITTED, lines)
        case CommitPutOff(_, _, ask_at):
            return replace(state, ask_at=ask_at, put_off=True)
        case Extended(_, expires_at):
            return replace(state, ask_at=expires_at, asked=0, put_off=False)
        case Expired(_, _, ask_at):
            return replace(state, ask_at=ask_at, asked=state.asked + 1)
        case TurnedAway() | AnsweredAgain():
            return state
        case _:
            assert_never(event)


def react(event: Event, state: Reservation) -> Sequence[Effect]:
    """The answers to the order, the question to the catalog, the timer to ask the order at."""
    match event:
        case Pended(order_id, _, unknown, expires_at, ask_every):
            request = {
                "order_id": order_id,
                "lines": [[line.sku, line.quantity] for line in state.lines],
                "unknown": list(unknown),
                "expires_at": expires_at.isoformat(),
                "ask_every": ask_every,
            }
            return [Call(ASK_CATALOG, key=order_id, request=request)]
        case Held(order_id, _, expires_at, _):
            return [*answer(order_id, state), ask(order_id, expires_at)]
        case CommitPutOff(order_id, _, ask_at):
            return [*answer(order_id, state), ask(order_id, ask_at)]
        case Extended(order_id, expires_at):
            return [ask(order_id, expires_at)]
        case Expired(order_id, expires_at, ask_at):
            told = contracts.ReservationExpiring(order_id=order_id, expires_at=expires_at)
            return [Send(told), ask(order_id, ask_at)]
        case TurnedAway(order_id):
            return [Send(contracts.StockRejected(order_id=order_id, shortages=()))]
        case Rejected(order_id) | Released(order_id) | Committed(order_id) | AnsweredAgain(order_id):
            return answer(order_id, state)
        case _:
            assert_never(event)


def ask(order_id: str, at: datetime) -> After:
    """The timer, set or moved."""
    return After(EXPIRY, at, Expire(order_id, at))


def answer(order_id: str, state: Reservation) -> list[Effect]:
    """How things stand, as the order is told it."""
    match state.status:
        case Status.PENDING:
            return []
        case Status.HELD:
            assert state.ask_at is not None
            reserved = contracts.StockReserved(order_id=order_id, lines=told(state.lines), expires_at=state.ask_at)
            return [Send(reserved)]
        case Status.RELEASED:
            return [Send(contracts.StockReleased(order_id=order_id, lines=told(state.lines)))]
        case Status.COMMITTED:
            return [Send(contracts.StockCommitted(order_id=order_id, lines=told(state.lines)))]
        case Status.NONE | Status.REJECTED:
            shortages = tuple(
                contracts.Shortage(sku=short.sku, requested=short.requested, available=short.available)
                for short in state.shortages
            )
            return [Send(contracts.StockRejected(order_id=order_id, shortages=shortages))]
        case _:
            assert_never(state.status)


def told(lines: tuple[Line, ...]) -> tuple[contracts.StockLine, ...]:
    """Lines as the public message has them."""
    return tuple(
        contracts.StockLine(
            sku=line.sku,
            quantity=line.quantity,
            location_id=None if line.location == MAIN else line.location,
            backordered=line.waits,
        )
        for line in lines
    )


reservation: Decider[Command, Reservation, Event] = Decider("reservation", Reservation(), decide, evolve, react)
