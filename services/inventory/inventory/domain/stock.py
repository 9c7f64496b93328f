"""Units of one SKU: what is on the shelf, what is promised, and every movement between.

Always: the sum of the movements = ``on_hand`` >= 0, and ``reserved`` <= ``on_hand`` + ``shortage``.
The state is counters only, so a SKU that sells all day loads as quickly as a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import assert_never

from chassis.decider import Decider, Effect, Refused, Send
from soko_contracts import inventory as contracts

from inventory.domain.stock_events import (
    Adjust,
    Adjusted,
    Command,
    Count,
    Counted,
    Event,
    FellLow,
    LevelCrossed,
    Listed,
    ListSku,
    Receive,
    Received,
    Release,
    Released,
    Reserve,
    Reserved,
    Returned,
    Sell,
    SetThreshold,
    Sold,
    TakeBack,
    ThresholdSet,
)


class Level(IntEnum):
    """How much there is, as far as others care."""

    NONE = 0
    LOW = 1
    ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Stock:
    """``sku`` is null until the SKU is listed. ``shortage``: reserved units that a count found missing."""

    sku: str | None = None
    threshold: int = 0
    initial_received: bool = False
    on_hand: int = 0
    reserved: int = 0
    shortage: int = 0

    @property
    def available(self) -> int:
        """Units that can be promised."""
        return max(0, self.on_hand - self.reserved)

    @property
    def level(self) -> Level:
        """Where the free units stand against zero and the threshold."""
        if self.available == 0:
            return Level.NONE
        return Level.LOW if self.available <= self.threshold else Level.ENOUGH


def decide(command: Command, state: Stock) -> list[Event]:
    """What moves, and after it what others are told: each is an event of its own, so each tells at most one thing."""
    moved = movements(command, state)
    return moved + crossings(state, stock.fold(moved, state))


def movements(command: Command, state: Stock) -> list[Event]:
    """What the command does to the units. Refuses ``unknown-sku`` and ``not-enough-stock``."""
    if isinstance(command, ListSku):
        return listing(command, state)
    if state.sku is None:
        raise Refused("unknown-sku", "No such SKU is in the inventory.")
    match command:
        case Receive(quantity, reference):
            return [Received(quantity, reference)]
        case Count(quantity, reference):
            return [Counted(quantity, quantity - state.on_hand, max(0, state.reserved - quantity), reference)]
        case Adjust(delta, reason, note):
            # A count is a fact and may find that promised units are missing; an adjustment is a wish, and may not.
            if delta < 0 and state.on_hand + delta < state.reserved:
                raise not_enough(state, -delta)
            return [Adjusted(delta, reason, note)]
        case SetThreshold(threshold):
            return [ThresholdSet(threshold)] if threshold != state.threshold else []
        case Reserve(order_id, quantity):
            if quantity > state.available:
                raise not_enough(state, quantity)
            return [Reserved(order_id, quantity)]
        case Release(order_id, quantity):
            return [Released(order_id, quantity)]
        case Sell(order_id, quantity):
            if quantity > state.on_hand:
                raise not_enough(state, quantity)
            return [Sold(order_id, quantity)]
        case TakeBack(order_id, quantity):
            return [Returned(order_id, quantity)]
        case _:
            assert_never(command)


def listing(command: ListSku, state: Stock) -> list[Event]:
    """Events, calls and requests all bring the initial stock, in any order: the first one counts."""
    events: list[Event] = []
    if state.sku is None:
        events.append(Listed(command.sku, command.threshold))
    if command.initial > 0 and not state.initial_received:
        events.append(Received(command.initial, "initial stock", initial=True))
    return events


def not_enough(state: Stock, asked: int) -> Refused:
    """The refusal that says how many there are."""
    return Refused(
        "not-enough-stock",
        f"{asked} of {state.sku}, but {state.available} are free: {state.on_hand} on hand, {state.reserved} reserved.",
        available=state.available,
    )


def crossings(before: Stock, after: Stock) -> list[Event]:
    """What is told when the free units cross zero or the threshold."""
    if after.level == before.level:
        return []
    assert after.sku is not None  # what nobody listed has no units to cross anything
    told: list[Event] = [LevelCrossed(after.sku, after.on_hand, after.reserved, after.available)]
    if before.level == Level.ENOUGH:
        told.append(FellLow(after.sku, after.available, after.threshold))
    return told


def evolve(state: Stock, event: Event) -> Stock:
    """Counters after the event."""
    match event:
        case Listed(sku, threshold):
            return replace(state, sku=sku, threshold=threshold)
        case Received(quantity, _, initial):
            received = state.initial_received or initial
            return replace(moved(state, quantity), initial_received=received)
        case Counted(quantity, _, shortage, _):
            return replace(state, on_hand=quantity, shortage=shortage)
        case Adjusted(delta, _, _):
            return moved(state, delta)
        case ThresholdSet(threshold):
            return replace(state, threshold=threshold)
        case Reserved(_, quantity):
            return replace(state, reserved=state.reserved + quantity)
        case Released(_, quantity):
            return moved(state, 0, -quantity)
        case Sold(_, quantity):
            return moved(state, -quantity, -quantity)
        case Returned(_, quantity):
            return moved(state, quantity)
        case LevelCrossed() | FellLow():
            return state
        case _:
            assert_never(event)


def moved(state: Stock, on_hand: int, reserved: int = 0) -> Stock:
    """Both counters changed by this much; a shortage closes as far as there are units for it, and never opens."""
    on_hand, reserved = state.on_hand + on_hand, state.reserved + reserved
    shortage = min(state.shortage, max(0, reserved - on_hand))
    return replace(state, on_hand=on_hand, reserved=reserved, shortage=shortage)


def react(event: Event, state: Stock) -> Sequence[Effect]:
    """Who is told."""
    match event:
        case LevelCrossed(sku, on_hand, reserved, available):
            level = contracts.StockLevel(sku=sku, on_hand=on_hand, reserved=reserved, available=available)
            return [Send(level)]
        case FellLow(sku, available, threshold):
            return [Send(contracts.StockLow(sku=sku, available=available, threshold=threshold))]
        case _:
            return ()


stock: Decider[Command, Stock, Event] = Decider("stock", Stock(), decide, evolve, react)
