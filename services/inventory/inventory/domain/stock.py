"""Units of one SKU: what is on the shelves, what is promised, and every movement between.

Always, at each location and over all: the sum of the movements = ``on_hand`` >= 0, and ``reserved`` <= ``on_hand`` +
``shortage`` + what backorders miss. While anybody waits for units, none are free.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from chassis.decider import Decider, Effect, Refused, Send
from soko_contracts import inventory as contracts

from inventory.domain.costing import entered, pooled, worth
from inventory.domain.shelves import MAIN, Backorder, Level, Part, Shelf, Stock, Transfer
from inventory.domain.stock_commands import (
    Adjust,
    Command,
    Configure,
    Count,
    Dispatch,
    ListSku,
    Receive,
    Release,
    Reserve,
    Sell,
    TakeBack,
    TakeIn,
)
from inventory.domain.stock_events import (
    Adjusted,
    Arrived,
    BackorderLimitSet,
    Counted,
    Dispatched,
    Event,
    FellLow,
    Filled,
    LevelCrossed,
    Listed,
    Received,
    Released,
    Reserved,
    Returned,
    Sold,
    ThresholdSet,
)


def decide(command: Command, state: Stock) -> list[Event]:
    """What moves, and after it what others are told: each is an event of its own, so each tells at most one thing."""
    events = movements(command, state)
    after = stock.fold(events, state)
    if after.backorders:
        filled = fills(after)
        events, after = events + filled, stock.fold(filled, after)
    return events + crossings(state, after)


def movements(command: Command, state: Stock) -> list[Event]:
    """What the command does to the units. Refuses ``unknown-sku``, ``not-enough-stock``, ``value-out-of-range``."""
    if isinstance(command, ListSku):
        return listing(command, state)
    if state.sku is None:
        raise Refused("unknown-sku", "No such SKU is in the inventory.")
    match command:
        case Receive(quantity, reference, location, unit_cost, supplier):
            cost = entered(state, quantity, unit_cost)
            return [Received(quantity, reference, False, location, unit_cost, supplier, cost)]
        case Count(quantity, reference, location):
            shelf = state.at(location)
            delta, missing = quantity - shelf.on_hand, max(0, shelf.reserved - quantity)
            return [Counted(quantity, delta, missing, reference, location, entered(state, delta))]
        case Adjust(delta, reason, note, location):
            # A count is a fact and may find that promised units are missing; an adjustment is a wish, and may not.
            shelf = state.at(location)
            if delta < 0 and shelf.on_hand + delta < shelf.reserved:
                raise not_enough(state, shelf, -delta)
            return [Adjusted(delta, reason, note, location, entered(state, delta))]
        case Configure(threshold, backorder_limit):
            return configured(state, threshold, backorder_limit)
        case Dispatch(transfer_id, quantity, origin, destination, reference):
            if any(each.transfer_id == transfer_id for each in state.in_transit):
                return []
            if quantity > state.at(origin).free:
                raise not_enough(state, state.at(origin), quantity)
            return [Dispatched(transfer_id, quantity, origin, destination, reference)]
        case TakeIn(transfer_id):
            coming = [each for each in state.in_transit if each.transfer_id == transfer_id]
            return [
                Arrived(transfer_id, each.quantity, each.origin, each.destination, each.reference) for each in coming
            ]
        case Reserve(order_id, quantity, preferred):
            return [
                Reserved(order_id, part.quantity, part.location, part.waits)
                for part in allocate(state, quantity, preferred)
            ]
        case Release(order_id, parts):
            return released(state, order_id, parts)
        case Sell(order_id, parts):
            return sold(state, order_id, parts)
        case TakeBack(order_id, parts):
            events: list[Event] = []
            for part in parts:
                events.append(Returned(order_id, part.quantity, part.location, worth(state, part.quantity)))
                state = evolve(state, events[-1])
            return events
        case _:
            assert_never(command)


def listing(command: ListSku, state: Stock) -> list[Event]:
    """Events, calls and requests all bring the initial stock, in any order: the first one counts."""
    events: list[Event] = []
    if state.sku is None:
        events.append(Listed(command.sku, command.threshold))
    if command.initial > 0 and not state.initial_received:
        cost = worth(state, command.initial)
        events.append(Received(command.initial, "initial stock", initial=True, cost=cost))
    return events


def configured(state: Stock, threshold: int | None, backorder_limit: int | None) -> list[Event]:
    """What is set anew. Units that are promised already stay so, whatever the limit."""
    events: list[Event] = []
    if threshold is not None and threshold != state.threshold:
        events.append(ThresholdSet(threshold))
    if backorder_limit is not None and backorder_limit != state.backorder_limit:
        events.append(BackorderLimitSet(backorder_limit))
    return events


def allocate(state: Stock, quantity: int, preferred: Sequence[str]) -> list[Part]:
    """Where the units come from: all from the first location that has them, else what each has, in that order.

    What no location has waits, where the SKU allows it. Refuses ``not-enough-stock``.
    """
    if quantity > state.available + state.backorderable:
        raise not_enough(state, None, quantity)
    rank = {location: place for place, location in enumerate(preferred)}
    shelves = sorted(state.shelves, key=lambda shelf: rank.get(shelf.location, len(rank)))
    for shelf in shelves:
        if quantity <= shelf.free:
            return [Part(quantity, shelf.location)]
    parts = []
    for shelf in shelves:
        if taken := min(quantity, shelf.free):
            parts.append(Part(taken, shelf.location))
            quantity -= taken
    return [*parts, Part(quantity, waits=True)] if quantity else parts


def found(state: Stock, order_id: str, parts: Sequence[Part]) -> dict[str, int]:
    """How many of an order's units are where, those among them that it had to wait for."""
    units: dict[str, int] = {}
    for part in parts:
        for each in state.of(order_id).found if part.waits else (part,):
            units[each.location] = units.get(each.location, 0) + each.quantity
    return units


