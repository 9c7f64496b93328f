"""Reserve, release, commit: one order and every SKU it touches, changed together or not at all.

All streams are appended in one transaction, each at the version it was decided on. So of a hundred orders for twenty
units, twenty find them: whoever was too late is decided again, on what the others left.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from chassis.decider import Address, Many

from inventory.domain import stock_commands
from inventory.domain.location import Location, location
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
from inventory.domain.shelves import Part, Stock
from inventory.domain.stock import missing, stock
from inventory.domain.stock_events import Event, Reserved, Returned, Sold
from inventory.domain.stock_events import Released as Freed

Command = Reserve | Release | Commit | Extend
States = Mapping[str, Any]
Recorded = list[tuple[Address, Any]]
Move = stock_commands.Reserve | stock_commands.Release | stock_commands.Sell | stock_commands.TakeBack


def streams(command: Command) -> list[Address]:
    """The order's reservation, and for a reserve the SKUs it names."""
    order: Address = (reservation, command.order_id)
    return [order, *shelves(command.lines)] if isinstance(command, Reserve) else [order]


def more(command: Command, states: States) -> list[Address]:
    """The SKUs that the order holds or held, which only its reservation knows; for a reserve, their locations.

    A SKU that is at the main location only needs no other: the shop with one location never reads any.
    """
    match command:
        case Reserve(_, lines):
            spread = [on(line.sku, states) for line in lines if on(line.sku, states).elsewhere]
            return [(location, shelf.location) for state in spread for shelf in state.shelves]
        case Release() | Commit():
            return shelves(of(command, states).lines)
        case _:
            return []


def shelves(lines: Sequence[Line]) -> list[Address]:
    """The stock streams of these lines."""
    return [(stock, line.sku) for line in lines]


def of(command: Command, states: States) -> Reservation:
    """The reservation that the command is about."""
    state: Reservation = states[reservation.name(command.order_id)]
    return state


def on(sku: str, states: States) -> Stock:
    """The stock of a SKU."""
    state: Stock = states[stock.name(sku)]
    return state


def preferred(state: Stock, states: States) -> tuple[str, ...]:
    """The locations of a SKU in the order in which they give: by priority, and by id where that is the same."""
    if not state.elsewhere:
        return ()

    def rank(id_: str) -> tuple[int, str]:
        found: Location = states[location.name(id_)]
        return found.priority, id_

    return tuple(sorted((shelf.location for shelf in state.shelves), key=rank))


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
    unknown = tuple(line.sku for line in command.lines if on(line.sku, states).sku is None)
    if unknown and not command.asked:
        pended = Pended(command.order_id, command.lines, unknown, command.expires_at, command.ask_every)
        return [(order, pended)]
    shortages = tuple(
        Short(line.sku, line.quantity, most)
        for line in command.lines
        if not 1 <= line.quantity <= (most := orderable(on(line.sku, states)))
    )
    if shortages or not command.lines:
        return [(order, Rejected(command.order_id, shortages))]
    moves = {
        line.sku: stock_commands.Reserve(command.order_id, line.quantity, preferred(on(line.sku, states), states))
        for line in command.lines
    }
    lines, recorded = moved(moves, states)
    return [(order, Held(command.order_id, lines, command.expires_at, command.ask_every)), *recorded]


def orderable(state: Stock) -> int:
    """Units that can be promised, there or not."""
    return state.available + state.backorderable


def release(order_id: str, state: Reservation, states: States) -> Recorded:
    """Whatever the order holds or was sold is free again; with nothing held, a tombstone."""
    order: Address = (reservation, order_id)
    match state.status:
        case Status.NONE | Status.PENDING | Status.REJECTED:
            return [(order, Released(order_id, ()))]
        case Status.HELD:
            given = {sku: stock_commands.Release(order_id, parts) for sku, parts in by_sku(state.lines).items()}
            lines, recorded = moved(given, states)
            return [(order, Released(order_id, lines)), *recorded]
        case Status.COMMITTED:
            back = {sku: stock_commands.TakeBack(order_id, parts) for sku, parts in by_sku(state.lines).items()}
            lines, recorded = moved(back, states)
            return [(order, Released(order_id, lines)), *recorded]
        case Status.RELEASED:
            return [(order, AnsweredAgain(order_id))]
        case _:
            assert_never(state.status)


def commit(command: Commit, state: Reservation, states: States) -> Recorded:
    """What the order holds is sold, from where it was set aside.

    Units that a count found missing, or that are still to come, cannot be: the order is asked again later.
    """
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
    held = by_sku(state.lines)
    shortages = []
    for sku, parts in held.items():
        if lacking := missing(on(sku, states), command.order_id, parts):
            wanted = sum(part.quantity for part in parts)
            shortages.append(Short(sku, wanted, wanted - lacking))
    if shortages:
        return [(order, CommitPutOff(command.order_id, tuple(shortages), command.now + state.patience))]
    sales = {sku: stock_commands.Sell(command.order_id, parts) for sku, parts in held.items()}
    lines, recorded = moved(sales, states)
    return [(order, Committed(command.order_id, lines)), *recorded]


def by_sku(lines: Sequence[Line]) -> dict[str, tuple[Part, ...]]:
    """What an order has of each SKU."""
    found: dict[str, tuple[Part, ...]] = {}
    for line in lines:
        found[line.sku] = (*found.get(line.sku, ()), Part(line.quantity, line.location, line.waits))
    return found


def moved(moves: Mapping[str, Move], states: States) -> tuple[tuple[Line, ...], Recorded]:
    """What the moves do to each SKU, and the order's lines as they then are."""
    recorded: Recorded = []
    lines: list[Line] = []
    for sku, move in moves.items():
        for event in stock.decide(move, on(sku, states)):
            recorded.append(((stock, sku), event))
            lines += line_of(sku, event)
    return tuple(lines), recorded


def line_of(sku: str, event: Event) -> list[Line]:
    """The line that a stock's event makes, if it is about this order's units."""
    match event:
        case Reserved(_, quantity, where, waits) | Freed(_, quantity, where, waits):
            return [Line(sku, quantity, where, waits)]
        case Sold(_, quantity, where) | Returned(_, quantity, where):
            return [Line(sku, quantity, where)]
        case _:
            return []


holding: Many[Command] = Many(streams, decide, more)
