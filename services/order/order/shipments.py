"""An order's parcels: what is in them, how they move, and what that makes of the order. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class ShipmentStatus(StrEnum):
    """Where a parcel is."""

    PENDING = "pending"
    PACKED = "packed"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNED = "returned"


NEXT: Mapping[ShipmentStatus, frozenset[ShipmentStatus]] = {
    ShipmentStatus.PENDING: frozenset({ShipmentStatus.PACKED, ShipmentStatus.IN_TRANSIT}),
    ShipmentStatus.PACKED: frozenset({ShipmentStatus.IN_TRANSIT}),
    ShipmentStatus.IN_TRANSIT: frozenset(
        {
            ShipmentStatus.OUT_FOR_DELIVERY,
            ShipmentStatus.DELIVERED,
            ShipmentStatus.FAILED,
            ShipmentStatus.RETURNED,
        }
    ),
    ShipmentStatus.OUT_FOR_DELIVERY: frozenset(
        {ShipmentStatus.DELIVERED, ShipmentStatus.FAILED, ShipmentStatus.RETURNED}
    ),
    ShipmentStatus.FAILED: frozenset(
        {ShipmentStatus.IN_TRANSIT, ShipmentStatus.OUT_FOR_DELIVERY, ShipmentStatus.RETURNED}
    ),
    ShipmentStatus.DELIVERED: frozenset(),
    ShipmentStatus.RETURNED: frozenset(),
}
"""Where a parcel can go from where it is."""

HERE = frozenset({ShipmentStatus.PENDING, ShipmentStatus.PACKED})
"""Not yet with the carrier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """So many units of a SKU in one shipment."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One parcel on its way to the customer."""

    shipment_id: str
    lines: tuple[Parcel, ...]
    created_at: datetime
    status: ShipmentStatus = ShipmentStatus.PENDING
    carrier: str | None = None
    tracking_number: str | None = None

    @property
    def left(self) -> bool:
        """The carrier has, or had it."""
        return self.status not in HERE

    @property
    def arrived(self) -> bool:
        """It moves no more: with the customer, or back."""
        return self.status in (ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED)


def unpacked(shipments: Sequence[Shipment]) -> dict[str, int]:
    """Units by SKU that wait in pending shipments: what a new shipment can be made of."""
    waiting: dict[str, int] = {}
    for shipment in shipments:
        if shipment.status is ShipmentStatus.PENDING:
            for line in shipment.lines:
                waiting[line.sku] = waiting.get(line.sku, 0) + line.quantity
    return waiting


def split(shipments: Sequence[Shipment], new: Shipment) -> tuple[Shipment, ...]:
    """``new`` besides the others, its units taken out of the pending ones; a pending one left empty is gone."""
    wanted = {line.sku: line.quantity for line in new.lines}
    others: list[Shipment] = []
    for shipment in shipments:
        if shipment.status is not ShipmentStatus.PENDING:
            others.append(shipment)
            continue
        kept: list[Parcel] = []
        for line in shipment.lines:
            taken = min(line.quantity, wanted.get(line.sku, 0))
            wanted[line.sku] = wanted.get(line.sku, 0) - taken
            if line.quantity > taken:
                kept.append(replace(line, quantity=line.quantity - taken))
        if kept:
            others.append(replace(shipment, lines=tuple(kept)))
    return (*others, new)


def order_status(shipments: Sequence[Shipment]) -> str:
    """What its shipments make of a confirmed order.

    confirmed, processing (something is packed), partially_shipped, shipped (all has left) or delivered (all is there).
    """
    if all(shipment.status is ShipmentStatus.DELIVERED for shipment in shipments):
        return "delivered"
    if all(shipment.left for shipment in shipments):
        return "shipped"
    if any(shipment.left for shipment in shipments):
        return "partially_shipped"
    if any(shipment.status is ShipmentStatus.PACKED for shipment in shipments):
        return "processing"
    return "confirmed"
