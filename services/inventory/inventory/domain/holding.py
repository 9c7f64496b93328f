"""Reserve, release, commit: one order and every SKU it touches, changed together or not at all.

All streams are appended in one transaction, each at the version it was decided on. So of a hundred orders for twenty
units, twenty find them: whoever was too late is decided again, on what the others left.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from chassis.decider import Address, Many

from inventory.domain import stock_events
from inventory.domain.reservation import Reservation, Status, reservation
from inventory.domain.reservation_events import (
    AnsweredAgain,
    Commit,
    CommitPutOff,
    Committed,
    Extend,
    Held,
    Line,
    Pended,
    Rejected,
    Release,
    Released,
    Reserve,
    Short,
    TurnedAway,
)
from inventory.domain.stock import Stock, stock

Command = Reserve | Release | Commit | Extend
States = Mapping[str, Any]
Recorded = list[tuple[Address, Any]]


def streams(command: Command) -> list[Address]:
    """The order's reservation, and for a reserve the SKUs it names."""
    order: Address = (reservation, command.order_id)
    return [order, *shelves(command.lines)] if isinstance(command, Reserve) else [order]


def more(command: Command, states: States) -> list[Address]:
    """The SKUs that the order holds or held: only its reservation knows them."""
    return shelves(of(command, states).lines) if isinstance(command, Release | Commit) else []


def shelves(lines: Sequence[Line]) -> list[Address]:
    """The stock streams of these lines."""
    return [(stock, line.sku) for line in lines]


def of(command: Command, states: States) -> Reservation:
    """The reservation that the command is about."""
    state: Reservation = states[reservation.name(command.order_id)]
    return state


def on(line: Line, states: States) -> Stock:
    """The stock that the line is about."""
    state: Stock = states[stock.name(line.sku)]
    return state


def decide(command: Command, states: States) -> Recorded:
    """The reservation's next event, and with it what happens to each SKU's units."""
    match command:
        case Reserve():
            return reserve(command, states)
        case Release(order_id):
            return release(order_id, of(command, states), states)
        case Commit():
            return commit(command, of(command, states), states)
        case Extend(order_id):
            return [((reservation, order_id), event) for event in reservation.decide(command, of(command, states))]
        case _:
            assert_never(command)


def reserve(command: Reserve, states: States) -> Recorded:
    """Hold every line or none. What nobody here has heard of, the catalog is asked about once."""
    order: Address = (reservation, command.order_id)
    match of(command, states).status:
        case Status.RELEASED:
            return [(order, TurnedAway(command.order_id))]
        case Status.HELD | Status.REJECTED | Status.COMMITTED:
            return [(order, AnsweredAgain(command.order_id))]
        case Status.PENDING if not command.asked:
            return []
    unknown = tuple(line.sku for line in command.lines if on(line, states).sku is None)
    if unknown and not command.asked:
        pended = Pended(command.order_id, command.lines, unknown, command.expires_at, command.ask_every)
        return [(order, pended)]
    shortages = tuple(
        Short(line.sku, line.quantity, on(line, states).available)
        for line in command.lines
        if not 1 <= line.quantity <= on(line, states).available
    )
    if shortages or not command.lines:
        return [(order, Rejected(command.order_id, shortages))]
    held = Held(command.order_id, command.lines, command.expires_at, command.ask_every)
    return [(order, held), *moved(command.order_id, command.lines, stock_events.Reserve, states)]


def release(order_id: str, state: Reservation, states: States) -> Recorded:
    """Whatever the order holds or was sold is free again; with nothing held, a tombstone."""
    order: Address = (reservation, order_id)
    match state.status:
        case Status.NONE | Status.PENDING | Status.REJECTED:
            return [(order, Released(order_id, ()))]
        case Status.HELD:
            freed = moved(order_id, state.lines, stock_events.Release, states)
            return [(order, Released(order_id, state.lines)), *freed]
        case Status.COMMITTED:
            back = moved(order_id, state.lines, stock_events.TakeBack, states)
            return [(order, Released(order_id, state.lines)), *back]
        case Status.RELEASED:
            return [(order, AnsweredAgain(order_id))]
        case _:
            assert_never(state.status)


def commit(command: Commit, state: Reservation, states: States) -> Recorded:
    """What the order holds is sold. Units that a count found missing cannot be: the order is asked again later."""
    order: Address = (reservation, command.order_id)
    match state.status:
        case Status.PENDING:
            return []
        case Status.NONE | Status.REJECTED | Status.RELEASED | Status.COMMITTED:
            return [(order, AnsweredAgain(command.order_id))]
        case Status.HELD:
            pass
        case _:
            assert_never(state.status)
    missing = tuple(
        Short(line.sku, line.quantity, on(line, states).on_hand)
        for line in state.lines
        if line.quantity > on(line, states).on_hand
    )
    if missing:
        return [(order, CommitPutOff(command.order_id, missing, command.now + state.patience))]
    sold = moved(command.order_id, state.lines, stock_events.Sell, states)
    return [(order, Committed(command.order_id, state.lines)), *sold]


Move = type[stock_events.Reserve] | type[stock_events.Release] | type[stock_events.Sell] | type[stock_events.TakeBack]


def moved(order_id: str, lines: Sequence[Line], move: Move, states: States) -> Recorded:
    """What the same move of each line does to its SKU."""
    return [
        ((stock, line.sku), event)
        for line in lines
        for event in stock.decide(move(order_id, line.quantity), on(line, states))
    ]


holding: Many[Command] = Many(streams, decide, more)