def missing(state: Stock, order_id: str, parts: Sequence[Part]) -> int:
    """How many of these units cannot be sold now: still to come, or not found by a count."""
    there = found(state, order_id, parts)
    lacking = sum(max(0, units - state.at(location).on_hand) for location, units in there.items())
    return lacking + (state.of(order_id).missing if any(part.waits for part in parts) else 0)


def released(state: Stock, order_id: str, parts: Sequence[Part]) -> list[Event]:
    """The units are free where they are; what the order still waited for is no longer expected."""
    there = found(state, order_id, parts)
    events: list[Event] = [Released(order_id, units, location) for location, units in there.items()]
    if awaited := state.of(order_id).missing:
        events.append(Released(order_id, awaited, waits=True))
    return events


def sold(state: Stock, order_id: str, parts: Sequence[Part]) -> list[Event]:
    """The units are gone from where they were set aside."""
    if lacking := missing(state, order_id, parts):
        raise not_enough(state, None, sum(part.quantity for part in parts), lacking=lacking)
    events: list[Event] = []
    for location, units in found(state, order_id, parts).items():
        events.append(Sold(order_id, units, location, worth(state, -units)))
        state = evolve(state, events[-1])
    return events


def fills(state: Stock) -> list[Event]:
    """Free units go to who waits for them, the oldest first."""
    assert state.sku is not None  # what nobody listed, nobody waits for
    free = {shelf.location: shelf.free for shelf in state.shelves}
    events: list[Event] = []
    for waiting in state.backorders:
        wanted = waiting.missing
        for location in free:
            if taken := min(wanted, free[location]):
                events.append(Filled(state.sku, waiting.order_id, taken, location))
                wanted, free[location] = wanted - taken, free[location] - taken
    return events


def not_enough(state: Stock, shelf: Shelf | None, asked: int, lacking: int = 0) -> Refused:
    """The refusal that says how many there are, at this location or at all."""
    free = state.available if shelf is None else shelf.free
    on_hand, reserved = (state.on_hand, state.reserved) if shelf is None else (shelf.on_hand, shelf.reserved)
    why = f"{lacking} are missing" if lacking else f"{free} are free"
    return Refused(
        "not-enough-stock",
        f"{asked} of {state.sku}, but {why}: {on_hand} on hand, {reserved} reserved.",
        available=free,
    )


def crossings(before: Stock, after: Stock) -> list[Event]:
    """What is told when the free units cross zero or the threshold, or what can be ordered besides crosses zero."""
    if after.level == before.level and bool(after.backorderable) == bool(before.backorderable):
        return []
    assert after.sku is not None  # what nobody listed has no units to cross anything
    told: list[Event] = [LevelCrossed(after.sku, after.on_hand, after.reserved, after.available, after.backorderable)]
    if after.level < before.level == Level.ENOUGH:
        told.append(FellLow(after.sku, after.available, after.threshold))
    return told


