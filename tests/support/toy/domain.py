"""A tally: it adds what it is told, once a message, and says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chassis.decider import Address, After, Call, Decider, Effect, Many, Refused, Send
from soko_contracts.registry import MESSAGES, command, event


@command("toy.add.v1")
class AddOrder:
    """Add ``amount`` to a tally; 13 breaks the handler, ``ask`` asks the outside, ``after`` sets a timer in seconds."""

    tally_id: str
    amount: int
    ask: bool = False
    after: float = 0


@command("toy.move.v1")
class MoveOrder:
    """Take ``amount`` from one tally and add it to another."""

    source: str
    target: str
    amount: int


@event("toy.added.v1")
class AddedEvent:
    """A tally was added to."""

    tally_id: str
    amount: int
    total: int


@dataclass(frozen=True, slots=True)
class Add:
    tally_id: str
    amount: int
    now: datetime
    ask: bool = False
    after: float = 0


@dataclass(frozen=True, slots=True)
class Fire:
    tally_id: str


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    tally_id: str
    answer: str


@dataclass(frozen=True, slots=True)
class Move:
    source: str
    target: str
    amount: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Added:
    tally_id: str
    amount: int
    at: datetime
    ask: bool = False
    after: float = 0


@dataclass(frozen=True, slots=True)
class Fired:
    tally_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    tally_id: str
    answer: str


@dataclass(frozen=True, slots=True)
class Tally:
    total: int = 0
    count: int = 0
    fired: int = 0
    answers: tuple[str, ...] = ()


def decide(order: Add | Fire | RecordAnswer, state: Tally) -> Sequence[Added | Fired | Answered]:
    match order:
        case Add(tally_id, amount, now, ask, after):
            if amount == 13:
                raise ZeroDivisionError("thirteen")
            if amount < 0 and state.total + amount < 0:
                raise Refused("too-little", "the tally has less")
            return [Added(tally_id, amount, now, ask, after)]
        case Fire(tally_id):
            return [Fired(tally_id)]
        case RecordAnswer(tally_id, answer):
            return [Answered(tally_id, answer)]


def evolve(state: Tally, fact: Added | Fired | Answered) -> Tally:
    match fact:
        case Added():
            return Tally(state.total + fact.amount, state.count + 1, state.fired, state.answers)
        case Fired():
            return Tally(state.total, state.count, state.fired + 1, state.answers)
        case Answered():
            return Tally(state.total, state.count, state.fired, (*state.answers, fact.answer))


def react(fact: Added | Fired | Answered, state: Tally) -> list[Effect]:
    match fact:
        case Added():
            effects: list[Effect] = [Send(AddedEvent(tally_id=fact.tally_id, amount=fact.amount, total=state.total))]
            if fact.ask:
                effects.append(Call("ask", f"{fact.tally_id}:{state.count}", {"tally_id": fact.tally_id}))
            if fact.after:
                effects.append(After("fire", fact.at + timedelta(seconds=fact.after), Fire(fact.tally_id)))
            return effects
        case _:
            return []


tally = Decider("tally", Tally(), decide, evolve, react)


def moved(order: Move) -> Sequence[Address]:
    return [(tally, order.source), (tally, order.target)]


def decide_move(order: Move, states: Mapping[str, Any]) -> Sequence[tuple[Address, Any]]:
    source, target = moved(order)
    taken = decide(Add(order.source, -order.amount, order.now), states[tally.name(order.source)])
    given = decide(Add(order.target, order.amount, order.now), states[tally.name(order.target)])
    return [*((source, fact) for fact in taken), *((target, fact) for fact in given)]


move = Many(moved, decide_move)

EVENTS = {"added.v1": Added, "fired.v1": Fired, "answered.v1": Answered}
COMMANDS = {"fire.v1": Fire}

# No contracts of the shop: they are known only while the conformance suite runs.
CONTRACTS = {type_: MESSAGES.pop(type_) for type_ in ("toy.add.v1", "toy.move.v1", "toy.added.v1")}
