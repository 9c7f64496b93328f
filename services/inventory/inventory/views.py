"""From the events of a SKU, and of a location, to what staff see of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from chassis.rows import Meta, Put

from inventory.domain.location import Added, Changed
from inventory.domain.shelves import Stock
from inventory.domain.stock_events import (
    Adjusted,
    Arrived,
    Counted,
    Dispatched,
    Event,
    Received,
    Returned,
    Sold,
)
from inventory.tables import locations, movements, shelves, stock, transfers


def stock_view(event: Event, state: Stock, meta: Meta) -> Iterable[Put]:
    """The SKU as it stands after the event, and the movement that the event was, if it moved units."""
    yield Put(
        stock,
        {
            "sku": meta.id,
            "on_hand": state.on_hand,
            "reserved": state.reserved,
            "available": state.available,
            "shortage": state.shortage,
            "threshold": state.threshold,
            "version": meta.version,
            "updated_at": meta.recorded_at,
            "backorder_limit": state.backorder_limit,
            "backordered": state.backordered,
            "in_transit": state.travelling,
            "costed": state.costed,
            "cost": state.cost,
        },
    )
    if state.elsewhere:
        yield from by_location(state, meta)
    if (moved := movement(event)) is not None:
        yield Put(
            movements,
            {
                "sku": meta.id,
                "version": meta.version,
                "at": meta.recorded_at,
                "delta": moved.delta,
                "reason": moved.reason,
                "reference": moved.reference,
                "note": moved.note,
                "on_hand": state.on_hand,
                "location_id": moved.location,
                "cost": moved.cost,
                "unit_cost": moved.unit_cost,
                "supplier": moved.supplier,
            },
        )
    if isinstance(event, Dispatched | Arrived):
        yield journey(event, meta)


def by_location(state: Stock, meta: Meta) -> Iterable[Put]:
    """The units at each location."""
    for shelf in state.shelves:
        yield Put(
            shelves,
            {
                "sku": meta.id,
                "location_id": shelf.location,
                "on_hand": shelf.on_hand,
                "reserved": shelf.reserved,
                "shortage": shelf.shortage,
                "version": meta.version,
            },
        )


def journey(event: Dispatched | Arrived, meta: Meta) -> Put:
    """The transfer as it stands after the event."""
    arrived = isinstance(event, Arrived)
    return Put(
        transfers,
        {
            "id": event.transfer_id,
            "sku": meta.id,
            "quantity": event.quantity,
            "origin": event.origin,
            "destination": event.destination,
            "reference": event.reference,
            "status": "arrived" if arrived else "in_transit",
            "arrived_at" if arrived else "sent_at": meta.recorded_at,
            "version": meta.version,
        },
    )


@dataclass(frozen=True, slots=True)
class Movement:
    """Units that came or went at a location, why, and what that changed the value by."""

    delta: int
    reason: str
    location: str
    cost: int = 0
    reference: str | None = None
    note: str | None = None
    unit_cost: int | None = None
    supplier: str | None = None


def movement(event: Event) -> Movement | None:
    """The movement that the event was; None where it moved no units."""
    match event:
        case Received(quantity, reference, _, location, unit_cost, supplier, cost):
            return Movement(quantity, "received", location, cost, reference, None, unit_cost, supplier)
        case Sold(order_id, quantity, location, cost):
            return Movement(-quantity, "sold", location, cost, order_id)
        case Returned(order_id, quantity, location, cost):
            return Movement(quantity, "returned", location, cost, order_id)
        case Counted(_, delta, _, reference, location, cost):
            return Movement(delta, "counted", location, cost, reference)
        case Adjusted(delta, reason, note, location, cost):
            return Movement(delta, reason, location, cost, note=note)
        case Dispatched(transfer_id, quantity, origin):
            return Movement(-quantity, "transferred", origin, reference=transfer_id)
        case Arrived(transfer_id, quantity, _, destination):
            return Movement(quantity, "transferred", destination, reference=transfer_id)
        case _:
            return None


def location_view(event: Added | Changed, state: object, meta: Meta) -> Iterable[Put]:
    """The location as it stands after the event."""
    yield Put(
        locations,
        {
            "id": meta.id,
            "name": event.name,
            "priority": event.priority,
            "version": meta.version,
            "updated_at": meta.recorded_at,
        },
    )