def evolve(state: Stock, event: Event) -> Stock:
    """Counters after the event."""
    match event:
        case Listed(sku, threshold):
            return replace(state, sku=sku, threshold=threshold)
        case Received(quantity, _, initial, location, unit_cost, _, cost):
            state = pooled(state, quantity, cost, priced=unit_cost is not None)
            state = moved(state, location, quantity)
            return replace(state, initial_received=True) if initial else state
        case Counted(quantity, delta, shortage, _, location, cost):
            state = pooled(state, delta, cost)
            return state.having(replace(state.at(location), on_hand=quantity, shortage=shortage))
        case Adjusted(delta, _, _, location, cost):
            return moved(pooled(state, delta, cost), location, delta)
        case ThresholdSet(threshold):
            return replace(state, threshold=threshold)
        case BackorderLimitSet(limit):
            return replace(state, backorder_limit=limit)
        case Dispatched(transfer_id, quantity, origin, destination, reference):
            sent = Transfer(transfer_id, quantity, origin, destination, reference)
            return replace(moved(state, origin, -quantity), in_transit=(*state.in_transit, sent))
        case Arrived(transfer_id, quantity, _, destination):
            left = tuple(each for each in state.in_transit if each.transfer_id != transfer_id)
            return replace(moved(state, destination, quantity), in_transit=left)
        case Reserved(order_id, quantity, location, waits):
            return awaited(state, order_id, quantity) if waits else moved(state, location, 0, quantity)
        case Filled(_, order_id, quantity, location):
            return moved(awaited(state, order_id, -quantity, location), location, 0, quantity)
        case Released(order_id, quantity, location, waits):
            return awaited(state, order_id, -quantity) if waits else freed(state, order_id, location, 0, quantity)
        case Sold(order_id, quantity, location, cost):
            return freed(pooled(state, -quantity, cost), order_id, location, -quantity, quantity)
        case Returned(_, quantity, location, cost):
            return moved(pooled(state, quantity, cost), location, quantity)
        case LevelCrossed() | FellLow():
            return state
        case _:
            assert_never(event)


def moved(state: Stock, location: str, on_hand: int, reserved: int = 0) -> Stock:
    """Both counters of one location changed by so much."""
    return state.having(state.at(location).moved(on_hand, reserved))


def awaited(state: Stock, order_id: str, missing: int, location: str | None = None) -> Stock:
    """The order waits for so many units more or fewer. ``location``: that is where they have come."""
    was = state.of(order_id)
    came = (*was.found, Part(-missing, location)) if location else was.found
    now = Backorder(order_id, was.missing + missing, came)
    return replace(state, reserved=state.reserved + missing, backorders=_with(state, now))


def freed(state: Stock, order_id: str, location: str, on_hand: int, quantity: int) -> Stock:
    """The order has so many units fewer set aside there; of those that it waited for it has then none there."""
    state = moved(state, location, on_hand, -quantity)
    if not state.backorders:
        return state
    was = state.of(order_id)
    kept = tuple(part for part in was.found if part.location != location)
    return replace(state, backorders=_with(state, replace(was, found=kept)))


def _with(state: Stock, now: Backorder) -> tuple[Backorder, ...]:
    """The backorders, in the order in which they came; one that has nothing any more is none."""
    kept = [now if each.order_id == now.order_id else each for each in state.backorders]
    if now.order_id not in {each.order_id for each in state.backorders}:
        kept.append(now)
    return tuple(each for each in kept if each.missing > 0 or each.found)


def react(event: Event, state: Stock) -> Sequence[Effect]:
    """Who is told."""
    match event:
        case LevelCrossed(sku, on_hand, reserved, available, backorderable):
            level = contracts.StockLevel(
                sku=sku, on_hand=on_hand, reserved=reserved, available=available, backorderable=backorderable
            )
            return [Send(level)]
        case FellLow(sku, available, threshold):
            return [Send(contracts.StockLow(sku=sku, available=available, threshold=threshold))]
        case Filled(sku, order_id, quantity, location):
            there = None if location == MAIN else location
            filled = contracts.BackorderFilled(order_id=order_id, sku=sku, quantity=quantity, location_id=there)
            return [Send(filled)]
        case _:
            return ()


stock: Decider[Command, Stock, Event] = Decider("stock", Stock(), decide, evolve, react)
